"""Stopping, which is easy, and going on, which is not."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Self

from fastapi import Depends, Request
from pydantic import StringConstraints, model_validator
from starlette.responses import Response

from router.answers import answer
from router.auth import caller_of
from router.bodies import body_of
from router.idempotency import own
from router.ports import Ports
from router.problems import HaltIncomplete, problem_of
from router.resources.common import DeskPath, OptionalKey, Reason, RequiredKey, TheCaller, ThePorts
from router.routes import Routes
from router.select import MINE
from shared import log
from shared.apikey import Role
from shared.errors import DeskError
from shared.model import Model
from shared.ports import Statement

ROUTES = Routes()
_log = log.get("halt")
_MINE = MINE.format(column="desks.desk")
_DESKS = f"SELECT desk FROM desks WHERE {_MINE} ORDER BY desk"


class HaltOrder(Model):
    """Why. A stop needs no more; `flatten` also sells what is held, at the market."""

    reason: Reason = "by hand"
    flatten: bool = False


class ResumeOrder(Model):
    """Step one gives a reason and is answered with a token; step two gives the token back."""

    reason: Reason | None = None
    confirm: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None

    @model_validator(mode="after")
    def _one_step(self) -> Self:
        if (self.reason is None) == (self.confirm is None):
            raise ValueError("give either a reason (step one) or confirm (step two)")
        return self


@ROUTES.post("/v1/desks/{desk}/halt", Role.TRADER, HaltOrder, idempotency_key="optional", known_key_suffices=True)
async def halt_desk(
    request: Request,
    ports: ThePorts,
    desk: DeskPath,
    _: OptionalKey,
    order: Annotated[HaltOrder, Depends(body_of(HaltOrder, any_type=True))],
) -> Response:
    """Stops a desk at once; stopping a stopped one is no error."""
    return answer({"desk": desk, **await _halt(ports, desk, caller_of(request).prefix, order)})


async def _halt(ports: Ports, desk: str, by: str, order: HaltOrder) -> dict[str, Any]:
    # without the caller's Idempotency-Key: a key used again after a resume must stop the desk, not repeat an old answer
    return await ports.desks.named(desk).call("halt", {"by": by, "reason": order.reason, "flatten": order.flatten})


@ROUTES.post("/v1/halt", Role.TRADER, HaltOrder, idempotency_key="optional")
async def halt_all(
    caller: TheCaller,
    ports: ThePorts,
    _: OptionalKey,
    order: Annotated[HaltOrder, Depends(body_of(HaltOrder, any_type=True))],
) -> Response:
    """Stops every desk that the key may touch, each whatever becomes of the others."""
    (rows,) = await caller.read(Statement(_DESKS, (caller.prefix,)))
    names = [str(row["desk"]) for row in rows]
    outcomes = await asyncio.gather(
        *(_halt(ports, name, caller.prefix, order) for name in names), return_exceptions=True
    )
    results = [_result(name, outcome) for name, outcome in zip(names, outcomes, strict=True)]
    failed = [result["desk"] for result in results if not result["ok"]]
    if failed:
        # not a success with a footnote: a desk may still be trading
        raise HaltIncomplete(
            f"{len(failed)} of {len(names)} desks did not confirm: {', '.join(failed)}; try again", results
        )
    return answer({"items": results, "next_cursor": None})


def _result(desk: str, outcome: dict[str, Any] | BaseException) -> dict[str, Any]:
    if isinstance(outcome, dict):
        return {"desk": desk, "ok": True, **outcome}
    if not isinstance(outcome, Exception):
        raise outcome
    if not isinstance(outcome, DeskError):
        _log.error("halt_failed", extra={"desk": desk}, exc_info=outcome)
    problem = problem_of(outcome)
    return {"desk": desk, "ok": False, "code": problem.code, "detail": problem.detail}


@ROUTES.post("/v1/desks/{desk}/resume", Role.ADMIN, ResumeOrder)
async def resume_desk(
    request: Request,
    ports: ThePorts,
    desk: DeskPath,
    key: RequiredKey,
    order: Annotated[ResumeOrder, Depends(body_of(ResumeOrder))],
) -> Response:
    """Lets a desk trade again, in two steps: a reason for a token, then the token."""
    who = {"by": caller_of(request).prefix, "idempotency_key": own(request, key)}
    peer = ports.desks.named(desk)
    if order.confirm is not None:
        return answer({"desk": desk, **await peer.call("resume_confirm", {**who, "confirm": order.confirm})})
    return answer({"desk": desk, **await peer.call("resume_request", {**who, "reason": order.reason})})
