"""A halt that sells everything: what rests in the way is cancelled, then each position leaves at the market."""

from __future__ import annotations

from shared.desk import events as ev
from shared.desk import exits
from shared.desk.context import Context
from shared.desk.event import Event
from shared.desk.state import DeskState, DeskStatus
from shared.desk.timers import backoff_ms
from shared.model import Cause, Order, OrderKind, Position, Side, ids


def due(state: DeskState, context: Context) -> list[Event]:
    """The sales that a halt with `flatten` still calls for; nothing where all that is held is being sold.

    Long positions only: the desk opens no others. An exit that the venue turned down is tried again after a while.
    """
    if not state.flattening or state.status is not DeskStatus.HALTED:
        return []
    found: list[Event] = []
    for position in state.held():
        if position.qty > 0:
            found += _leave(state, position, context)
    return found


def _leave(state: DeskState, position: Position, context: Context) -> list[Event]:
    name = position.instrument
    way = exits.clear_the_way(state, name, context)
    rejected = state.rejected_exits.get(name)
    waits = rejected is not None and context.now_ms < rejected.at_ms + backoff_ms(rejected.count - 1)
    if exits.resting_sells(state, name, context) or waits or not state.free_qty(name):
        return way
    mark = context.marks.get(name)
    price = mark.price if mark else position.average_price()
    if price is None or price <= 0:
        return way
    order = Order(
        # the seq makes another one of each attempt, and the same of the same decision
        client_id=ids.exit_order_id(state.desk, name, position.opened_ms or 0, Cause.FLATTEN, state.seq),
        instrument=name,
        side=Side.SELL,
        kind=OrderKind.MARKET,
        qty=state.free_qty(name),
        reduce_only=True,
        cause=Cause.FLATTEN,
        by="desk",
        reference_price=price,
        market_ms=exits.seen_ms(name, context),
        intended_ms=context.now_ms,
    )
    return [*way, ev.OrderIntended(order=order)]
