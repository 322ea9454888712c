"""What may be lost in one day."""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field

from shared.desk.context import Context
from shared.desk.protection import BPS, Breaker, CallsFor, Finding
from shared.desk.protections.max_drawdown import unknown_equity
from shared.desk.state import DeskState
from shared.desk.totals import totals
from shared.model import exact

DAY_MS = 86_400_000


class DailyLoss(Breaker):
    """Stops when equity is `limit_bps` or more below what it was when the market day began.

    Idea: a day that goes wrong is ended before it becomes a bad week. Open positions count at what they would sell for.
    Units: basis points of the day's opening equity; days are UTC days of market time, their last instant included.
    A reduction lasts until the day ends, or for `for_s` of market time; a halt's `for_s` is wall time.
    Source: daily loss limits of clearing firms (FIA, Best Practices for Automated Trading Risk Controls, 2024).
    """

    findings = ("daily_loss", "equity_unknown")
    marks_equity = True
    calls_for: CallsFor = "halted"
    limit_bps: int = Field(default=300, ge=1, le=10_000)

    def finds(self, state: DeskState, context: Context) -> Finding | None:
        sums = totals(state, context)
        if sums.equity is None:
            return unknown_equity(state, sums)
        if state.equity is None:
            return None
        start = state.equity.day_start
        loss = exact.subtract(start, sums.equity)
        if exact.multiply(loss, BPS) < exact.multiply(start, Decimal(self.limit_bps)):
            return None
        reason = f"{exact.text(loss)} of {exact.text(start)} was lost since the day began, {self.limit_bps} bps or more"
        return Finding(code="daily_loss", reason=reason, until_ms=None if self.for_s else state.equity.day_ms + DAY_MS)
