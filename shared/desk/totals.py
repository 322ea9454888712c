"""Sums over the whole desk that several rules of one decision ask for, each made once and only when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cached_property

from shared.desk import ledger
from shared.desk.context import Context, Mark
from shared.desk.promised import promised
from shared.desk.state import DeskState
from shared.model import Position, Side, exact


class Totals:
    """Of one state with one context. Money is in quote, `equity` in the reporting currency."""

    def __init__(self, state: DeskState, context: Context) -> None:
        self.state = state
        self.context = context

    @cached_property
    def held(self) -> list[Position]:
        return self.state.held()

    @cached_property
    def market_ms(self) -> int:
        """The newest market time of a bar, or of a price of what is held."""
        marks = self.context.marks
        known = [marks[each.instrument].market_ms for each in self.held if each.instrument in marks]
        return max([self.context.market_ms, *known])

    @cached_property
    def is_quoted(self) -> bool:
        """Whether anything held is priced by a quote, and not by a closed bar."""
        marks = self.context.marks
        return any(each.instrument in marks and marks[each.instrument].bid is not None for each in self.held)

    @cached_property
    def equity(self) -> Decimal | None:
        """Cash, and positions at what they would sell for (the bid, else the price); None while something is not known."""
        return self._worth({each.instrument: _exit_price(self.context.marks[each.instrument], each) for each in self._priced})

    @cached_property
    def equity_before(self) -> Decimal | None:
        """The same positions and cash at the closes before the prices of now."""
        marks = self.context.marks
        return self._worth(
            {each.instrument: marks[each.instrument].before or marks[each.instrument].price for each in self._priced}
        )

    @cached_property
    def _priced(self) -> list[Position]:
        return [each for each in self.held if each.instrument in self.context.marks]

    def _worth(self, prices: Mapping[str, Decimal]) -> Decimal | None:
        state, marks = self.state, self.context.marks
        total = exact.ZERO
        for asset, amount in state.cash.items():
            if amount:
                rate = ledger.conversion(state, marks, asset)
                if rate is None:
                    return None
                total = exact.add(total, exact.multiply(amount, rate))
        for position in self.held:
            instrument = state.instruments[position.instrument]
            price = prices.get(position.instrument)
            rate = ledger.conversion(state, marks, instrument.quote)
            if price is None or rate is None:
                return None
            total = exact.add(total, exact.multiply(instrument.notional(position.qty, price), rate))
        return total

    @cached_property
    def _held_notional(self) -> dict[str, Decimal]:
        """The absolute worth of each position at its mark, or at cost where there is none."""
        found = {}
        for position in self.held:
            instrument = self.state.instruments[position.instrument]
            value = ledger.market_value(instrument, position.qty, self.context.marks.get(position.instrument))
            found[position.instrument] = abs(position.cost if value is None else value)
        return found

    def symbol_exposure(self, instrument: str) -> Decimal:
        """What is held and what open buys may still add."""
        added = promised(self.state).by_instrument.get(instrument, exact.ZERO)
        return exact.add(self._held_notional.get(instrument, exact.ZERO), added)

    @cached_property
    def exposure(self) -> Decimal:
        """Over all instruments."""
        total = promised(self.state).total
        for notional in self._held_notional.values():
            total = exact.add(total, notional)
        return total

    @cached_property
    def taken(self) -> frozenset[str]:
        """The instruments that are held or being bought."""
        bought = {order.instrument for order in self.state.orders.values() if order.side is Side.BUY}
        return frozenset(bought | {position.instrument for position in self.held})


def _exit_price(mark: Mark, position: Position) -> Decimal:
    return (mark.bid if position.qty > 0 else mark.ask) or mark.price


_newest: Totals | None = None


def totals(state: DeskState, context: Context) -> Totals:
    """Those of this very state and context; the newest are kept, since one decision asks many times."""
    global _newest  # it saves time and changes no answer: a state never changes, nor does a context within its decision
    found = _newest
    if found is None or found.state is not state or found.context is not context:
        found = _newest = _moved(found, Totals(state, context))
    return found


def _moved(before: Totals | None, after: Totals) -> Totals:
    """What the step from one state to the next did not touch is taken over."""
    if before is None or before.context is not after.context:
        return after
    old, new = before.state, after.state
    if old.positions is new.positions and old.instruments is new.instruments:
        names = ["held", "market_ms", "is_quoted", "_priced", "_held_notional"]
        if old.cash is new.cash:
            names += ["equity", "equity_before"]
        vars(after).update({name: vars(before)[name] for name in names if name in vars(before)})
    return after
