"""What keeps a desk from losing too much: what is configured, what stands now, and what it did before."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from router.answers import answer
from router.resources.common import DeskPath, TheCaller
from router.resources.history import HistoryQuery, account_page
from router.routes import Routes

ROUTES = Routes()
_STANDING = (
    "desk",
    "status",
    "since_ms",
    "halt_code",
    "halt_reason",
    "hold_until_ms",
    "reductions",
    "protections",
    "equity_peak",
    "drawdown_bps",
    "day_loss_bps",
    "unresolved",
    "seq",
)
_KINDS = (
    "halted",
    "resume_requested",
    "resume_expired",
    "resumed",
    "reduced",
    "reduction_lifted",
    "protections_changed",
    "venue_lost",
    "venue_back",
)


@ROUTES.get("/v1/desks/{desk}/protections")
async def get_protections(caller: TheCaller, desk: DeskPath, query: Annotated[HistoryQuery, Query()]) -> Response:
    """From the desk itself; with `history=1` what they did before, newest first, as the outbox has brought it."""
    if query.history:
        return await account_page(caller, desk, query, "protections", *_KINDS)
    view = await caller.ask_desk(desk, "view", {})
    return answer({name: view.get(name) for name in _STANDING})
