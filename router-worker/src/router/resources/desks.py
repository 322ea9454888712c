"""The desks, and how one stands now."""

from __future__ import annotations

from starlette.responses import Response

from router.answers import answer, page
from router.paging import cut, read_cursor
from router.resources.common import DeskPath, Paged, TheCaller
from router.routes import Routes
from router.select import Select

ROUTES = Routes()

_ITEM = (
    "json_object('desk', desk, 'venue', venue, 'currency', currency, 'mode', mode, 'opened_ms', opened_ms, "
    "'as_of_seq', as_of_seq) AS item"
)
_PAGE = f"SELECT desk, {_ITEM} FROM desks"


@ROUTES.get("/v1/desks")
async def list_desks(caller: TheCaller, query: Paged) -> Response:
    """The desks that the key may touch, by name."""
    after = read_cursor(query.cursor, "desks", (str,))
    select = Select(_PAGE).mine(caller.prefix, "desks.desk")
    (rows,) = await caller.read(select.page(("desk",), after, query.limit, newest_first=False))
    found = cut(rows, query.limit, "desks", lambda row: (row["desk"],))
    return page((row["item"] for row in found.rows), found.next_cursor)


@ROUTES.get("/v1/desks/{desk}")
async def get_desk(caller: TheCaller, desk: DeskPath) -> Response:
    """State, equity and limits, from the desk itself."""
    return answer(await caller.ask_desk(desk, "view", {}))
