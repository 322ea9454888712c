"""The resting orders of one symbol, best price first, and within a price the oldest first."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from decimal import Decimal

from shared.model import Side
from tests.sandbox.order import Order


def _rank(order: Order) -> tuple[Decimal, int]:
    price = order.terms.limit_price
    if price is None:
        raise ValueError(f"{order.order_id} has no price and cannot rest")
    return (-price if order.terms.side is Side.BUY else price), order.entry


class Book:
    """Holds, and never matches: who trades with whom is the engine's business."""

    def __init__(self) -> None:
        self._sides: dict[Side, list[Order]] = {Side.BUY: [], Side.SELL: []}

    def add(self, order: Order) -> None:
        insort(self._sides[order.terms.side], order, key=_rank)

    def remove(self, order: Order) -> None:
        """Nothing where it does not rest here."""
        side = self._sides[order.terms.side]
        if order.terms.limit_price is None:
            return
        place = bisect_left(side, _rank(order), key=_rank)
        if place < len(side) and side[place] is order:
            del side[place]

    def of(self, side: Side) -> Iterator[Order]:
        """One side from the best on, as it is now: it may change meanwhile."""
        return iter(tuple(self._sides[side]))

    def best(self, side: Side) -> Order | None:
        orders = self._sides[side]
        return orders[0] if orders else None

    def crossing(self, taker: Order) -> Iterator[Order]:
        """Those that the order would trade with, in their order."""
        for order in self.of(taker.terms.side.opposite):
            price = order.terms.limit_price
            if price is None or not taker.crosses(price):
                return
            yield order
