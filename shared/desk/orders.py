"""The life of one order: which event may come in which state, and what it makes of it.

    created ──▶ intended ──▶ sent ──▶ acknowledged ──▶ partly_filled ──▶ filled
       │           ▲           │            ▲
       │           │ not found ▼            │
       │           └──────── unknown ───────┘ asked, and known
       │
       │        any open one ──▶ cancelling ──▶ cancelled (or filled, when the fill came first)
       └─ dropped ──▶ cancelled
                any open one ──▶ rejected · expired

`TABLE` is the whole of it, and any other move raises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Any, NamedTuple

from shared.desk import events as ev
from shared.desk.state import DeskState, is_guard, together
from shared.model import Order, OrderStatus, Side, exact
from shared.venues.venue import Offers

S = OrderStatus
Moves = Mapping[S | None, frozenset[S]]
OPEN = (S.INTENDED, S.SENT, S.UNKNOWN, S.ACKNOWLEDGED, S.PARTLY_FILLED, S.CANCELLING)
CLOSED = (S.FILLED, S.CANCELLED, S.REJECTED, S.EXPIRED)


def _to(after: S, *before: S | None) -> Moves:
    return dict.fromkeys(before, frozenset({after}))


def _filling(before: Iterable[S], part: S | None = None) -> Moves:
    """A fill of all that is left makes it filled; one of a part makes it `part`, or leaves it as it is."""
    return {status: frozenset({S.FILLED, part or status}) for status in before}


TABLE: Mapping[type[ev.Event], Moves] = {
    ev.ReplacementIntended: _to(S.CREATED, None),
    ev.ReplacementDropped: _to(S.CANCELLED, S.CREATED),
    ev.OrderIntended: _to(S.INTENDED, None, S.CREATED),
    ev.OrderSent: _to(S.SENT, S.INTENDED),
    ev.OrderAcknowledged: {
        **_to(S.ACKNOWLEDGED, S.INTENDED, S.SENT, S.ACKNOWLEDGED),
        S.UNKNOWN: frozenset({S.ACKNOWLEDGED, S.PARTLY_FILLED}),
        **_to(S.PARTLY_FILLED, S.PARTLY_FILLED),
        **_to(S.CANCELLING, S.CANCELLING),
    },
    ev.OrderUnknown: _to(S.UNKNOWN, S.INTENDED, S.SENT, S.CANCELLING),
    ev.OrderNotFound: _to(S.INTENDED, S.UNKNOWN),
    # the fills of a closed order are late ones: booked, and they leave it closed
    ev.OrderFilled: {
        **_filling((S.INTENDED, S.SENT, S.UNKNOWN, S.ACKNOWLEDGED, S.PARTLY_FILLED), S.PARTLY_FILLED),
        **_filling((S.CANCELLING, *CLOSED)),
    },
    ev.OrderCancelRequested: _to(S.CANCELLING, *(status for status in OPEN if status is not S.CANCELLING)),
    ev.OrderCancelled: _to(S.CANCELLED, *OPEN),
    ev.OrderExpired: _to(S.EXPIRED, *OPEN),
    ev.OrderRejected: _to(S.REJECTED, *OPEN),
}
"""Event, state before (None: no such order yet), states that it may become."""


def _sent(order: Order, _event: ev.OrderSent) -> Order:
    return order.model_copy(update={"status": S.SENT})


def _acknowledged(order: Order, event: ev.OrderAcknowledged) -> Order:
    venue_id = event.venue_order_id or order.venue_order_id
    if order.status in (S.CANCELLING, S.PARTLY_FILLED):
        return order.model_copy(update={"venue_order_id": venue_id})
    status = S.PARTLY_FILLED if order.filled_qty else S.ACKNOWLEDGED
    return order.model_copy(update={"venue_order_id": venue_id, "status": status, "reason": ""})


def _filled(order: Order, event: ev.OrderFilled) -> Order:
    return order.model_copy(
        update={
            # a venue that fills too much halts the desk; the order itself stays a valid one
            "filled_qty": min(order.qty, exact.add(order.filled_qty, event.fill.qty)),
            "filled_value": exact.add(order.filled_value, event.value),
            "status": event.status,
        }
    )


def _moved(status: OrderStatus) -> Callable[[Order, Any], Order]:
    return lambda order, event: order.model_copy(update={"status": status, "reason": event.reason})


def _coded(status: OrderStatus) -> Callable[[Order, Any], Order]:
    return lambda order, event: order.model_copy(update={"status": status, "reason": event.code})


_MOVES: Mapping[type[ev.Event], Callable[[Order, Any], Order]] = {
    ev.ReplacementDropped: _coded(S.CANCELLED),
    ev.OrderSent: _sent,
    ev.OrderAcknowledged: _acknowledged,
    ev.OrderFilled: _filled,
    ev.OrderRejected: _coded(S.REJECTED),
    ev.OrderCancelRequested: _moved(S.CANCELLING),
    ev.OrderCancelled: _moved(S.CANCELLED),
    ev.OrderExpired: _moved(S.EXPIRED),
    ev.OrderUnknown: _moved(S.UNKNOWN),
    ev.OrderNotFound: lambda order, _event: order.model_copy(update={"status": S.INTENDED, "reason": ""}),
}


_NAMED: Mapping[type[ev.Event], Callable[[Any], str]] = {
    **dict.fromkeys(TABLE, attrgetter("client_id")),
    **dict.fromkeys((ev.OrderIntended, ev.ReplacementIntended), attrgetter("order.client_id")),
    ev.OrderFilled: attrgetter("fill.client_id"),
    ev.ReplacementDropped: attrgetter("order_id"),
}


def client_id_of(event: ev.Event) -> str | None:
    """The order that the event makes or changes; None for an event about something else."""
    named = _NAMED.get(type(event))
    return None if named is None else named(event)


def _as(order: Order, status: OrderStatus) -> Order:
    return order if order.status is status else order.model_copy(update={"status": status})


def project(order: Order | None, event: ev.Event) -> Order:
    """The order after the event; ValueError for a move that is not in `TABLE`."""
    global _newest  # a rule, the draft and the state each ask for the same; it changes no answer, since nothing here changes
    if _newest is None or _newest.order is not order or _newest.event is not event:
        _newest = Move(order, event, _projected(order, event))
    return _newest.after


class Move(NamedTuple):
    """An order, what came to it, and the order afterwards."""

    order: Order | None
    event: ev.Event
    after: Order


_newest: Move | None = None


def _projected(order: Order | None, event: ev.Event) -> Order:
    before = None if order is None else order.status
    legal = TABLE[type(event)].get(before, frozenset())
    after = None
    if isinstance(event, ev.OrderIntended):
        after = _as(event.order, S.INTENDED)
    elif isinstance(event, ev.ReplacementIntended):
        after = _as(event.order, S.CREATED)
    elif order is not None:
        after = _MOVES[type(event)](order, event)
    if after is None or after.status not in legal:
        was = "was never intended" if before is None else f"is {before.value}"
        raise ValueError(f"{event.kind} cannot come to an order that {was}: {client_id_of(event)}")
    return after


def out_of_reach(order: Order, offers: Offers) -> bool:
    """Whether the venue cannot be asked about it: sent, without an answer, to one that keeps no client ids."""
    return not offers.client_ids and order.venue_order_id is None and order.status in (S.SENT, S.UNKNOWN, S.CANCELLING)


def is_lost_guard(order: Order, offers: Offers) -> bool:
    """One of which nobody can tell. While its answer is still awaited it is not lost."""
    return is_guard(order) and order.status is S.UNKNOWN and out_of_reach(order, offers)


def fits(state: DeskState, sell: Order, offers: Offers) -> bool:
    """Whether the position is large enough for it beside all other sells that have left for the venue.

    A lost guard does not count: it must not be what keeps a position from being left.
    """
    others = [
        order
        for order in state.open_orders(sell.instrument, Side.SELL)
        if order.status is not S.INTENDED and order.client_id != sell.client_id and not is_lost_guard(order, offers)
    ]
    return together([*others, sell]) <= state.position(sell.instrument).qty


def cancelled(order: Order, by: str, reason: str) -> list[ev.Event]:
    """What a wish to cancel leads to: nothing where it is under way, and at once the end of an order that never left."""
    if order.status is S.CANCELLING:
        return []
    asked = ev.OrderCancelRequested(client_id=order.client_id, by=by, reason=reason)
    if order.status is not S.INTENDED:
        return [asked]
    return [asked, ended(order.model_copy(update={"reason": reason}), "never_sent")]


GOOD_TILL = "good_till"
"""Why an order is cancelled whose time is over: then it is `expired`, not `cancelled`."""


def ended(order: Order, reason: str) -> ev.OrderCancelled | ev.OrderExpired:
    """How an order ends that was being cancelled."""
    if order.reason == GOOD_TILL:
        return ev.OrderExpired(client_id=order.client_id, reason=GOOD_TILL)
    return ev.OrderCancelled(client_id=order.client_id, reason=reason)


def dropped(waiting: Order, code: str, detail: str) -> ev.ReplacementDropped:
    """The end of an order that waits."""
    return ev.ReplacementDropped(
        client_id=waiting.replaces or waiting.client_id, order_id=waiting.client_id, code=code, detail=detail
    )
