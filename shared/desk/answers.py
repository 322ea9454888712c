"""Rules about what the venue says, or fails to say, of an order that was intended."""

from __future__ import annotations

from decimal import Decimal

from shared.desk import commands, entries, ledger, levels
from shared.desk import events as ev
from shared.desk.account import halting
from shared.desk.context import Context
from shared.desk.exits import seen_ms
from shared.desk.orders import ended, fits, out_of_reach, project
from shared.desk.state import DeskState, DeskStatus, is_entry
from shared.model import Fill, Order, OrderStatus, Side

S = OrderStatus
_ANSWERED = (S.ACKNOWLEDGED, S.PARTLY_FILLED)


def wake(state: DeskState, _command: commands.Wake, context: Context) -> list[ev.Event]:
    """What was sent and has no answer is unknown until the venue was asked; what was only intended never left."""
    return [
        ev.OrderUnknown(client_id=order.client_id, reason="woke")
        for order in state.orders.values()
        if order.status is S.SENT or (order.status is S.CANCELLING and out_of_reach(order, context.offers))
    ]


def sending(state: DeskState, command: commands.Sending, context: Context) -> list[ev.Event]:
    """The order may leave; or it ends here, since it came too late or something else came first.

    Asked again before it really leaves, should the desk have been stopped, or what it would sell be sold, in between.
    """
    order = state.orders.get(command.client_id)
    if order is None or order.status not in (S.INTENDED, S.SENT):
        return []
    over = _over(state, order, seen_ms(order.instrument, context) - order.market_ms)
    over = over or _outgrown(state, order, context)
    if over is not None or order.status is S.SENT:
        return [over] if over is not None else []
    return [ev.OrderSent(client_id=order.client_id)]


def _over(state: DeskState, order: Order, late_ms: int) -> ev.Event | None:
    """The end of an entry that is not wanted any more, or that the market has left behind."""
    if not is_entry(order):
        return None
    if state.status is not DeskStatus.ACTIVE:
        return ev.OrderCancelled(client_id=order.client_id, reason="halted")
    if late_ms > state.limits.max_signal_age_bars * state.interval_ms:
        return ev.OrderExpired(client_id=order.client_id, reason="stale_intent")
    return None


def _outgrown(state: DeskState, order: Order, context: Context) -> ev.Event | None:
    """The end of a sell for more than is left by now: a guard that it waited for has filled first."""
    if order.side is Side.BUY or fits(state, order, context.offers):
        return None
    return ev.OrderCancelled(client_id=order.client_id, reason="outgrown")


def reported(state: DeskState, command: commands.Reported, context: Context) -> list[ev.Event]:
    """Books every fill that is not booked yet, and follows the venue's state of the order. Saying it twice changes nothing."""
    report = command.report
    order = context.prior
    if order is None or order.status is S.CREATED:
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
    held = state.position(order.instrument)
    event = ev.OrderFilled(fill=fill, value=value, status=_status_after(order, fill.qty))
    if not order.status.is_open:
        late = {"cause": order.cause, "entry": entries.bought(instrument, order, fill, held)}
        event = event.model_copy(update=late)
    prices = levels.after_fill(instrument, project(order, event), held)
    if prices == levels.NONE:
        return event
    update = {"stop_price": prices.stop, "target_price": prices.target, "trail_distance": prices.trail}
    return event.model_copy(update=update)


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
        return [ended(order, reason or order.reason)]
    if status is S.EXPIRED:
        return [ev.OrderExpired(client_id=order.client_id, reason=reason)]
    return []


def unanswered(state: DeskState, command: commands.Unanswered, context: Context) -> list[ev.Event]:
    """Perhaps sent: also what was to be cancelled, where the venue cannot even be asked what to cancel."""
    order = state.orders.get(command.client_id)
    if order is None:
        return []
    if order.status is S.SENT or (order.status is S.CANCELLING and out_of_reach(order, context.offers)):
        return [ev.OrderUnknown(client_id=command.client_id, reason=command.reason)]
    return []


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
        return [ended(order, "never_sent")]
    if order.status is not S.UNKNOWN:
        return []
    return [_over(state, order, context.market_ms - order.market_ms) or ev.OrderNotFound(client_id=order.client_id)]


def _halt(state: DeskState, reason: str, closed: str = "") -> list[ev.Event]:
    """`closed` is an order that the events before this one close."""
    if state.status is DeskStatus.HALTED:
        return []
    return halting(state, "desk", reason, "integrity", closed=closed)
