"""Sums over the whole desk that several rules of one decision ask for, each made once and only when it is asked for."""

from __future__ import annotations

from decimal import Decimal
from functools import cached_property

from shared.desk import balance
from shared.desk.context import Context
from shared.desk.promised import promised
from shared.desk.state import DeskState
from shared.desk.worth import Worth
from shared.model import exact


class Totals(Worth):
    """Beside what it is worth: what is at stake and what is free, in quote."""

    def __init__(self, state: DeskState, context: Context) -> None:
        super().__init__(state, context)
        self._free: dict[str, Decimal] = {}

    @cached_property
    def _held_notional(self) -> dict[str, Decimal]:
        """The absolute worth of each position at its price, or at cost where there is none."""
        return {each.instrument: abs(self._values.get(each.instrument, each.cost)) for each in self.held}

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

    def free_balance(self, quote: str) -> Decimal:
        """Cash less what open buys reserve."""
        found = self._free.get(quote)
        if found is None:
            found = self._free[quote] = balance.free(self.state, quote)
        return found

    @cached_property
    def taken(self) -> frozenset[str]:
        """The instruments that are held or being bought."""
        return frozenset(self.state.open.sorted.bought.keys() | {position.instrument for position in self.held})


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
        names = ["held", "market_ms", "is_quoted", "_priced", "_values", "_held_notional"]
        if old.cash is new.cash:
            names += ["equity", "equity_before", "_cash_worth"]
        vars(after).update({name: vars(before)[name] for name in names if name in vars(before)})
    return after
