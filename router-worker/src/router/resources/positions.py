"""What a desk holds."""

from __future__ import annotations

from starlette.responses import Response

from router.answers import page, text_of
from router.paging import cut, read_cursor
from router.resources.common import DeskPath, Paged, TheCaller
from router.routes import Routes

ROUTES = Routes()


@ROUTES.get("/v1/desks/{desk}/positions")
async def list_positions(caller: TheCaller, desk: DeskPath, query: Paged) -> Response:
    """Positions with their marks, by instrument, from the desk itself."""
    after = read_cursor(query.cursor, "positions", (str,))
    held = await caller.ask_desk(desk, "positions", {})
    rows = sorted(held["items"], key=lambda item: str(item["instrument"]))
    left = [row for row in rows if after is None or row["instrument"] > after[0]]
    found = cut(left, query.limit, "positions", lambda row: (row["instrument"],))
    return page((text_of(row) for row in found.rows), found.next_cursor, seq=held["seq"])
