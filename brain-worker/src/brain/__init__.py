"""Pure decisions: `(market, evidence, state) -> (signals, proposals, refused, state')`. No I/O, no clock, no
randomness.
"""
