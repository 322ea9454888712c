"""Leaving a position: what is taken out of the way, and what a crossed level leads to.

Guards, the orders that rest at the venue for the levels, need no clearing away: they yield to any other sell by themselves.
A crossed level is left to the guard that rests for it, for as long as a price may be old (`max_data_age_ms`); then, or where no
guard covers the position, the desk sells by itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from shared.desk import commands, levels
from shared.desk import events as ev
from shared.desk.context import Context
from shared.desk.intent import Refusal
from shared.desk.orders import cancelled, dropped, out_of_reach
from shared.desk.state import DeskState, is_guard
from shared.desk.timers import backoff_ms
from shared.model import Cause, Level, LevelKind, Order, OrderKind, OrderStatus, Side, exact, ids

CAUSES = {LevelKind.STOP: Cause.STOP, LevelKind.TARGET: Cause.TARGET}
_AT_VENUE = (OrderStatus.ACKNOWLEDGED, OrderStatus.PARTLY_FILLED)


def seen_ms(instrument: str, context: Context) -> int:
    """The market time of the newest that is known of the instrument: what is decided on it must not fill before."""
    mark = context.marks.get(instrument)
    return max(mark.market_ms, mark.bar_close_ms) if mark else context.market_ms


def clear_the_way(state: DeskState, instrument: str, context: Context) -> list[ev.Event]:
    """Whoever leaves does not want the rest of the entry any more, nor what rests in the way of selling all."""
    found: list[ev.Event] = [
        dropped(order, "exit", "the position is being left")
        for order in state.replacements.values()
        if order.instrument == instrument
    ]
    buys = [order for order in state.open_orders(instrument, Side.BUY) if not out_of_reach(order, context.offers)]
    for order in [*buys, *resting_sells(state, instrument, context)]:
        found += cancelled(order, "desk", "exit")
    return found


def resting_sells(state: DeskState, instrument: str, context: Context) -> list[Order]:
    """Sells, other than guards, that wait for their price, that can be cancelled, and that nobody has asked to cancel yet."""
    return [
        order
        for order in state.open_orders(instrument, Side.SELL)
        if order.kind is not OrderKind.MARKET
        and not is_guard(order)
        and order.status is not OrderStatus.CANCELLING
        and not out_of_reach(order, context.offers)
    ]


_CLEARING = (ev.OrderCancelRequested, ev.OrderCancelled, ev.OrderExpired, ev.ReplacementDropped)


def is_undecided(found: Sequence[ev.Event]) -> bool:
    """Whether the decision has only cleared the way for itself: it is to be asked for again once the cancels are answered."""
    return bool(found) and all(isinstance(event, _CLEARING) for event in found)


def trigger_refusal(state: DeskState, command: commands.Trigger, context: Context) -> Refusal | None:
    """Why a trigger is not followed: `stale_level`, `stale_data`, `not_crossed`, `exit_rejected` or `left_to_venue`; None when it
    is."""
    if command.level not in levels.levels(state):
        return Refusal("stale_level", "the desk does not watch this level now")
    age_ms = context.now_ms - command.received_ms
    if age_ms > state.limits.max_data_age_ms:
        return Refusal("stale_data", f"the price is {age_ms} ms old, more than {state.limits.max_data_age_ms}")
    if not levels.crossed(command.level, command.price):
        return Refusal("not_crossed", f"{exact.text(command.price)} has not reached {exact.text(command.level.price)}")
    rejected = state.rejected_exits.get(command.level.instrument)
    if rejected is not None and context.now_ms < rejected.at_ms + backoff_ms(rejected.count - 1):
        return Refusal("exit_rejected", f"the venue has rejected {rejected.count} exits in a row, the last just now")
    guard = guard_for(state, command)
    if guard is not None and context.now_ms < _patience_ms(state, guard, context):
        return Refusal("left_to_venue", f"{guard.client_id} rests at the venue for it")
    return None


def guard_for(state: DeskState, command: commands.Trigger) -> Order | None:
    """The order at the venue that the crossing price should fill: there before it, at that level, for all that does not leave
    otherwise."""
    level = command.level
    needed = exact.subtract(state.position(level.instrument).qty, state.leaving_qty(level.instrument))
    for order in state.open_orders(level.instrument, level.side):
        rests = is_guard(order) and order.status in _AT_VENUE and order.cause is CAUSES[level.kind]
        at = order.trigger_price or order.limit_price
        if rests and at == level.price and order.market_ms < command.market_ms and order.remaining_qty >= needed:
            return order
    return None


def _patience_ms(state: DeskState, guard: Order, context: Context) -> int:
    return state.awaited.get(guard.client_id, context.now_ms) + state.limits.max_data_age_ms


def trigger(state: DeskState, command: commands.Trigger, context: Context) -> list[ev.Event]:
    """A reduce-only market exit of all that is free to sell, also on a halted desk; nothing where it is not to be followed.

    While orders rest: only what takes them away (`is_undecided`). What is left to the venue is told once.
    """
    refusal = trigger_refusal(state, command, context)
    level = command.level
    if refusal is not None:
        guard = guard_for(state, command) if refusal.code == "left_to_venue" else None
        if guard is None or guard.client_id in state.awaited:
            return []
        awaited = ev.LevelAwaited(
            level=level, price=command.price, market_ms=command.market_ms, client_id=guard.client_id
        )
        return [awaited]
    way = clear_the_way(state, level.instrument, context)
    if resting_sells(state, level.instrument, context) or not state.free_qty(level.instrument):
        return way
    order = _exit_at(state, level, command, context)
    triggered = ev.LevelTriggered(
        level=level, price=command.price, market_ms=command.market_ms, client_id=order.client_id
    )
    return [triggered, *way, ev.OrderIntended(order=order)]


def _exit_at(state: DeskState, level: Level, command: commands.Trigger, context: Context) -> Order:
    mark = context.marks.get(level.instrument)
    position = state.position(level.instrument)
    attempt = state.exits.get(level.instrument, 0) + 1
    return Order(
        client_id=ids.exit_order_id(state.desk, level.instrument, position.opened_ms or 0, level.kind, attempt),
        instrument=level.instrument,
        side=level.side,
        kind=OrderKind.MARKET,
        qty=state.free_qty(level.instrument),
        reduce_only=True,
        cause=CAUSES[level.kind],
        by="desk",
        reference_price=command.price,
        market_ms=max(command.market_ms, mark.bar_close_ms if mark else 0),
        intended_ms=context.now_ms,
    )
