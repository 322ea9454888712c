"""Bars on which nothing can happen: they are passed over, and the desk is asked only about the others.

A bar is quiet for a desk when its range stays within the prices at which an order would fill, a stop set off or a level be
crossed, and when nothing depends on the price in between: no trailing stop, no breaker that watches equity. Passing
over quiet bars changes no result; the tests hold that against a run that passes over none.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import Final, NamedTuple

from brain.bar import Bar
from shared.desk import guards
from shared.desk.levels import levels
from shared.desk.protections.stale_data import StaleData
from shared.desk.state import DeskState, DeskStatus
from shared.model import LevelKind, Order, OrderKind, Side, symbol_of

NEVER_MS: Final = 2**63


class Band(NamedTuple):
    """Strictly between these two, nothing happens."""

    low: float
    high: float

    def holds(self, bar: Bar) -> bool:
        """Whether the whole bar lies within."""
        return self.low < bar.low and bar.high < self.high


_WIDE = Band(-inf, inf)
_NONE = Band(inf, -inf)


class Quiet:
    """For one state of the desk: `always` loud, or loud where a bar leaves its symbol's band (`bands`, by symbol), and at the first
    close, of whichever symbol, from `until_ms` on, when the time of an order is over. `orderly`:
    nothing is restricted or on its way to be; `idle`: nor is anything held or ordered."""

    def __init__(self, state: DeskState) -> None:
        self.bands: dict[str, Band] = {}
        acting = guards.of(state)
        at_stake = bool(state.orders) or bool(state.held())
        # the other breakers look at trades and orders, none of which comes with a quiet bar; a silence does, of another symbol
        watched = (
            acting.marks_equity or bool(acting.unreadable) or any(type(each) is StaleData for each in acting.breakers)
        )
        unrest = state.status is not DeskStatus.ACTIVE or bool(state.reductions or state.replacements)
        self.orderly = not unrest
        self.idle = not at_stake and not unrest
        self.always = at_stake and (watched or unrest)
        self.until_ms = min((order.good_till_ms or NEVER_MS for order in state.orders.values()), default=NEVER_MS)
        if self.always:
            return
        for order in state.orders.values():
            self._narrow(order.instrument, _of_order(order))
        for level in levels(state):
            price = float(level.price)
            falls = (level.side is Side.SELL) == (level.kind is LevelKind.STOP)
            self._narrow(level.instrument, Band(price, inf) if falls else Band(-inf, price))
        for position in state.held():
            if position.trail_distance is not None:
                self._narrow(position.instrument, _NONE)

    def _narrow(self, instrument: str, band: Band) -> None:
        symbol = symbol_of(instrument)
        known = self.bands.get(symbol, _WIDE)
        self.bands[symbol] = Band(max(known.low, band.low), min(known.high, band.high))

    def is_loud(self, close_ms: int, bars: Iterable[tuple[str, Bar]]) -> bool:
        """Whether the desk has to see one of these, which closed together."""
        if self.always or close_ms >= self.until_ms:
            return True
        bands = self.bands
        return any(symbol in bands and not bands[symbol].holds(bar) for symbol, bar in bars) if bands else False


def _of_order(order: Order) -> Band:
    """Where it can neither fill nor set off; nowhere, for what ends by time or looks at every bar."""
    if order.good_till_ms is not None or order.post_only or order.filled_qty or not order.status.is_open:
        return _NONE
    price = order.trigger_price if order.kind.has_trigger else order.limit_price
    if price is None or order.kind is OrderKind.STOP_LIMIT:
        return _NONE
    at = float(price)
    # a buy waits for a fall to its limit, or for a rise to its trigger
    falls = (order.side is Side.BUY) != order.kind.has_trigger
    return Band(at, inf) if falls else Band(-inf, at)
