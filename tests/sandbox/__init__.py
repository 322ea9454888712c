"""A venue of its own for tests: accounts, an order book, signed HTTP, a stream, faults on a script, and a journal of all it saw.

Nothing of the desk is in it. `harness.sandbox()` starts it as a process; `loopback.Loopback` answers in memory. docs/venues.md.
"""
