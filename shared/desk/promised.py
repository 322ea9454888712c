"""What open buy orders may still add: notional in quote, summed once for each state and not once for each question.

Every entry asks for these sums several times, and a batch of entries makes them ever longer. One state's orders differ from
those of the state before by an order or two, so the sums of the newest state asked about are kept, and moved on by what differs.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from shared.desk.open_orders import OpenOrders
from shared.desk.state import DeskState
from shared.model import Instrument, Order, OrderKind, Side, exact


class Promised(NamedTuple):
    """Sums over the open buys of `orders`, in the quote asset of each: by instrument id, and by quote asset and kind."""

    orders: Mapping[str, Order]
    instruments: Mapping[str, Instrument]
    by_instrument: Mapping[str, Decimal]
    by_kind: Mapping[tuple[str, OrderKind], Decimal]
    total: Decimal


_NOTHING = Promised({}, {}, {}, {}, exact.ZERO)
_newest = _NOTHING


def promised(state: DeskState) -> Promised:
    """The sums of this state; `total` adds up quote assets as if they were one."""
    global _newest  # it saves time and changes no answer: mappings of a state are replaced, never changed
    before = _newest
    if before.orders is not state.orders or before.instruments is not state.instruments:
        _newest = _moved(before if before.instruments is state.instruments else _NOTHING, state)
    return _newest


def _changes(old: Mapping[str, Order], new: Mapping[str, Order]) -> list[tuple[Order, int]]:
    """The orders that came (1) and went (-1) between the two; at once where the one is the other's next."""
    if isinstance(old, OpenOrders) and isinstance(new, OpenOrders) and new.change and new.change.mark is old.mark:
        pair = ((new.change.gone, -1), (new.change.come, 1))
        return [(order, sign) for order, sign in pair if order is not None]
    changes = [(old[name], -1) for name in old.keys() - new.keys()]
    for name, order in new.items():
        was = old.get(name)
        if was is not order:
            changes += [(order, 1)] if was is None else [(was, -1), (order, 1)]
    return changes


def _moved(before: Promised, state: DeskState) -> Promised:
    new = state.orders
    changes = _changes(before.orders, new)
    by_instrument, by_kind, total = dict(before.by_instrument), dict(before.by_kind), before.total
    for order, sign in changes:
        if order.side is Side.BUY:
            instrument = state.instruments[order.instrument]
            amount = instrument.notional(
                order.remaining_qty, order.limit_price or order.trigger_price or order.reference_price
            )
            amount = exact.multiply(Decimal(sign), amount)
            kind = (instrument.quote, order.kind)
            by_instrument[order.instrument] = exact.add(by_instrument.get(order.instrument, exact.ZERO), amount)
            by_kind[kind] = exact.add(by_kind.get(kind, exact.ZERO), amount)
            total = exact.add(total, amount)
    return Promised(new, state.instruments, by_instrument, by_kind, total)
