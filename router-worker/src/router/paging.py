"""Pages by cursor: the position of the last item shown, opaque to the caller, and checked when it comes back."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shared.errors import Invalid

DEFAULT_LIMIT = 100
MAX_LIMIT = 500
_MAX_INT = 2**53 - 1
"""Beyond it an integer is no number in JavaScript, and D1 does not take it."""

Position = tuple[int | str, ...]
CursorText = Annotated[str, StringConstraints(max_length=400, pattern=r"^[A-Za-z0-9_-]+$")]


class Query(BaseModel):
    """The query of a request: text from outside, so lax about types, and strict about names."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class PageQuery(Query):
    """The query of every list."""

    limit: int = Field(default=DEFAULT_LIMIT, ge=1, le=MAX_LIMIT)
    cursor: CursorText | None = None


def write_cursor(kind: str, position: Position) -> str:
    """A cursor of the list `kind`, for a URL."""
    body = json.dumps([kind, *position], separators=(",", ":"))
    return base64.urlsafe_b64encode(body.encode()).decode().rstrip("=")


def read_cursor(cursor: str | None, kind: str, types: Sequence[type]) -> Position | None:
    """The position in `cursor`, None where there is none; `Invalid` for one that this list never gave out."""
    if cursor is None:
        return None
    try:
        body = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise _forged(cursor) from None
    if not isinstance(body, list) or len(body) != 1 + len(types) or body[0] != kind:
        raise _forged(cursor)
    for part, wanted in zip(body[1:], types, strict=True):
        if type(part) is not wanted or (isinstance(part, int) and not 0 <= part <= _MAX_INT):
            raise _forged(cursor)
    return tuple(body[1:])


def _forged(cursor: str) -> Invalid:
    return Invalid.field("cursor", cursor, "is not one that this list gave out", "start without one")


class Page(NamedTuple):
    """What is shown, and how to go on."""

    rows: list[Mapping[str, Any]]
    next_cursor: str | None


def cut(
    rows: Sequence[Mapping[str, Any]], limit: int, kind: str, position: Callable[[Mapping[str, Any]], Position]
) -> Page:
    """The first `limit` of up to limit + 1 rows, and a cursor if there was one more."""
    shown = list(rows[:limit])
    more = len(rows) > limit
    return Page(shown, write_cursor(kind, position(shown[-1])) if more else None)
