"""The one way JSON is read: `json.loads` on deep nesting ends the whole interpreter in Pyodide, uncatchably."""

from __future__ import annotations

from typing import Any

from pydantic_core import from_json

from shared.errors import Invalid


def read_json(text: str | bytes) -> Any:
    """What the text says; `Invalid` where it is no JSON, nested over 200 deep, or holds NaN or an infinity."""
    try:
        return from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise Invalid(f"not readable as JSON: {error}", code="malformed_json") from None
