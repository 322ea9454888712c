"""Stops that were hit, too many of them too soon."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from shared.desk.booking import TRADES_KEPT
from shared.desk.context import Context
from shared.desk.intent import Intent, Refusal
from shared.desk.protection import MOST_S, MS, Breaker, Finding
from shared.desk.state import DeskState
from shared.desk.totals import totals
from shared.model import Cause, Trade, exact


class StoplossGuard(Breaker):
    """Stops when `stops` round trips ended in their stop, with a loss, within `within_s`.

    Idea: stops that are hit one after the other mean that the market whips about. With `per_symbol` only the instrument whose
    stops were hit is locked, and the desk is not reduced. Units: seconds of market time (a halt's `for_s`: wall time), counted
    from the last of them; with `for_s` 0 while they lie within `within_s`.
    Source: freqtrade's StoplossGuard.
    """

    refusals = ("stoploss_guard",)
    findings = ("stoploss_guard",)
    stops: int = Field(default=4, ge=1, le=TRADES_KEPT)
    within_s: int = Field(default=86_400, ge=1, le=MOST_S)
    for_s: int = Field(default=86_400, ge=0, le=MOST_S)
    per_symbol: bool = False

    def finds(self, state: DeskState, context: Context) -> Finding | None:
        if self.per_symbol:
            return None
        return self._among(state.trades, self.now_ms(state, context))

    def refuse(self, state: DeskState, intent: Intent, context: Context) -> Refusal | None:
        if not self.per_symbol:
            return super().refuse(state, intent, context)
        if not intent.is_entry or not state.trades:
            return None
        own = [trade for trade in state.trades if trade.instrument == intent.instrument.id]
        found = self._among(own, totals(state, context).market_ms_of(intent.instrument.id))
        return None if found is None else Refusal(found.code, found.reason)

    def _among(self, trades: Sequence[Trade], now_ms: int) -> Finding | None:
        stopped = [trade for trade in trades if trade.cause is Cause.STOP and trade.net < exact.ZERO][-self.stops :]
        if len(stopped) < self.stops or stopped[-1].closed_ms - stopped[0].closed_ms > self.within_s * MS:
            return None
        until_ms = stopped[-1].closed_ms + self.for_s * MS if self.for_s else stopped[0].closed_ms + self.within_s * MS
        if now_ms >= until_ms:
            return None
        reason = f"{self.stops} stops were hit within {self.within_s} s"
        return Finding(code="stoploss_guard", reason=reason, until_ms=until_ms)
