"""The desks, and how one stands now."""

from __future__ import annotations

import asyncio

from starlette.responses import Response

from router.answers import answer, page
from router.paging import cut, read_cursor
from router.resources.common import DeskPath, Paged, TheCaller, ThePorts
from router.routes import Routes
from router.select import Select

ROUTES = Routes()

_ITEM = (
    "json_object('desk', desk, 'venue', venue, 'currency', currency, 'mode', mode, 'opened_ms', opened_ms, "
    "'as_of_seq', as_of_seq) AS item"
)


@ROUTES.get("/v1/desks")
async def list_desks(caller: TheCaller, query: Paged) -> Response:
    """The desks that the key may touch, by name."""
    after = read_cursor(query.cursor, "desks", (str,))
    select = Select(f"desk, {_ITEM}", "desks").mine(caller.prefix, "desks.desk")
    (rows,) = await caller.read(select.page(("desk",), after, query.limit, newest_first=False))
    found = cut(rows, query.limit, "desks", lambda row: (row["desk"],))
    return page((row["item"] for row in found.rows), found.next_cursor)


@ROUTES.get("/v1/desks/{desk}")
async def get_desk(caller: TheCaller, ports: ThePorts, desk: DeskPath) -> Response:
    """State, equity and limits, from the desk itself."""
    if not caller.familiar_with(desk):
        await caller.verified()
        return answer(await ports.desks.named(desk).call("view", {}))
    # asked at the same time as the key: `verified` still decides whether the answer goes out
    verdict, view = await asyncio.gather(
        caller.verified(), ports.desks.named(desk).call("view", {}), return_exceptions=True
    )
    for outcome in (verdict, view):
        if isinstance(outcome, BaseException):
            raise outcome
    return answer(view)
