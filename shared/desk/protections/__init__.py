"""The protections: one file, one class each. `shared/desk/registry.py` finds them by name; `docs/protections.md` lists them."""
