"""Where markets come from: one file per source."""
