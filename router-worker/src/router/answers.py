"""Answers as bytes, written straight from what is known to be JSON: no second pass through the framework's encoder."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from starlette.responses import Response

MEDIA_TYPE = "application/json"


def text_of(content: Any) -> str:
    """Compact JSON; a float that is no number is a bug of ours and raises."""
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def answer(content: Any, status: int = 200) -> Response:
    """One JSON value."""
    return Response(text_of(content), status, media_type=MEDIA_TYPE)


def page(items: Iterable[str], next_cursor: str | None, **more: Any) -> Response:
    """A page of items that are JSON texts already."""
    rest = text_of({"next_cursor": next_cursor, **more})
    return Response(f'{{"items":[{",".join(items)}],{rest[1:]}', media_type=MEDIA_TYPE)
