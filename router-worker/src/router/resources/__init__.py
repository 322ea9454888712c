"""One module per resource; each holds `ROUTES`."""
