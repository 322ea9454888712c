"""How far equity may fall below its peak."""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field

from shared.desk.equity_breaker import UNKNOWN_EQUITY, EquityBreaker
from shared.desk.protection import BPS, Finding
from shared.desk.state import DeskState, Equity
from shared.model import exact

BACK = Decimal("0.9")
"""A reduction ends only when this share of the limit is reached again, so that it does not come and go at the limit."""


class MaxDrawdown(EquityBreaker):
    """Stops when equity, open positions at what they would sell for, is `limit_bps` or more below its peak.

    Idea: a strategy that stopped working shows first in the distance from the peak. Units: basis points of the peak since the
    last resume. The peak is marked at every bar, at quotes when it is more than 10 bps above the last mark.
    A reduction ends when the drawdown is back at nine tenths of the limit, and not before `for_s` of market time.
    Source: Magdon-Ismail and Atiya, Maximum Drawdown, Risk Magazine 17 (2004); freqtrade's protection of that name.
    """

    findings = ("max_drawdown", UNKNOWN_EQUITY)
    limit_bps: int = Field(default=1000, ge=1, le=10_000)

    def judge(self, state: DeskState, marked: Equity, equity: Decimal) -> Finding | None:
        peak = marked.peak
        lost = exact.subtract(peak, equity)
        limit = Decimal(self.limit_bps)
        if "max_drawdown" in state.reductions:
            limit = exact.multiply(limit, BACK)
        if exact.multiply(lost, BPS) < exact.multiply(peak, limit):
            return None
        reason = f"equity is {exact.text(lost)} below its peak of {exact.text(peak)}, {self.limit_bps} bps or more"
        return Finding(code="max_drawdown", reason=reason)
