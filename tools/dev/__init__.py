"""`make dev`: the desk in the real runtime, on recorded markets, with a live status."""
