"""Whether a desk's ledger and its venue agree, and what a person does where they do not."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request
from starlette.responses import Response

from router.answers import answer
from router.auth import caller_of
from router.bodies import body_of
from router.idempotency import own
from router.resources.common import DeskPath, DifferencePath, Reason, RequiredKey, TheCaller, ThePorts
from router.resources.history import HistoryQuery, account_page
from router.routes import Routes
from shared.apikey import Role
from shared.model import Model

ROUTES = Routes()


class Acceptance(Model):
    """Why the venue's side is the right one."""

    reason: Reason


@ROUTES.get("/v1/desks/{desk}/reconciliation")
async def get_reconciliation(caller: TheCaller, desk: DeskPath, query: Annotated[HistoryQuery, Query()]) -> Response:
    """The last look and what is open, from the desk itself; with `history=1` all that was found and how it ended."""
    if query.history:
        kinds = ("difference_found", "difference_resolved", "fill_found", "ledger_adjusted")
        return await account_page(caller, desk, query, "reconciliation", *kinds)
    return answer(await caller.ask_desk(desk, "reconciliation", {}))


@ROUTES.post("/v1/desks/{desk}/reconciliation/{difference}/accept", Role.ADMIN, Acceptance)
async def accept_difference(
    request: Request,
    ports: ThePorts,
    desk: DeskPath,
    difference: DifferencePath,
    key: RequiredKey,
    acceptance: Annotated[Acceptance, Depends(body_of(Acceptance))],
) -> Response:
    """Books the venue's side into the ledger."""
    who = {"by": caller_of(request).prefix, "idempotency_key": own(request, key)}
    body = {"difference": difference, "reason": acceptance.reason, **who}
    return answer(await ports.desks.named(desk).call("accept", body))
