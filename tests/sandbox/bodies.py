"""What requests may hold, read strictly."""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import Field, StringConstraints

from shared.errors import Invalid
from shared.model import Exact, Model, OrderKind, Side, TimeInForce
from tests.sandbox.checks import Refusal
from tests.sandbox.order import Terms

M = TypeVar("M", bound=Model)
ClientId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,36}$")]


class PlaceBody(Model):
    client_id: ClientId | None = None
    symbol: str
    side: Side
    kind: OrderKind
    qty: Exact
    limit_price: Exact | None = None
    trigger_price: Exact | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    good_till_ms: int | None = None
    post_only: bool = False
    reduce_only: bool = False
    oco: ClientId | None = None

    def terms(self) -> Terms:
        fields = {name: getattr(self, name) for name in type(self).model_fields if name != "client_id"}
        return Terms(**fields)


class KeepAliveBody(Model):
    within_s: int = Field(ge=0, le=86_400)


def read(kind: type[M], body: bytes) -> M:
    """The body, or `Refusal` (400) with the field and the rule that it breaks."""
    try:
        return kind.parse(body)
    except Invalid as error:
        raise Refusal(400, "bad_request", error.detail) from None
