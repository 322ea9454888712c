"""What a desk is at one moment: everything that its event log adds up to, and nothing that the log does not hold."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, Field, JsonValue

from shared.config import DeskName, Limits, Mode, Paper, TradingVenue
from shared.desk.held import held
from shared.desk.open_orders import OpenOrders
from shared.desk.open_orders import is_guard as is_guard
from shared.model import (
    Exact,
    Instrument,
    Model,
    Order,
    OrderKind,
    Position,
    Side,
    Trade,
    VenueName,
    exact,
)
from shared.model.money import Asset


class DeskStatus(StrEnum):
    """`reducing`: no entries, exits as ever. `halted`: what is open is cancelled too, and only a person resumes."""

    ACTIVE = "active"
    REDUCING = "reducing"
    HALTED = "halted"


STATE_V = 4
"""The shape and the meaning of `DeskState`: who changes them raises it, and snapshots of other ones are passed over."""


class ResumeRequest(Model):
    """The first of the two steps; only the hash of the confirmation is kept."""

    by: str
    reason: str
    confirm_hash: str
    expires_ms: int


class ArmRequest(ResumeRequest):
    """The first step of arming a live desk until `until_ms` (wall time)."""

    until_ms: int


class Timebase(StrEnum):
    """Which time an end is counted in: the market's own, or the wall's."""

    MARKET = "market"
    WALL = "wall"


class Reduction(Model):
    """Why entries are stopped. It ends by itself at `until_ms`; None: when its cause is gone or a person resumes."""

    reason: str
    by: str
    since_ms: int
    until_ms: int | None = None
    clock: Timebase = Timebase.WALL


class Equity(Model):
    """Equity in the reporting currency: its peak, and what it was when the market day began; since the last resume."""

    peak: Exact
    day_ms: int
    day_start: Exact


class Difference(Model):
    """Something on which ledger and venue do not agree; `found_ms` is wall time."""

    kind: str
    subject: str
    ours: str
    theirs: str
    detail: str
    found_ms: int


class Rejections(Model):
    """How many exits in a row the venue rejected, and when it last did (wall time)."""

    count: int
    at_ms: int


class DeskState(Model):
    """Frozen; its mappings are replaced, never changed. Survives JSON both ways, which is what a snapshot is.

    `orders` are the open ones by client id; `positions` also holds flat ones, with what they realised. `cash` is per asset and
    may be negative in an asset that only a fee was paid in. `exits` counts the exits that trigger levels caused, per
    instrument, and never falls; `rejected_exits` tells of those that the venue turned down since it last filled a sell, and
    `rejected_guards` of orders turned down that were to rest there. `awaited` are resting orders whose level was crossed, by
    client id, and since when (wall time).
    `recent_order_ms` are the wall times that the order-rate gate looks at.
    `refused` maps the newest refused client ids to their code, so that a repeated proposal is not journalled again.
    `status` is `halted` under a halt, else `reducing` while `reductions` (by code) stand. `hold_until_ms` (wall time) is how
    long a halt cannot be resumed, `flattening` whether it sells what is held.
    `replacements` are orders that wait, by the id of the open order whose place they take.
    `trades` are the newest round trips since the last resume, on which the protections look back, and `earlier_trades` those
    before it, kept for whoever learns from them; `recent_error_ms` the wall times of orders that the venue
    rejected or left without an answer; `venue_silent_ms` is since when (wall time) no call was answered, 0 while it answers.
    `differences` are the unresolved ones by id; `adjusted` is what was booked per asset outside of fills.
    """

    desk: DeskName
    mode: Mode
    venue: VenueName
    interval_ms: int
    currency: Asset
    initial_cash: Exact
    opened_ms: int
    limits: Limits
    paper: Paper
    trading: TradingVenue = TradingVenue()
    rehearsed_as: DeskName | None = None
    rehearsal_days: int = 30
    protections: dict[str, dict[str, JsonValue]] = Field(default_factory=dict)
    instruments: dict[str, Instrument] = Field(default_factory=dict)
    delisted: tuple[str, ...] = ()
    status: DeskStatus = DeskStatus.ACTIVE
    since_ms: int
    halt_reason: str = ""
    halt_code: str = ""
    hold_until_ms: int = 0
    flattening: bool = False
    resume: ResumeRequest | None = None
    reductions: dict[str, Reduction] = Field(default_factory=dict)
    cash: dict[str, Exact]
    fees: dict[str, Exact] = Field(default_factory=dict)
    orders: Annotated[dict[str, Order], AfterValidator(OpenOrders)] = Field(default_factory=OpenOrders)
    replacements: dict[str, Order] = Field(default_factory=dict)
    positions: dict[str, Position] = Field(default_factory=dict)
    exits: dict[str, int] = Field(default_factory=dict)
    rejected_exits: dict[str, Rejections] = Field(default_factory=dict)
    rejected_guards: dict[str, Rejections] = Field(default_factory=dict)
    awaited: dict[str, int] = Field(default_factory=dict)
    recent_order_ms: tuple[int, ...] = ()
    recent_error_ms: tuple[int, ...] = ()
    venue_silent_ms: int = 0
    trades: tuple[Trade, ...] = ()
    earlier_trades: tuple[Trade, ...] = ()
    equity: Equity | None = None
    differences: dict[str, Difference] = Field(default_factory=dict)
    adjusted: dict[str, Exact] = Field(default_factory=dict)
    armed_until_ms: int = 0
    arm: ArmRequest | None = None
    refused: dict[str, str] = Field(default_factory=dict)
    seq: int = 0

    def but(self, **changes: Any) -> DeskState:
        """The same state with some fields replaced; the caller vouches for their types."""
        return self.model_copy(update=changes)

    def position(self, instrument: str) -> Position:
        """The position, flat where there never was one."""
        return self.positions.get(instrument) or Position(instrument=instrument)

    def held(self) -> list[Position]:
        """The positions that are not flat."""
        return list(held(self.positions))

    @property
    def open(self) -> OpenOrders:
        """The open orders, sorted; a mapping of another kind, put in by `but`, is sorted anew each time."""
        orders = self.orders
        return orders if type(orders) is OpenOrders else OpenOrders(orders)

    def open_orders(self, instrument: str, side: Side | None = None) -> list[Order]:
        return [order for order in self.open.of(instrument) if side is None or order.side is side]

    def free_qty(self, instrument: str) -> Decimal:
        """What is held and not already promised to an open sell order; never negative. A guard yields to any other sell."""
        promised = together(order for order in self.open_orders(instrument, Side.SELL) if not is_guard(order))
        return max(exact.ZERO, exact.subtract(self.position(instrument).qty, promised))

    def leaving_qty(self, instrument: str) -> Decimal:
        """What open market orders sell, and stops that have set off: it goes at the next price, while a limit may never go."""
        sells = self.open_orders(instrument, Side.SELL)
        leaving = [order for order in sells if order.kind is OrderKind.MARKET or has_set_off(order)]
        return together(leaving) if leaving else exact.ZERO


def together(orders: Iterable[Order]) -> Decimal:
    """How much the orders may still fill between them: of a group, whose members end one another, the largest."""
    alone, groups = exact.ZERO, dict[str, Decimal]()
    for order in orders:
        if order.oco is None:
            alone = exact.add(alone, order.remaining_qty)
        else:
            groups[order.oco] = max(groups.get(order.oco, exact.ZERO), order.remaining_qty)
    for qty in groups.values():
        alone = exact.add(alone, qty)
    return alone


def has_set_off(order: Order) -> bool:
    """A resting stop that has begun to fill: a market order by now."""
    return order.kind is OrderKind.STOP and bool(order.filled_qty)


def is_entry(order: Order) -> bool:
    """Whether it may enlarge a position; only a reduce-only order cannot."""
    return not order.reduce_only


def survives_halt(order: Order) -> bool:
    """What can only lower the risk, at whatever price: a reduce-only market order, or a stop that rests at the venue."""
    return order.reduce_only and order.kind in (OrderKind.MARKET, OrderKind.STOP)
