"""What a desk holds, and the levels at which it lets go."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

from router.answers import answer, page, text_of
from router.auth import caller_of
from router.bodies import body_of
from router.idempotency import own
from router.paging import cut, read_cursor
from router.resources.common import DeskPath, InstrumentPath, Paged, RequiredKey, TheCaller, ThePorts, told
from router.routes import Routes
from shared.apikey import Role
from shared.model import Model, Positive

ROUTES = Routes()


class Levels(Model):
    """All three have to be named, so that none is taken away by leaving it out: null takes one away."""

    stop_price: Positive | None
    target_price: Positive | None
    trail_distance: Positive | None


@ROUTES.get("/v1/desks/{desk}/positions")
async def list_positions(caller: TheCaller, desk: DeskPath, query: Paged) -> Response:
    """Positions with their marks, by instrument, from the desk itself."""
    after = read_cursor(query.cursor, "positions", (str,))
    held = await caller.ask_desk(desk, "positions", {})
    rows = sorted(held["items"], key=lambda item: str(item["instrument"]))
    left = [row for row in rows if after is None or row["instrument"] > after[0]]
    found = cut(left, query.limit, "positions", lambda row: (row["instrument"],))
    return page((text_of(row) for row in found.rows), found.next_cursor, seq=held["seq"])


@ROUTES.put("/v1/desks/{desk}/positions/{instrument}/levels", Role.TRADER, Levels)
async def set_levels(
    request: Request,
    ports: ThePorts,
    desk: DeskPath,
    instrument: InstrumentPath,
    key: RequiredKey,
    levels: Annotated[Levels, Depends(body_of(Levels))],
) -> Response:
    """Moves the stop, the target and the trailing stop of a position, all at once."""
    who = {"instrument": instrument, "by": caller_of(request).prefix, "idempotency_key": own(request, key)}
    return answer(await ports.desks.named(desk).call("set_levels", {**who, **told(levels)}))
