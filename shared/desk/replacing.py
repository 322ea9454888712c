"""An order takes the place of another one: never two of them at the venue, and never more than was asked for.

The new one waits, `created`, until the old one has ended; its `filled_qty` then tells what the old one had filled by then. Only
what is left of the new total is sent, and only if the gates let it pass once more.
"""

from __future__ import annotations

from shared.desk import commands, trading
from shared.desk import events as ev
from shared.desk.context import Context
from shared.desk.exits import seen_ms
from shared.desk.intent import Refusal
from shared.desk.orders import cancelled, dropped, out_of_reach
from shared.desk.state import DeskState, DeskStatus, is_entry, is_guard
from shared.errors import Conflict, Invalid, NotFound
from shared.model import Instrument, Order, OrderKind, OrderStatus, exact


def replace(state: DeskState, command: commands.Replace, context: Context) -> list[ev.Event]:
    """The new order, waiting, and the request to cancel the old one; a gate's refusal of the new one leaves the old one alone.

    `NotFound` for an order that never was, `Conflict` for one that cannot be replaced (any more), `Invalid` for terms that do
    not belong to it.
    """
    old = _replaceable(state, command, context)
    new = _new(old, command, context)
    refused = _refused(state, old, new, context)
    if refused is not None:
        refusal = ev.OrderRefused(
            client_id=new.client_id,
            instrument=new.instrument,
            side=new.side,
            by=new.by,
            code=refused.code,
            detail=refused.detail,
        )
        return [refusal]
    return [ev.ReplacementIntended(client_id=old.client_id, order=new), *cancelled(old, command.by, "replaced")]


def _replaceable(state: DeskState, command: commands.Replace, context: Context) -> Order:
    old = context.prior
    if old is None:
        raise NotFound(f"no order {command.client_id}", code="order_not_found")
    if command.new_id in state.orders or any(each.client_id == command.new_id for each in state.replacements.values()):
        raise Conflict(f"the order {command.new_id} exists already", code="order_exists")
    if not old.status.is_open:
        raise Conflict(f"{old.client_id} is {old.status}", code="order_closed")
    if old.status in (OrderStatus.CREATED, OrderStatus.CANCELLING) or old.client_id in state.replacements:
        raise Conflict(f"{old.client_id} is {old.status}: wait until it has ended", code="order_cancelling")
    if out_of_reach(old, context.offers):
        raise Conflict(f"the venue cannot be asked about {old.client_id}: resolve it", code="order_unresolved")
    if old.kind is OrderKind.MARKET or is_guard(old):
        raise Conflict("a market order is gone already, and the desk moves its guards itself", code="not_replaceable")
    return old


def _new(old: Order, command: commands.Replace, context: Context) -> Order:
    limit, trigger, qty = command.limit_price, command.trigger_price, command.qty
    if limit is not None and not old.kind.has_limit:
        raise Invalid.field("limit_price", exact.text(limit), f"does not belong to a {old.kind} order: leave it away")
    if trigger is not None and not old.kind.has_trigger:
        raise Invalid.field(
            "trigger_price", exact.text(trigger), f"does not belong to a {old.kind} order: leave it away"
        )
    if qty is not None and qty <= old.filled_qty:
        rule = f"must be above what has filled already, {exact.text(old.filled_qty)}: cancel the order instead"
        raise Invalid.field("qty", exact.text(qty), rule)
    update = {
        "client_id": command.new_id,
        "qty": qty or old.qty,
        "limit_price": limit or old.limit_price,
        "trigger_price": trigger or old.trigger_price,
        "reference_price": trigger or old.reference_price,
        "replaces": old.client_id,
        "by": command.by,
        "market_ms": seen_ms(old.instrument, context),
        "intended_ms": context.now_ms,
        "status": OrderStatus.CREATED,
        "filled_value": exact.ZERO,
        "venue_order_id": None,
        "reason": "",
    }
    return old.model_copy(update=update)


def _refused(state: DeskState, old: Order | None, new: Order, context: Context) -> Refusal | None:
    """Judged as if the old one had ended."""
    orders = state.open if old is None else state.open.without(old.client_id)
    instrument: Instrument = state.instruments[new.instrument]
    mark = context.marks.get(new.instrument)
    left = exact.subtract(new.qty, new.filled_qty)
    seen = mark.price if mark else new.reference_price
    return trading.refusal_of(state.but(orders=orders), instrument, new, left, seen, context)


def due(state: DeskState, context: Context) -> list[ev.Event]:
    """The replacements whose order has ended: intended for what is left, or dropped. A halt drops those of entries at once."""
    if state.status is DeskStatus.HALTED and (entries := [new for new in state.replacements.values() if is_entry(new)]):
        return [dropped(new, "halted", "the desk was halted meanwhile") for new in entries]
    for old_id, new in state.replacements.items():
        if old_id not in state.orders and (following := _next(state, new, context)):
            return [following]
    return []


def _next(state: DeskState, new: Order, context: Context) -> ev.Event | None:
    """None while the desk, awake again, has not compared itself with the venue yet."""
    left = exact.subtract(new.qty, new.filled_qty)
    if left <= 0:
        return dropped(new, "filled", "the old order filled all that the new one was for")
    refused = _refused(state, None, new, context)
    if refused is not None:
        return None if refused.code == "not_reconciled" else dropped(new, refused.code, refused.detail)
    update = {
        "qty": left,
        "filled_qty": exact.ZERO,
        "status": OrderStatus.INTENDED,
        "market_ms": seen_ms(new.instrument, context),
        "intended_ms": context.now_ms,
    }
    return ev.OrderIntended(order=new.model_copy(update=update))
