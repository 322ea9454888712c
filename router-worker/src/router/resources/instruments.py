"""What can be traded."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from router.answers import page
from router.paging import PageQuery, cut, read_cursor
from router.resources.common import TheCaller
from router.routes import Routes
from router.select import Select
from shared.model import Symbol, VenueName

ROUTES = Routes()


class InstrumentsQuery(PageQuery):
    """Which instruments."""

    venue: VenueName | None = None
    symbol: Symbol | None = None


@ROUTES.get("/v1/instruments")
async def list_instruments(caller: TheCaller, query: Annotated[InstrumentsQuery, Query()]) -> Response:
    """Instruments by id, ascending."""
    after = read_cursor(query.cursor, "instruments", (str,))
    select = Select("SELECT id, body FROM instruments").equals("venue", query.venue).equals("symbol", query.symbol)
    (rows,) = await caller.read(select.page(("id",), after, query.limit, newest_first=False))
    found = cut(rows, query.limit, "instruments", lambda row: (row["id"],))
    return page((row["body"] for row in found.rows), found.next_cursor)
