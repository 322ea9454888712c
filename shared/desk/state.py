"""What a desk is at one moment: everything that its event log adds up to, and nothing that the log does not hold."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Any

from pydantic import Field

from shared.config import DeskName, Limits, Paper
from shared.model import Exact, Instrument, Model, Order, OrderKind, Position, Side, VenueName, exact
from shared.model.money import Asset


class DeskStatus(StrEnum):
    """`reducing` is reserved: exits only, without cancelling what is open."""

    ACTIVE = "active"
    REDUCING = "reducing"
    HALTED = "halted"


STATE_V = 1
"""The shape and the meaning of `DeskState`: who changes them raises it, and snapshots of other ones are passed over."""


class ResumeRequest(Model):
    """The first of the two steps; only the hash of the confirmation is kept."""

    by: str
    reason: str
    confirm_hash: str
    expires_ms: int


class Rejections(Model):
    """How many exits in a row the venue rejected, and when it last did (wall time)."""

    count: int
    at_ms: int


class DeskState(Model):
    """Frozen; its mappings are replaced, never changed. Survives JSON both ways, which is what a snapshot is.

    `orders` are the open ones by client id; `positions` also holds flat ones, with what they realised. `cash` is per asset and
    may be negative in an asset that only a fee was paid in. `exits` counts the exits that trigger levels caused, per
    instrument, and never falls; `rejected_exits` tells of those that the venue turned down since it last filled a sell.
    `recent_order_ms` are the wall times that the order-rate gate looks at.
    `refused` maps the newest refused client ids to their code, so that a repeated proposal is not journalled again.
    """

    desk: DeskName
    mode: str
    venue: VenueName
    interval_ms: int
    currency: Asset
    initial_cash: Exact
    opened_ms: int
    limits: Limits
    paper: Paper
    instruments: dict[str, Instrument] = Field(default_factory=dict)
    delisted: tuple[str, ...] = ()
    status: DeskStatus = DeskStatus.ACTIVE
    since_ms: int
    halt_reason: str = ""
    resume: ResumeRequest | None = None
    cash: dict[str, Exact]
    fees: dict[str, Exact] = Field(default_factory=dict)
    orders: dict[str, Order] = Field(default_factory=dict)
    positions: dict[str, Position] = Field(default_factory=dict)
    exits: dict[str, int] = Field(default_factory=dict)
    rejected_exits: dict[str, Rejections] = Field(default_factory=dict)
    recent_order_ms: tuple[int, ...] = ()
    refused: dict[str, str] = Field(default_factory=dict)
    seq: int = 0

    def but(self, **changes: Any) -> DeskState:
        """The same state with some fields replaced; the caller vouches for their types."""
        return self.model_copy(update=changes)

    def position(self, instrument: str) -> Position:
        """The position, flat where there never was one."""
        return self.positions.get(instrument) or Position(instrument=instrument)

    def held(self) -> list[Position]:
        return [position for position in self.positions.values() if not position.is_flat]

    def open_orders(self, instrument: str, side: Side | None = None) -> list[Order]:
        return [
            order
            for order in self.orders.values()
            if order.instrument == instrument and (side is None or order.side is side)
        ]

    def free_qty(self, instrument: str) -> Decimal:
        """What is held and not already promised to an open sell order; never negative."""
        promised = exact.ZERO
        for order in self.open_orders(instrument, Side.SELL):
            promised = exact.add(promised, order.remaining_qty)
        return max(exact.ZERO, exact.subtract(self.position(instrument).qty, promised))

    def leaving_qty(self, instrument: str) -> Decimal:
        """What open market orders sell: it goes at the next price, while a resting limit may never go."""
        leaving = exact.ZERO
        for order in self.open_orders(instrument, Side.SELL):
            if order.kind is OrderKind.MARKET:
                leaving = exact.add(leaving, order.remaining_qty)
        return leaving


def is_entry(order: Order) -> bool:
    """Whether it may enlarge a position; only a reduce-only order cannot."""
    return not order.reduce_only


def survives_halt(order: Order) -> bool:
    """A reduce-only market order closes at once and can only lower the risk: a halt lets it work."""
    return order.reduce_only and order.kind is OrderKind.MARKET
