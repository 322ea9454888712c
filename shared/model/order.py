"""An order and the states it may be in."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from shared.model import exact
from shared.model.base import Model
from shared.model.exact import NotNegative, Positive
from shared.model.ids import HexId
from shared.model.instrument import InstrumentId
from shared.model.side import Side


class OrderKind(StrEnum):
    """`stop` becomes a market order and `stop_limit` a limit order once the price has reached `trigger_price`."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"

    @property
    def has_limit(self) -> bool:
        return self in (OrderKind.LIMIT, OrderKind.STOP_LIMIT)

    @property
    def has_trigger(self) -> bool:
        return self in (OrderKind.STOP, OrderKind.STOP_LIMIT)


class TimeInForce(StrEnum):
    """Until cancelled; until `good_till_ms`; what fills at once, the rest ends; all at once or nothing."""

    GTC = "gtc"
    GTD = "gtd"
    IOC = "ioc"
    FOK = "fok"


class OrderStatus(StrEnum):
    """`created` waits for another order to end; `intended` is stored before anything is sent, `sent` before it leaves;
    `unknown` means that the venue has to be asked."""

    CREATED = "created"
    INTENDED = "intended"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    PARTLY_FILLED = "partly_filled"
    FILLED = "filled"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    UNKNOWN = "unknown"

    @property
    def is_open(self) -> bool:
        return self not in _CLOSED


_CLOSED = frozenset({OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.EXPIRED})


class Cause(StrEnum):
    PROPOSAL = "proposal"
    MANUAL = "manual"
    STOP = "stop"
    TARGET = "target"
    FLATTEN = "flatten"


def check_terms(
    kind: OrderKind,
    limit_price: Decimal | float | None,
    trigger_price: Decimal | float | None,
    time_in_force: TimeInForce,
    good_till_ms: int | None,
    post_only: bool,
) -> None:
    """ValueError where the terms of an order do not belong together."""
    if kind.has_limit != (limit_price is not None):
        raise ValueError("limit_price belongs to a limit or stop_limit order, and only to it")
    if kind.has_trigger != (trigger_price is not None):
        raise ValueError("trigger_price belongs to a stop or stop_limit order, and only to it")
    if (time_in_force is TimeInForce.GTD) != (good_till_ms is not None):
        raise ValueError("good_till_ms belongs to time_in_force gtd, and only to it")
    if post_only and (kind is not OrderKind.LIMIT or time_in_force not in (TimeInForce.GTC, TimeInForce.GTD)):
        raise ValueError("post_only belongs to a resting limit order: kind limit, time_in_force gtc or gtd")
    if kind.has_trigger and time_in_force in (TimeInForce.IOC, TimeInForce.FOK):
        raise ValueError("a stop order rests: time_in_force must be gtc or gtd")


class Order(Model):
    """`market_ms` is the market time of what caused it: nothing up to then may fill it; `good_till_ms` is market time too.

    `by` is a strategy or a key's prefix. `trigger_price` is the order's own, where it is a stop.
    `stop_price`, `target_price` and `trail_distance` become the position's levels when an entry fills.
    Orders with the same `oco` are one group: what one fills, the others lose. `replaces` is the order whose place it takes.
    """

    client_id: HexId
    instrument: InstrumentId
    side: Side
    kind: OrderKind
    qty: Positive
    limit_price: Positive | None = None
    trigger_price: Positive | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    good_till_ms: int | None = None
    post_only: bool = False
    reduce_only: bool = False
    stop_price: Positive | None = None
    target_price: Positive | None = None
    trail_distance: Positive | None = None
    oco: HexId | None = None
    replaces: HexId | None = None
    cause: Cause
    by: Annotated[str, StringConstraints(max_length=64)]
    signal_id: HexId | None = None
    reference_price: Positive
    market_ms: int = Field(ge=0)
    intended_ms: int = Field(ge=0)
    status: OrderStatus = OrderStatus.INTENDED
    filled_qty: NotNegative = exact.ZERO
    filled_value: NotNegative = exact.ZERO
    venue_order_id: str | None = None
    reason: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        check_terms(
            self.kind, self.limit_price, self.trigger_price, self.time_in_force, self.good_till_ms, self.post_only
        )
        if self.filled_qty > self.qty:
            raise ValueError(f"filled_qty {self.filled_qty} must not exceed qty {self.qty}")
        return self

    @property
    def remaining_qty(self) -> Decimal:
        return exact.subtract(self.qty, self.filled_qty)
