"""The desk: a pure core (`decide`, `apply`, gates, sizing, ledger) and a thin shell that stores first and acts afterwards."""
