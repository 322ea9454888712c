"""What may be lost in one day."""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field

from shared.desk.equity_breaker import UNKNOWN_EQUITY, EquityBreaker
from shared.desk.protection import BPS, Finding
from shared.desk.state import DeskState, Equity
from shared.model import exact

DAY_MS = 86_400_000


class DailyLoss(EquityBreaker):
    """Stops when equity is `limit_bps` or more below what it was when the market day began.

    Idea: a day that goes wrong is ended before it becomes a bad week. Open positions count at what they would sell for.
    Units: basis points of the day's opening equity; days are UTC days of market time, their last instant included.
    A reduction lasts until the day ends, or for `for_s` of market time; a halt's `for_s` is wall time.
    Source: daily loss limits of clearing firms (FIA, Best Practices for Automated Trading Risk Controls, 2024).
    """

    findings = ("daily_loss", UNKNOWN_EQUITY)
    limit_bps: int = Field(default=300, ge=1, le=10_000)

    def judge(self, _state: DeskState, marked: Equity, equity: Decimal) -> Finding | None:
        start = marked.day_start
        loss = exact.subtract(start, equity)
        if exact.multiply(loss, BPS) < exact.multiply(start, Decimal(self.limit_bps)):
            return None
        reason = f"{exact.text(loss)} of {exact.text(start)} was lost since the day began, {self.limit_bps} bps or more"
        return Finding(code="daily_loss", reason=reason, until_ms=None if self.for_s else marked.day_ms + DAY_MS)
