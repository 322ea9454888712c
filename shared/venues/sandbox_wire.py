"""What the sandbox says, read strictly where it matters; a field that is not known is passed over."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Generic, Self, TypeVar

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from shared.model import Exact, Fill, Model, NotNegative, OrderStatus, Positive, Side, Symbol, exact, ids
from shared.model.money import Asset, Money
from shared.venues.venue import OrderReport

Text = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,47}$")]
_OURS = re.compile(r"[0-9a-f]{32}\Z")


class Wire(Model):
    model_config = ConfigDict(extra="ignore")


class Status(StrEnum):
    OPEN = "open"
    PARTLY_FILLED = "partly_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


_STATUS = {
    Status.OPEN: OrderStatus.ACKNOWLEDGED,
    Status.PARTLY_FILLED: OrderStatus.PARTLY_FILLED,
    Status.FILLED: OrderStatus.FILLED,
    Status.CANCELLED: OrderStatus.CANCELLED,
    Status.EXPIRED: OrderStatus.EXPIRED,
}


class WireFill(Wire):
    fill_id: Text
    order_id: Text
    client_id: Text | None
    symbol: Symbol
    side: Side
    qty: Positive
    price: Positive
    fee: Exact
    fee_asset: Asset
    ts_ms: int = Field(ge=0)


class WireOrder(Wire):
    """An order with all its fills, which must add up: an answer that lost some is not a smaller truth, but none."""

    order_id: Text
    client_id: Text | None
    symbol: Symbol
    side: Side
    status: Status
    reason: Annotated[str, StringConstraints(max_length=64)] = ""
    qty: Positive
    filled_qty: NotNegative
    fills: tuple[WireFill, ...]

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        total = exact.ZERO
        for fill in self.fills:
            total = exact.add(total, fill.qty)
            if (fill.order_id, fill.symbol, fill.side) != (self.order_id, self.symbol, self.side):
                raise ValueError(f"the fill {fill.fill_id} is not of the order {self.order_id}")
        if total != self.filled_qty:
            raise ValueError(f"the fills come to {total}, not to filled_qty {self.filled_qty}")
        if len({fill.fill_id for fill in self.fills}) != len(self.fills):
            raise ValueError("a fill stands twice")
        if (self.status is Status.FILLED) != (total >= self.qty):
            raise ValueError(f"{self.status} does not fit {total} filled of {self.qty}")
        return self


class WireOne(Wire):
    order: WireOrder


class WireHolding(Wire):
    symbol: Symbol
    qty: Exact


class WireBalance(Wire):
    asset: Asset
    total: Exact


T = TypeVar("T", WireOrder, WireFill, WireHolding, WireBalance)


class WirePage(Wire, Generic[T]):
    """`total` counts all pages together; `seq` changes whenever anything of the account does."""

    items: tuple[T, ...]
    total: int = Field(ge=0)
    next_cursor: Text | None
    seq: int = Field(ge=0)


class WireKey(Wire):
    rights: tuple[Text, ...]


class WireError(Wire):
    error: Code
    message: str = ""
    server_ms: int | None = None


def name_of(client_id: str | None, order_id: str) -> str:
    """The client id of an order of the desk. For any other order a stand-in made of the venue's id, always the same one."""
    if client_id is not None and _OURS.match(client_id):
        return client_id
    return ids.stand_in(order_id)


def fill_of(wire: WireFill, venue: str, client_id: str) -> Fill:
    return Fill(
        fill_id=wire.fill_id,
        client_id=client_id,
        instrument=f"{venue}:{wire.symbol}",
        side=wire.side,
        qty=wire.qty,
        price=wire.price,
        fee=Money(amount=wire.fee, asset=wire.fee_asset),
        ts_ms=wire.ts_ms,
    )


def report_of(wire: WireOrder, venue: str, client_id: str) -> OrderReport:
    return OrderReport(
        client_id=client_id,
        venue_order_id=wire.order_id,
        status=_STATUS[wire.status],
        fills=tuple(fill_of(fill, venue, client_id) for fill in wire.fills),
        reason=wire.reason,
    )
