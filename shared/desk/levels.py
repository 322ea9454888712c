"""Stops and targets: the prices that somebody has to watch, and how they are put on the tick.

The desk is long only, so an exit sells. A stop is rounded up to the tick and a target down: what is lost at the stop is never
more than was sized for, and what is hoped for is never more than was asked. A stop of a strategy keeps its distance from
the average price that was really paid; one that a person gave stays where the person put it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from shared.desk.state import DeskState
from shared.model import Cause, Instrument, Level, LevelKind, Order, Position, Side, exact

STEPS = Decimal(20)
"""A trailing stop moves by no less than its distance divided by this."""


class Prices(NamedTuple):
    stop: Decimal | None
    target: Decimal | None
    trail: Decimal | None = None


NONE = Prices(None, None)


def from_distances(instrument: Instrument, entry: Decimal, stop: Decimal | None, target: Decimal | None) -> Prices:
    """The levels of a long entry at `entry`, on the tick, at least one tick away from it; a stop below one tick is None."""
    return Prices(
        None if stop is None else _stop(instrument, entry, exact.subtract(entry, stop)),
        None if target is None else _target(instrument, entry, exact.add(entry, target)),
    )


def _stop(instrument: Instrument, entry: Decimal, at: Decimal) -> Decimal | None:
    if at <= 0:
        return None
    price = exact.ceil_to(at, instrument.tick)
    if price >= entry:
        price = exact.floor_to(exact.subtract(entry, instrument.tick), instrument.tick)
    return price if price > 0 else None


def _target(instrument: Instrument, entry: Decimal, at: Decimal) -> Decimal:
    price = exact.floor_to(at, instrument.tick)
    return price if price > entry else exact.ceil_to(exact.add(entry, instrument.tick), instrument.tick)


def after_fill(instrument: Instrument, order: Order, held: Position) -> Prices:
    """The position's levels once `order` (with the fill already in it) has bought; all None when it sets none.

    An addition that brings only some of them keeps the others as they are `held`. A trailing stop that no price was given for
    begins at its distance from the average really paid, and never below the stop that is `held`.
    """
    if order.side is Side.SELL or not (order.stop_price or order.target_price or order.trail_distance):
        return NONE
    own = _own(instrument, order)
    stop = own.stop
    if stop is None and order.trail_distance is not None and order.filled_qty:
        average = _average(instrument, order)
        begin = _stop(instrument, average, exact.subtract(average, order.trail_distance))
        stop = max(begin, held.stop_price or begin) if begin is not None else None
    # a flat position has none
    return Prices(stop or held.stop_price, own.target or held.target_price, order.trail_distance or held.trail_distance)


def _average(instrument: Instrument, order: Order) -> Decimal:
    return exact.divide(order.filled_value, exact.multiply(order.filled_qty, instrument.multiplier))


def _own(instrument: Instrument, order: Order) -> Prices:
    if order.cause is not Cause.PROPOSAL or not order.filled_qty:
        return Prices(order.stop_price, order.target_price)
    average = _average(instrument, order)
    reference = order.reference_price
    moved = from_distances(
        instrument,
        average,
        None if order.stop_price is None else exact.subtract(reference, order.stop_price),
        None if order.target_price is None else exact.subtract(order.target_price, reference),
    )
    # a fill so far below the reference that the distance reaches zero keeps the stop that was intended
    return Prices(moved.stop or order.stop_price, moved.target)


def trailed(instrument: Instrument, position: Position, price: Decimal) -> Decimal | None:
    """Where the stop of a trailing position belongs at `price`; None where it stays: below what it is, or too little above.

    A step is at least the tick and a twentieth of the distance, so that not every quote moves it.
    """
    distance = position.trail_distance
    if distance is None or position.qty <= 0:
        return None
    at = _stop(instrument, price, exact.subtract(price, distance))
    if at is None or position.stop_price is None:
        return at
    step = max(instrument.tick, exact.divide(distance, STEPS))
    return at if exact.subtract(at, position.stop_price) >= step else None


def levels(state: DeskState) -> list[Level]:
    """What to watch now: of every position that is not on its way out; a limit order that rests does not count as that."""
    found: list[Level] = []
    for position in state.held():
        if position.levels and position.qty > state.leaving_qty(position.instrument):
            found += position.levels
    return found


def crossed(level: Level, price: Decimal) -> bool:
    """Whether a price that could be traded at has reached the level; touching counts."""
    above = price >= level.price
    below = price <= level.price
    return below if (level.side is Side.SELL) == (level.kind is LevelKind.STOP) else above
