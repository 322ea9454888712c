"""Losing trades in a row."""

from __future__ import annotations

from pydantic import Field

from shared.desk.booking import TRADES_KEPT
from shared.desk.context import Context
from shared.desk.protection import MOST_S, MS, Breaker, Finding
from shared.desk.state import DeskState
from shared.model import exact


class ConsecutiveLosses(Breaker):
    """Stops after `losses` round trips in a row that lost after fees, of any instruments.

    Idea: a run of losses that chance hardly explains says that the market is not the one the strategy knows.
    Units: round trips, flat to flat, since the last resume; seconds of market time (a halt's `for_s`: wall time).
    Counts from the close of the last of them; with `for_s` 0 until one wins or somebody resumes.
    Source: our own, after the runs test of A. Wald and J. Wolfowitz (1940).
    """

    findings = ("consecutive_losses",)
    losses: int = Field(default=5, ge=1, le=TRADES_KEPT)
    for_s: int = Field(default=86_400, ge=0, le=MOST_S)

    def finds(self, state: DeskState, context: Context) -> Finding | None:
        newest = state.trades[-self.losses :]
        if len(newest) < self.losses or any(trade.net >= exact.ZERO for trade in newest):
            return None
        until_ms = newest[-1].closed_ms + self.for_s * MS if self.for_s else None
        if until_ms is not None and self.now_ms(state, context) >= until_ms:
            return None
        reason = f"the last {self.losses} round trips lost"
        return Finding(code="consecutive_losses", reason=reason, until_ms=until_ms)
