"""An order as the sandbox keeps it, and the fills that it got."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from shared.model import OrderKind, Side, TimeInForce, exact


class Status(StrEnum):
    OPEN = "open"
    PARTLY_FILLED = "partly_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


OPEN = frozenset({Status.OPEN, Status.PARTLY_FILLED})


@dataclass(frozen=True, slots=True)
class Terms:
    """What was asked for. Two requests are the same order when their terms are equal."""

    symbol: str
    side: Side
    kind: OrderKind
    qty: Decimal
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    good_till_ms: int | None = None
    post_only: bool = False
    reduce_only: bool = False
    oco: str | None = None


@dataclass(frozen=True, slots=True)
class Fill:
    """One side of a trade; `fee` in `fee_asset`, `ts_ms` in market time."""

    fill_id: str
    qty: Decimal
    price: Decimal
    fee: Decimal
    fee_asset: str
    ts_ms: int


@dataclass(slots=True, eq=False)
class Order:
    """`lost` is what other members of its group have filled: it may fill so much less. `entry` is its place in time."""

    order_id: str
    account: str
    client_id: str | None
    terms: Terms
    entry: int
    ts_ms: int
    status: Status = Status.OPEN
    reason: str = ""
    triggered: bool = False
    filled: Decimal = exact.ZERO
    lost: Decimal = exact.ZERO
    fills: list[Fill] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def waits(self) -> bool:
        """Whether it is a stop whose price has not come yet."""
        return self.terms.kind.has_trigger and not self.triggered

    @property
    def remaining(self) -> Decimal:
        return exact.subtract(exact.subtract(self.terms.qty, self.filled), self.lost)

    def crosses(self, price: Decimal) -> bool:
        """Whether it would trade at `price`; one without a limit trades at any."""
        limit = self.terms.limit_price
        if limit is None:
            return True
        return price <= limit if self.terms.side is Side.BUY else price >= limit

    def wire(self) -> dict[str, Any]:
        """The order with all its fills, as every answer and every update tells it."""
        t = self.terms
        return {
            "order_id": self.order_id,
            "client_id": self.client_id,
            "symbol": t.symbol,
            "side": t.side.value,
            "kind": t.kind.value,
            "qty": exact.text(t.qty),
            "limit_price": _text(t.limit_price),
            "trigger_price": _text(t.trigger_price),
            "time_in_force": t.time_in_force.value,
            "good_till_ms": t.good_till_ms,
            "post_only": t.post_only,
            "reduce_only": t.reduce_only,
            "oco": t.oco,
            "status": self.status.value,
            "reason": self.reason,
            "filled_qty": exact.text(self.filled),
            "fills": [self.fill_wire(fill) for fill in self.fills],
            "ts_ms": self.ts_ms,
        }

    def fill_wire(self, fill: Fill) -> dict[str, Any]:
        return {
            "fill_id": fill.fill_id,
            "order_id": self.order_id,
            "client_id": self.client_id,
            "symbol": self.terms.symbol,
            "side": self.terms.side.value,
            "qty": exact.text(fill.qty),
            "price": exact.text(fill.price),
            "fee": exact.text(fill.fee),
            "fee_asset": fill.fee_asset,
            "ts_ms": fill.ts_ms,
        }


def _text(value: Decimal | None) -> str | None:
    return None if value is None else exact.text(value)
