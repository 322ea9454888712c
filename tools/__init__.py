"""The local runtime and the chores of development: see `python -m tools.<name> --help`."""
