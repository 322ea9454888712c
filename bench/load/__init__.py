"""Load over HTTP on a running desk."""
