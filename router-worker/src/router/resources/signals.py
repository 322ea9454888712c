"""What the strategies saw, and what became of it."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query
from starlette.responses import Response

from router.answers import page
from router.auth import require_desk
from router.paging import PageQuery, cut, read_cursor
from router.resources.common import TheCaller
from router.routes import Routes
from router.select import Select
from shared.config import DeskName
from shared.model import StrategyName, Symbol, VenueName

ROUTES = Routes()

# put together by SQLite: one text a row crosses into Python instead of a dozen columns
_ITEM = (
    "json_set(body, '$.desk', desk, '$.outcome', outcome, '$.code', code, '$.client_id', client_id, "
    "'$.created_ms', created_ms) AS item"
)
_PAGE = f"SELECT created_ms, id, {_ITEM} FROM signals"


class SignalsQuery(PageQuery):
    """Which signals."""

    desk: DeskName | None = None
    venue: VenueName | None = None
    symbol: Symbol | None = None
    strategy: StrategyName | None = None
    outcome: Literal["pending", "intended", "duplicate", "refused", "stale"] | None = None


@ROUTES.get("/v1/signals")
async def list_signals(caller: TheCaller, query: Annotated[SignalsQuery, Query()]) -> Response:
    """Signals of the desks that the key may touch, newest first."""
    after = read_cursor(query.cursor, "signals", (int, str))
    select = Select(_PAGE).mine(caller.prefix, "signals.desk")
    for column in ("desk", "venue", "symbol", "strategy", "outcome"):
        select.equals(column, getattr(query, column))
    (rows,) = await caller.read(select.page(("created_ms", "id"), after, query.limit, newest_first=True))
    if query.desk is not None:
        require_desk(await caller.verified(), query.desk)
    found = cut(rows, query.limit, "signals", lambda row: (row["created_ms"], row["id"]))
    return page((row["item"] for row in found.rows), found.next_cursor)
