"""The one way JSON is read: `json.loads` on deep nesting ends the whole interpreter in Pyodide, uncatchably."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from pydantic_core import from_json

from shared.errors import Invalid


def read_json(text: str | bytes) -> Any:
    """What the text says; `Invalid` where it is no JSON, nested over 200 deep, or holds NaN or an infinity."""
    try:
        return from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise Invalid(f"not readable as JSON: {error}", code="malformed_json") from None


def named_twice(text: str | bytes) -> str | None:
    """A name that stands twice in one object, None where each stands once: `read_json` would take the last of them.

    Only for what `read_json` has taken already, for the parser that tells of both recurses.
    """
    found: list[str] = []

    def once(pairs: list[tuple[str, Any]]) -> None:
        found.extend(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)

    # no digit is read: thousands of them are an error of their own
    json.loads(text, object_pairs_hook=once, parse_int=str, parse_float=str)
    return found[0] if found else None
