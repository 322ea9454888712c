"""What the protections against losing equity share: that it has to be known, and since when it is counted."""

from __future__ import annotations

from decimal import Decimal

from shared.desk.context import Context
from shared.desk.protection import Breaker, CallsFor, Finding
from shared.desk.state import DeskState, Equity
from shared.desk.totals import totals

UNKNOWN_EQUITY = "equity_unknown"
"""Reduces, whatever its breaker calls for, and for as long as it lasts: it is no loss."""


class EquityBreaker(Breaker):
    """Judges equity, open positions at what they would sell for, against what was marked.

    Unknown while positions are held, it is a finding by itself.
    """

    marks_equity = True
    calls_for: CallsFor = "halted"

    def finds(self, state: DeskState, context: Context) -> Finding | None:
        sums = totals(state, context)
        if sums.equity is not None:
            return None if state.equity is None else self.judge(state, state.equity, sums.equity)
        if not sums.held:
            return None
        # what cannot be counted cannot be limited
        return Finding(code=UNKNOWN_EQUITY, reason="a price or a conversion of what is held is missing")

    def judge(self, state: DeskState, marked: Equity, equity: Decimal) -> Finding | None:
        """What speaks against new risk, with equity known and marked."""
        raise NotImplementedError
