"""The life of one order: which event moves it to which state.

    intended ──place──▶ acknowledged ─▶ partly_filled ─▶ filled
       │  ▲                │                │
       │  └─not found─ unknown (asked) ◀────┴── no answer, or the object woke
       └─▶ rejected · expired      any open one ─▶ cancelling ─▶ cancelled (or filled, when the fill came first)

`sent` is reserved: what went out without an answer is `unknown`, which says the same and asks for more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shared.desk import events as ev
from shared.model import Order, OrderStatus, exact

S = OrderStatus


def _acknowledged(order: Order, event: ev.OrderAcknowledged) -> Order:
    venue_id = event.venue_order_id or order.venue_order_id
    if not order.status.is_open or order.status is S.CANCELLING:
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
    def move(order: Order, event: Any) -> Order:
        return order.model_copy(update={"status": status, "reason": event.reason}) if order.status.is_open else order

    return move


def _rejected(order: Order, event: ev.OrderRejected) -> Order:
    return order.model_copy(update={"status": S.REJECTED, "reason": event.code}) if order.status.is_open else order


def _not_found(order: Order, _event: ev.OrderNotFound) -> Order:
    return order.model_copy(update={"status": S.INTENDED, "reason": ""}) if order.status is S.UNKNOWN else order


_MOVES: dict[type[ev.Event], Callable[[Order, Any], Order]] = {
    ev.OrderAcknowledged: _acknowledged,
    ev.OrderFilled: _filled,
    ev.OrderRejected: _rejected,
    ev.OrderCancelRequested: _moved(S.CANCELLING),
    ev.OrderCancelled: _moved(S.CANCELLED),
    ev.OrderExpired: _moved(S.EXPIRED),
    ev.OrderUnknown: _moved(S.UNKNOWN),
    ev.OrderNotFound: _not_found,
}


def client_id_of(event: ev.Event) -> str | None:
    """The order that the event changes; None for an event about something else."""
    if isinstance(event, ev.OrderIntended):
        return event.order.client_id
    if isinstance(event, ev.OrderFilled):
        return event.fill.client_id
    return str(event.client_id) if type(event) in _MOVES else None  # type: ignore[attr-defined]


def project(order: Order | None, event: ev.Event) -> Order:
    """The order after the event; ValueError for an event about an order that was never intended."""
    if isinstance(event, ev.OrderIntended):
        return event.order
    if order is None:
        raise ValueError(f"{event.kind} of an order that was never intended")
    return _MOVES[type(event)](order, event)
