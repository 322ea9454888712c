"""The orders that guard a position at the venue: stop and target as one group, as large as the position, moved as it moves.

They are placed where stops may rest (`offers.resting_stops`), the target only where the two can end one another (`offers.oco`).
A guard that is not as it should be (larger or smaller, at another price, alone where there should be two) is cancelled, and
when the venue has said so, the group is placed anew: never changed in place, never two groups at a time. In between, and where
the venue offers none, the desk's own watch over the levels is what guards the position.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from shared.desk import commands, gates, levels
from shared.desk import events as ev
from shared.desk.context import Context
from shared.desk.exits import CAUSES, seen_ms
from shared.desk.held import held
from shared.desk.orders import cancelled, out_of_reach
from shared.desk.state import DeskState, DeskStatus, Rejections, has_set_off, is_guard, together
from shared.desk.timers import backoff_ms
from shared.errors import Refused
from shared.model import Instrument, LevelKind, Order, OrderKind, OrderStatus, Position, Side, exact, ids
from shared.venues.venue import Offers


class Leg(NamedTuple):
    """One order that should rest: for which level, at which price, for how much."""

    kind: LevelKind
    price: Decimal
    qty: Decimal


class Settled(NamedTuple):
    """All that decides on how a position should be guarded."""

    position: Position
    orders: Sequence[Order]
    offers: Offers
    halted: bool


_settled: dict[str, Settled] = {}
"""By instrument, what was last found guarded as it should be; by identity, since none of it ever changes."""
MOST_KEPT = 4096


def due(state: DeskState, context: Context) -> list[ev.Event]:
    """What has to be placed or taken away, so that each position is guarded as it should be; nothing where it is.

    A trailing stop is moved first.
    """
    trailed = _trailed(state, context)
    if trailed:
        return trailed
    found: list[ev.Event] = []
    guarded = set(state.open.sorted.guarded)
    if context.offers.resting_stops:
        guarded.update(position.instrument for position in held(state.positions) if position.levels)
    if not guarded:
        return found
    orders, halted = state.open, state.status is DeskStatus.HALTED
    for name in sorted(guarded):
        this = Settled(state.position(name), orders.of(name), context.offers, halted)
        # a long tail of positions stands still while one moves
        if not _stands(this):
            found += _guarded(state, this, context)
    return found


def _stands(this: Settled) -> bool:
    known = _settled.get(this.position.instrument)
    return (
        known is not None
        and known.position is this.position
        and known.orders is this.orders
        and known.offers is this.offers
        and known.halted is this.halted
    )


def _trailed(state: DeskState, context: Context) -> list[ev.Event]:
    found: list[ev.Event] = []
    for position in held(state.positions):
        if position.trail_distance is None:
            continue
        mark = context.marks.get(position.instrument)
        if mark is None:
            continue
        stop = levels.trailed(state.instruments[position.instrument], position, mark.bid or mark.price)
        if stop is not None:
            found.append(_moved(position, stop, position.target_price, position.trail_distance, "desk"))
    return found


def _moved(
    position: Position, stop: Decimal | None, target: Decimal | None, trail: Decimal | None, by: str
) -> ev.LevelsMoved:
    return ev.LevelsMoved(
        instrument=position.instrument, stop_price=stop, target_price=target, trail_distance=trail, by=by
    )


def _guarded(state: DeskState, this: Settled, context: Context) -> list[ev.Event]:
    """The next step towards what should rest for one position."""
    position = this.position
    sells = [order for order in this.orders if order.side is Side.SELL]
    guards = [order for order in sells if is_guard(order)]
    others = together(order for order in sells if not is_guard(order))
    wanted = _wanted(state, position, exact.subtract(position.qty, others), context)
    if _as_wanted(guards, wanted):
        if len(_settled) >= MOST_KEPT:
            _settled.clear()
        _settled[position.instrument] = this
        return []
    if guards:
        running = _running(guards, wanted)
        return [
            event
            for order in guards
            if order is not running and not out_of_reach(order, context.offers)
            for event in cancelled(order, "desk", "moved" if wanted else "not_needed")
        ]
    if _rejected_just_now(state.rejected_guards.get(position.instrument), context.now_ms):
        return []
    return _placed(state, position, wanted, context)


def _wanted(state: DeskState, position: Position, qty: Decimal, context: Context) -> list[Leg]:
    """The stop first. Under a halt no target: it would rest like any other limit order, and those are cancelled."""
    if qty <= 0 or not context.offers.resting_stops:
        return []
    legs = []
    if position.stop_price is not None:
        legs.append(Leg(LevelKind.STOP, position.stop_price, qty))
    if position.target_price is not None and context.offers.oco and state.status is not DeskStatus.HALTED:
        legs.append(Leg(LevelKind.TARGET, position.target_price, qty))
    return legs


def _as_wanted(guards: Sequence[Order], wanted: Sequence[Leg]) -> bool:
    there = {(order.cause, order.trigger_price or order.limit_price, order.remaining_qty) for order in guards}
    grouped = len(guards) < 2 or (guards[0].oco is not None and len({order.oco for order in guards}) == 1)
    stays = all(order.status is not OrderStatus.CANCELLING for order in guards)
    return (
        grouped and stays and len(guards) == len(wanted) and there == {(CAUSES[leg.kind], *leg[1:]) for leg in wanted}
    )


def _running(guards: Sequence[Order], wanted: Sequence[Leg]) -> Order | None:
    """A stop that has set off is a market order by now: it is let go on for as much as the position has left."""
    for order in guards:
        if has_set_off(order) and wanted and order.remaining_qty <= wanted[0].qty:
            return order
    return None


def _rejected_just_now(rejected: Rejections | None, now_ms: int) -> bool:
    return rejected is not None and now_ms < rejected.at_ms + backoff_ms(rejected.count - 1)


def _placed(state: DeskState, position: Position, wanted: Sequence[Leg], context: Context) -> list[ev.Event]:
    if len(state.orders) + len(wanted) > gates.MAX_OPEN_ORDERS:
        return []
    name, attempt = position.instrument, state.exits.get(position.instrument, 0)
    names = [
        ids.exit_order_id(state.desk, name, position.opened_ms or 0, leg.kind, attempt + number)
        for number, leg in enumerate(wanted, 1)
    ]
    group = names[0] if len(names) > 1 else None
    return [
        ev.OrderIntended(order=_guard(leg, client_id, group, position, context))
        for leg, client_id in zip(wanted, names, strict=True)
    ]


def _guard(leg: Leg, client_id: str, group: str | None, position: Position, context: Context) -> Order:
    is_stop = leg.kind is LevelKind.STOP
    return Order(
        client_id=client_id,
        instrument=position.instrument,
        side=Side.SELL,
        kind=OrderKind.STOP if is_stop else OrderKind.LIMIT,
        qty=leg.qty,
        limit_price=None if is_stop else leg.price,
        trigger_price=leg.price if is_stop else None,
        reduce_only=True,
        oco=group,
        cause=CAUSES[leg.kind],
        by="desk",
        reference_price=leg.price,
        market_ms=seen_ms(position.instrument, context),
        intended_ms=context.now_ms,
    )


def set_levels(state: DeskState, command: commands.SetLevels, context: Context) -> list[ev.Event]:
    """A person's levels for what is held, all three at once; nothing where they are so already.

    `Refused` with the gate's code: `no_position`, `stale_data`, `tick`, `stop_absurd`, `target_absurd`.
    """
    position = state.position(command.instrument)
    instrument = state.instruments.get(command.instrument)
    mark = context.marks.get(command.instrument)
    if instrument is None or position.qty <= 0:
        raise Refused(f"nothing of {command.instrument} is held", code="no_position")
    if mark is None:
        raise Refused(f"no price of {command.instrument} yet", code="stale_data")
    price = mark.bid or mark.price
    _check(instrument, command, price)
    trail, stop = command.trail_distance, command.stop_price
    if trail is not None and stop is None:
        stop = levels.trailed(
            instrument, position.model_copy(update={"trail_distance": trail, "stop_price": None}), price
        )
        if stop is None:
            raise Refused(f"{exact.text(trail)} below {exact.text(price)} is no price", code="stop_absurd")
    if (stop, command.target_price, trail) == (position.stop_price, position.target_price, position.trail_distance):
        return []
    return [_moved(position, stop, command.target_price, trail, command.by)]


def _check(instrument: Instrument, command: commands.SetLevels, price: Decimal) -> None:
    for name, level, way in (("stop", command.stop_price, -1), ("target", command.target_price, 1)):
        if level is None:
            continue
        if not exact.on_step(level, instrument.tick):
            tick = exact.text(instrument.tick)
            raise Refused(f"{name} {exact.text(level)} is not a multiple of the tick {tick}", code="tick")
        if exact.multiply(Decimal(way), exact.subtract(level, price)) <= 0:
            raise Refused(
                f"{name} {exact.text(level)} is on the wrong side of {exact.text(price)}", code=f"{name}_absurd"
            )
