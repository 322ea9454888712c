"""What can happen to an order, and to the levels of a position. Fields change only together with `v` and an upcaster."""

from __future__ import annotations

from shared.desk.event import Event
from shared.desk.upcast import UPCASTERS, Body
from shared.model import (
    Cause,
    Entry,
    Exact,
    Fill,
    HexId,
    InstrumentId,
    Level,
    NotNegative,
    Order,
    OrderStatus,
    Positive,
    Side,
)


class OrderIntended(Event):
    """Stored before anything is sent; carries the price that it was decided on."""

    kind = "order_intended"
    order: Order


class OrderSent(Event):
    """Stored before it leaves: from here on only the venue knows."""

    kind = "order_sent"
    client_id: HexId


class OrderAcknowledged(Event):
    """The venue has it; `by` and `note` are those of a person on whose word that is believed."""

    kind = "order_acknowledged"
    client_id: HexId
    venue_order_id: str | None
    by: str = ""
    note: str = ""


class OrderRejected(Event):
    kind = "order_rejected"
    client_id: HexId
    code: str
    detail: str = ""


class OrderFilled(Event):
    """`value` is quote money (qty * price * multiplier, 18 places); `status` is the order's afterwards.

    `stop_price`, `target_price` and `trail_distance` are the position's levels afterwards, if this fill sets them. `cause` is the
    order's where it had ended already, since a closed order is no part of the state, and `entry` then is what the fill adds.
    """

    kind = "order_filled"
    v = 3
    fill: Fill
    value: NotNegative
    status: OrderStatus
    stop_price: Positive | None = None
    target_price: Positive | None = None
    trail_distance: Positive | None = None
    cause: Cause | None = None
    entry: Entry | None = None


@UPCASTERS.register("order_filled", 1)
def _nameless(body: Body) -> Body:
    """Before version 2 a late fill counted as by hand."""
    return {**body, "cause": None}


@UPCASTERS.register("order_filled", 2)
def _unowned(body: Body) -> Body:
    """Before version 3 nobody was told who bought with a late fill."""
    return {**body, "entry": None}


class OrderCancelRequested(Event):
    kind = "order_cancel_requested"
    client_id: HexId
    by: str
    reason: str


class OrderCancelled(Event):
    """`by` and `note` are those of a person on whose word it was never placed."""

    kind = "order_cancelled"
    client_id: HexId
    reason: str
    by: str = ""
    note: str = ""


class OrderExpired(Event):
    kind = "order_expired"
    client_id: HexId
    reason: str


class OrderUnknown(Event):
    """Sent or perhaps sent, without an answer: the venue has to be asked."""

    kind = "order_unknown"
    client_id: HexId
    reason: str


class OrderNotFound(Event):
    """The venue answered that it never saw the id: the order is intended again and may be placed under that id."""

    kind = "order_not_found"
    client_id: HexId


class ReplacementIntended(Event):
    """`order` waits, `created`, until the open order `client_id` has ended; then it is intended for what is left."""

    kind = "replacement_intended"
    client_id: HexId
    order: Order


class ReplacementDropped(Event):
    """`order_id` waited for `client_id`: nothing was left for it, a gate refused it by then, or nobody wants it any more."""

    kind = "replacement_dropped"
    client_id: HexId
    order_id: HexId
    code: str
    detail: str


class ProposalRefused(Event):
    kind = "proposal_refused"
    client_id: HexId
    signal_id: HexId
    strategy: str
    instrument: InstrumentId
    side: Side
    action: str
    bar_close_ms: int
    code: str
    detail: str


class OrderRefused(Event):
    """An order placed by hand that a gate refused."""

    kind = "order_refused"
    client_id: HexId
    instrument: InstrumentId
    side: Side
    by: str
    code: str
    detail: str


class LevelTriggered(Event):
    """`price` is the one that crossed the level, `market_ms` its market time."""

    kind = "level_triggered"
    level: Level
    price: Exact
    market_ms: int
    client_id: HexId


class LevelAwaited(Event):
    """A level was crossed while an order for it rests at the venue: that one, `client_id`, is given time to fill."""

    kind = "level_awaited"
    level: Level
    price: Exact
    market_ms: int
    client_id: HexId


class LevelsMoved(Event):
    """The position's levels from now on: a trailing stop followed the price, or a person (`by`) moved them."""

    kind = "levels_moved"
    instrument: InstrumentId
    stop_price: Positive | None = None
    target_price: Positive | None = None
    trail_distance: Positive | None = None
    by: str
