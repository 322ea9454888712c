"""What can happen to a desk: tagged, versioned bodies. A kind's fields change only together with its `v` and an upcaster."""

from __future__ import annotations

import json
from typing import ClassVar

from pydantic import ValidationError

from shared.config import DeskName, Limits, Paper
from shared.desk.upcast import UPCASTERS, Upcasters
from shared.errors import Halt
from shared.model import (
    Exact,
    Fill,
    HexId,
    Instrument,
    InstrumentId,
    Level,
    Model,
    NotNegative,
    Order,
    OrderStatus,
    Positive,
    Side,
    VenueName,
)
from shared.model.money import Asset


class Event(Model):
    """`kind` and `v` stand in the log's own columns, the fields in its `body`."""

    kind: ClassVar[str]
    v: ClassVar[int] = 1


class DeskOpened(Event):
    kind = "desk_opened"
    desk: DeskName
    mode: str
    venue: VenueName
    interval_ms: int
    currency: Asset
    cash: Positive
    limits: Limits
    paper: Paper


class LimitsChanged(Event):
    kind = "limits_changed"
    limits: Limits
    paper: Paper


class InstrumentsListed(Event):
    """`instruments` are the new and the changed ones; `removed` take no entries any more."""

    kind = "instruments_listed"
    instruments: tuple[Instrument, ...]
    removed: tuple[InstrumentId, ...] = ()


class OrderIntended(Event):
    """Stored before anything is sent; carries the price that it was decided on."""

    kind = "order_intended"
    order: Order


class OrderAcknowledged(Event):
    kind = "order_acknowledged"
    client_id: HexId
    venue_order_id: str | None


class OrderRejected(Event):
    kind = "order_rejected"
    client_id: HexId
    code: str
    detail: str = ""


class OrderFilled(Event):
    """`value` is quote money (qty * price * multiplier, 18 places); `status` is the order's afterwards.

    `stop_price` and `target_price` are the position's levels afterwards, if this fill sets them.
    """

    kind = "order_filled"
    fill: Fill
    value: NotNegative
    status: OrderStatus
    stop_price: Positive | None = None
    target_price: Positive | None = None


class OrderCancelRequested(Event):
    kind = "order_cancel_requested"
    client_id: HexId
    by: str
    reason: str


class OrderCancelled(Event):
    kind = "order_cancelled"
    client_id: HexId
    reason: str


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


class Halted(Event):
    kind = "halted"
    by: str
    reason: str


class ResumeRequested(Event):
    kind = "resume_requested"
    by: str
    reason: str
    confirm_hash: str
    expires_ms: int


class ResumeExpired(Event):
    kind = "resume_expired"


class Resumed(Event):
    kind = "resumed"
    by: str
    reason: str


KINDS: dict[str, type[Event]] = {
    kind.kind: kind
    for kind in (
        DeskOpened,
        LimitsChanged,
        InstrumentsListed,
        OrderIntended,
        OrderAcknowledged,
        OrderRejected,
        OrderFilled,
        OrderCancelRequested,
        OrderCancelled,
        OrderExpired,
        OrderUnknown,
        OrderNotFound,
        ProposalRefused,
        OrderRefused,
        LevelTriggered,
        Halted,
        ResumeRequested,
        ResumeExpired,
        Resumed,
    )
}


def read(
    kind: str, v: int, body: str, upcasters: Upcasters = UPCASTERS, kinds: dict[str, type[Event]] = KINDS
) -> Event:
    """The event of one log row, lifted to today's version; `Halt` for one that this code cannot understand."""
    known = kinds.get(kind)
    if known is None or v > known.v:
        raise Halt(
            f"the log holds {kind} v{v}, which this release does not know", code="log_unknown_event", kind=kind, v=v
        )
    try:
        if v < known.v:
            body = json.dumps(upcasters.lift(kind, v, known.v, json.loads(body)))
        return known.model_validate_json(body)
    except ValidationError as error:
        raise Halt(f"a stored {kind} v{v} cannot be read: {error}", code="log_unreadable", kind=kind, v=v) from None
