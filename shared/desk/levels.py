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


class Prices(NamedTuple):
    stop: Decimal | None
    target: Decimal | None


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
    """The position's levels once `order` (with the fill already in it) has bought; both None when it sets none.

    An addition that brings only one of them keeps the other as it is `held`.
    """
    if order.side is Side.SELL or (order.stop_price is None and order.target_price is None):
        return Prices(None, None)
    own = _own(instrument, order)
    # a flat position has none
    return Prices(own.stop or held.stop_price, own.target or held.target_price)


def _own(instrument: Instrument, order: Order) -> Prices:
    if order.cause is not Cause.PROPOSAL or not order.filled_qty:
        return Prices(order.stop_price, order.target_price)
    average = exact.divide(order.filled_value, exact.multiply(order.filled_qty, instrument.multiplier))
    reference = order.reference_price
    moved = from_distances(
        instrument,
        average,
        None if order.stop_price is None else exact.subtract(reference, order.stop_price),
        None if order.target_price is None else exact.subtract(order.target_price, reference),
    )
    # a fill so far below the reference that the distance reaches zero keeps the stop that was intended
    return Prices(moved.stop or order.stop_price, moved.target)


def levels(state: DeskState) -> list[Level]:
    """What to watch now: of every position that is not on its way out; a limit order that rests does not count as that."""
    found = []
    for position in state.held():
        if position.qty <= state.leaving_qty(position.instrument):
            continue
        for kind, price in ((LevelKind.STOP, position.stop_price), (LevelKind.TARGET, position.target_price)):
            if price is not None:
                found.append(Level(instrument=position.instrument, kind=kind, side=Side.SELL, price=price))
    return found


def crossed(level: Level, price: Decimal) -> bool:
    """Whether a price that could be traded at has reached the level; touching counts."""
    above = price >= level.price
    below = price <= level.price
    return below if (level.side is Side.SELL) == (level.kind is LevelKind.STOP) else above
