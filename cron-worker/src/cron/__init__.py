"""The clock edge: one file per job, one table of them, one runner."""
