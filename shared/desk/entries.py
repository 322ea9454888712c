"""By whom a position was opened, and what its purchases put at risk.

The first purchase of a flat position opens it, and each one after it adds its risk: what that purchase loses at the stop that
came with its order, else at the stop that the position has. Selling a part of it, and levels that move later, change nothing of
that. A short position has no entry: the desk opens none.
"""

from __future__ import annotations

from decimal import Decimal

from shared.desk import ledger
from shared.model import Cause, Entry, Fill, Instrument, Order, Position, Side, exact


def bought(instrument: Instrument, order: Order, fill: Fill, held: Position) -> Entry | None:
    """What the fill of `order` adds to the position as it is `held` before it; None where it does not enlarge a long one."""
    # a part of it may only buy back what is short
    qty = min(fill.qty, exact.add(held.qty, fill.qty))
    if fill.side is Side.SELL or qty <= 0:
        return None
    distance = _distance(order, fill.price, held)
    return Entry(
        client_id=order.client_id,
        by=order.by,
        # what took the place of a strategy's order is a person's
        proposed=order.cause is Cause.PROPOSAL and order.replaces is None,
        risk=None if distance is None else ledger.value_of(instrument, qty, distance),
    )


def _distance(order: Order, price: Decimal, held: Position) -> Decimal | None:
    """From what was paid down to the stop; 0 for one that lies above it already."""
    stop = order.stop_price
    if stop is None and order.trail_distance is not None:
        return order.trail_distance
    if stop is None:
        stop = held.stop_price if held.qty > 0 else None
    elif order.cause is Cause.PROPOSAL:
        # a strategy's stop keeps its distance from what is really paid
        price = order.reference_price
    return None if stop is None else max(exact.ZERO, exact.subtract(price, stop))


def after(held: Position, more: Entry | None) -> Entry | None:
    """The position's entry once `more` was bought to what was `held`; where either is not known, it is not."""
    if held.qty <= 0 or more is None:
        return more
    return None if held.entry is None else held.entry.joined_by(more)
