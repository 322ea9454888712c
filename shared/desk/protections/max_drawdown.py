"""How far equity may fall below its peak."""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field

from shared.desk.context import Context
from shared.desk.protection import BPS, Breaker, CallsFor, Finding
from shared.desk.state import DeskState
from shared.desk.totals import Totals, totals
from shared.model import exact

BACK = Decimal("0.9")
"""A reduction ends only when this share of the limit is reached again, so that it does not come and go at the limit."""


class MaxDrawdown(Breaker):
    """Stops when equity, open positions at what they would sell for, is `limit_bps` or more below its peak.

    Idea: a strategy that stopped working shows first in the distance from the peak. Units: basis points of the peak since the
    last resume. The peak is marked at every bar, at quotes when it is more than 10 bps above the last mark.
    A reduction ends when the drawdown is back at nine tenths of the limit, and not before `for_s` of market time.
    Source: Magdon-Ismail and Atiya, Maximum Drawdown, Risk Magazine 17 (2004); freqtrade's protection of that name.
    """

    findings = ("max_drawdown", "equity_unknown")
    marks_equity = True
    calls_for: CallsFor = "halted"
    limit_bps: int = Field(default=1000, ge=1, le=10_000)

    def finds(self, state: DeskState, context: Context) -> Finding | None:
        sums = totals(state, context)
        if sums.equity is None:
            return unknown_equity(state, sums)
        if state.equity is None:
            return None
        peak = state.equity.peak
        lost = exact.subtract(peak, sums.equity)
        limit = Decimal(self.limit_bps)
        if "max_drawdown" in state.reductions:
            limit = exact.multiply(limit, BACK)
        if exact.multiply(lost, BPS) < exact.multiply(peak, limit):
            return None
        reason = f"equity is {exact.text(lost)} below its peak of {exact.text(peak)}, {self.limit_bps} bps or more"
        return Finding(code="max_drawdown", reason=reason)


def unknown_equity(state: DeskState, sums: Totals) -> Finding | None:
    """What cannot be counted cannot be limited: with positions held, that is a reason by itself."""
    if not sums.held:
        return None
    return Finding(code="equity_unknown", reason="a price or a conversion of what is held is missing")
