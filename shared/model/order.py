"""An order and the states it may be in."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from shared.model import exact
from shared.model.base import Model
from shared.model.exact import NotNegative, Positive
from shared.model.instrument import InstrumentId
from shared.model.side import Side
from shared.model.signal import HexId


class OrderKind(StrEnum):
    MARKET = "market"
    LIMIT = "limit"


class OrderStatus(StrEnum):
    """`intended` is stored before anything is sent; `unknown` means that the venue has to be asked."""

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


class Order(Model):
    """`market_ms` is the market time of what caused it: nothing up to then may fill it.

    `by` is a strategy or a key's prefix.
    `stop_price` and `target_price` become the position's trigger levels when an entry fills.
    """

    client_id: HexId
    instrument: InstrumentId
    side: Side
    kind: OrderKind
    qty: Positive
    limit_price: Positive | None = None
    reduce_only: bool = False
    stop_price: Positive | None = None
    target_price: Positive | None = None
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
        if (self.kind is OrderKind.LIMIT) != (self.limit_price is not None):
            raise ValueError("limit_price belongs to a limit order, and only to it")
        if self.filled_qty > self.qty:
            raise ValueError(f"filled_qty {self.filled_qty} must not exceed qty {self.qty}")
        return self

    @property
    def remaining_qty(self) -> Decimal:
        return exact.subtract(self.qty, self.filled_qty)
