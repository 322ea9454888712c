"""Rules about what the venue says, or fails to say, of an order that was intended."""

from __future__ import annotations

from decimal import Decimal

from shared.desk import commands, ledger, levels
from shared.desk import events as ev
from shared.desk.account import cancel_for_halt
from shared.desk.context import Context
from shared.desk.orders import project
from shared.desk.state import DeskState, DeskStatus, is_entry
from shared.model import Fill, Order, OrderStatus

S = OrderStatus
_WITHOUT_ANSWER = (S.INTENDED, S.SENT)
_ANSWERED = (S.ACKNOWLEDGED, S.PARTLY_FILLED)


def wake(state: DeskState, _command: commands.Wake, _context: Context) -> list[ev.Event]:
    """Whatever may have been sent and has no answer is unknown until the venue was asked."""
    return [
        ev.OrderUnknown(client_id=order.client_id, reason="woke")
        for order in state.orders.values()
        if order.status in _WITHOUT_ANSWER
    ]


def reported(state: DeskState, command: commands.Reported, context: Context) -> list[ev.Event]:
    """Books every fill that is not booked yet, and follows the venue's state of the order. Saying it twice changes nothing."""
    report = command.report
    order = context.prior
    if order is None:
        return _halt(state, f"the venue reports an order that the desk never intended: {report.client_id}")
    found: list[ev.Event] = []
    too_much = ""
    if order.status.is_open and report.status in (*_ANSWERED, S.FILLED) and _tells(order, report.venue_order_id):
        found.append(ev.OrderAcknowledged(client_id=order.client_id, venue_order_id=report.venue_order_id))
        order = project(order, found[-1])
    for fill in report.fills:
        if fill.fill_id in context.known_fills:
            continue
        wrong = _wrong(order, fill)
        if wrong:
            return [*found, *_halt(state, wrong)]
        if fill.qty > order.remaining_qty:
            too_much = f"the venue filled more than was ordered of {order.client_id}"
        event = _filled(state, order, fill)
        found.append(event)
        order = project(order, event)
    found += _ended(order, report.status, report.reason)
    return [*found, *_halt(state, too_much, closed=order.client_id)] if too_much else found


def _tells(order: Order, venue_order_id: str | None) -> bool:
    return order.status not in (*_ANSWERED, S.CANCELLING) or order.venue_order_id != venue_order_id


def _wrong(order: Order, fill: Fill) -> str:
    same = (fill.client_id, fill.instrument, fill.side) == (order.client_id, order.instrument, order.side)
    return "" if same else f"the venue's fill {fill.fill_id} does not belong to the order {order.client_id}"


def _filled(state: DeskState, order: Order, fill: Fill) -> ev.OrderFilled:
    instrument = state.instruments[order.instrument]
    value = ledger.value_of(instrument, fill.qty, fill.price)
    event = ev.OrderFilled(fill=fill, value=value, status=_status_after(order, fill.qty))
    prices = levels.after_fill(instrument, project(order, event), state.position(order.instrument))
    if prices.stop is None and prices.target is None:
        return event
    return event.model_copy(update={"stop_price": prices.stop, "target_price": prices.target})


def _status_after(order: Order, qty: Decimal) -> OrderStatus:
    if qty >= order.remaining_qty:
        return S.FILLED
    # a late fill of a closed order leaves it closed; one that comes while cancelling leaves it cancelling
    return S.PARTLY_FILLED if order.status.is_open and order.status is not S.CANCELLING else order.status


def _ended(order: Order, status: OrderStatus, reason: str) -> list[ev.Event]:
    if not order.status.is_open:
        return []
    if status is S.REJECTED:
        return [ev.OrderRejected(client_id=order.client_id, code=reason or "rejected_by_venue")]
    if status is S.CANCELLED:
        return [ev.OrderCancelled(client_id=order.client_id, reason=reason or order.reason)]
    if status is S.EXPIRED:
        return [ev.OrderExpired(client_id=order.client_id, reason=reason)]
    return []


def unanswered(state: DeskState, command: commands.Unanswered, _context: Context) -> list[ev.Event]:
    order = state.orders.get(command.client_id)
    if order is None or order.status not in _WITHOUT_ANSWER:
        return []
    return [ev.OrderUnknown(client_id=command.client_id, reason=command.reason)]


def turned_down(state: DeskState, command: commands.TurnedDown, _context: Context) -> list[ev.Event]:
    if command.client_id not in state.orders:
        return []
    return [ev.OrderRejected(client_id=command.client_id, code=command.code, detail=command.detail)]


def not_known(state: DeskState, command: commands.NotKnown, context: Context) -> list[ev.Event]:
    """Never seen by the venue: placed again under the same id, unless that would be too late or is not wanted any more."""
    order = state.orders.get(command.client_id)
    if order is None:
        return []
    if order.venue_order_id is not None or order.filled_qty:
        lost = ev.OrderExpired(client_id=order.client_id, reason="lost_by_venue")
        reason = f"the venue does not know an order that it had acknowledged: {order.client_id}"
        return [lost, *_halt(state, reason, closed=order.client_id)]
    if order.status is S.CANCELLING:
        return [ev.OrderCancelled(client_id=order.client_id, reason="never_sent")]
    if order.status is not S.UNKNOWN:
        return []
    if is_entry(order) and state.status is not DeskStatus.ACTIVE:
        return [ev.OrderCancelled(client_id=order.client_id, reason="halted")]
    late_ms = context.market_ms - order.market_ms
    if is_entry(order) and late_ms > state.limits.max_signal_age_bars * state.interval_ms:
        return [ev.OrderExpired(client_id=order.client_id, reason="stale_intent")]
    return [ev.OrderNotFound(client_id=order.client_id)]


def _halt(state: DeskState, reason: str, closed: str = "") -> list[ev.Event]:
    """`closed` is an order that the events before this one close."""
    if state.status is DeskStatus.HALTED:
        return []
    return [ev.Halted(by="desk", reason=reason), *cancel_for_halt(state, closed)]
