"""The gate to real money: what still stands in the way, arming in two steps, and disarming in one."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from pydantic import Field, StringConstraints
from starlette.responses import Response

from router.answers import answer
from router.auth import caller_of
from router.bodies import body_of
from router.idempotency import own
from router.resources.common import DeskPath, OptionalKey, Reason, RequiredKey, TheCaller, ThePorts
from router.routes import Routes
from shared.apikey import Role
from shared.model import Model

ROUTES = Routes()


class ArmOrder(Model):
    """Step one: why, and for how many hours."""

    reason: Reason
    hours: int = Field(ge=1, le=168)


class ArmConfirmation(Model):
    """Step two: the token that step one answered."""

    confirm: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class DisarmOrder(Model):
    """Why. Taking real money out of play needs no more."""

    reason: Reason = "by hand"


@ROUTES.get("/v1/desks/{desk}/live-gate")
async def get_live_gate(caller: TheCaller, desk: DeskPath) -> Response:
    """The checklist, item by item, with what to do about each that is not met."""
    return answer(await caller.ask_desk(desk, "live_gate", {}))


@ROUTES.post("/v1/desks/{desk}/live-gate/arm", Role.ADMIN, ArmOrder)
async def request_arm(
    request: Request,
    ports: ThePorts,
    desk: DeskPath,
    key: RequiredKey,
    order: Annotated[ArmOrder, Depends(body_of(ArmOrder))],
) -> Response:
    """Asks for a token to arm the desk with."""
    who = {"by": caller_of(request).prefix, "idempotency_key": own(request, key)}
    body = {"reason": order.reason, "hours": order.hours, **who}
    return answer({"desk": desk, **await ports.desks.named(desk).call("arm_request", body)})


@ROUTES.post("/v1/desks/{desk}/live-gate/arm/confirm", Role.ADMIN, ArmConfirmation)
async def confirm_arm(
    request: Request,
    ports: ThePorts,
    desk: DeskPath,
    key: RequiredKey,
    confirmation: Annotated[ArmConfirmation, Depends(body_of(ArmConfirmation))],
) -> Response:
    """Arms the desk with the token."""
    who = {"by": caller_of(request).prefix, "idempotency_key": own(request, key)}
    body = {"confirm": confirmation.confirm, **who}
    return answer({"desk": desk, **await ports.desks.named(desk).call("arm_confirm", body)})


@ROUTES.post(
    "/v1/desks/{desk}/live-gate/disarm", Role.TRADER, DisarmOrder, idempotency_key="optional", known_key_suffices=True
)
async def disarm(
    request: Request,
    ports: ThePorts,
    desk: DeskPath,
    _: OptionalKey,
    order: Annotated[DisarmOrder, Depends(body_of(DisarmOrder, any_type=True))],
) -> Response:
    """Takes the desk out of real money at once; disarming one that is not armed is no error."""
    body = {"by": caller_of(request).prefix, "reason": order.reason}
    return answer({"desk": desk, **await ports.desks.named(desk).call("disarm", body)})
