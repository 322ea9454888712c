"""The only code, beside the workers' entries and object shells, that imports `js`, `pyodide` or `workers`.

Each file implements one protocol of `shared.ports` over one binding, without the SDK's wrappers (they convert every
value on every call), turns the platform's errors into ours, and counts what it costs.
"""
