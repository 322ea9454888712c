"""An instrument that does not earn its keep."""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field

from shared.desk.booking import TRADES_KEPT
from shared.desk.context import Context
from shared.desk.intent import Intent, Refusal
from shared.desk.protection import BPS, MOST_S, MS, Protection
from shared.desk.state import DeskState
from shared.desk.totals import totals
from shared.model import Trade, exact


class LowProfitSymbol(Protection):
    """Refuses to enter an instrument whose last `trades` round trips within `within_s` made less than `min_profit_bps` together.

    Idea: what has not paid for its risk lately is left alone for a while. Units: net profit in basis points of what they
    cost; seconds of market time. Locks for `for_s` from the end of the last of them, and never the desk.
    Source: freqtrade's LowProfitPairs.
    """

    refusals = ("low_profit_symbol",)
    trades: int = Field(default=4, ge=1, le=TRADES_KEPT)
    within_s: int = Field(default=604_800, ge=1, le=MOST_S)
    min_profit_bps: int = Field(default=0, ge=-10_000, le=10_000)
    for_s: int = Field(default=86_400, ge=1, le=MOST_S)

    def refuse(self, state: DeskState, intent: Intent, context: Context) -> Refusal | None:
        if not intent.is_entry or not state.trades:
            return None
        name = intent.instrument.id
        newest = [trade for trade in state.trades if trade.instrument == name][-self.trades :]
        if len(newest) < self.trades or newest[-1].closed_ms - newest[0].closed_ms > self.within_s * MS:
            return None
        if totals(state, context).market_ms_of(name) >= newest[-1].closed_ms + self.for_s * MS or not self._is_low(
            newest
        ):
            return None
        return Refusal(
            "low_profit_symbol", f"the last {self.trades} of {name} made less than {self.min_profit_bps} bps"
        )

    def _is_low(self, trades: list[Trade]) -> bool:
        net, cost = exact.ZERO, exact.ZERO
        for trade in trades:
            net, cost = exact.add(net, trade.net), exact.add(cost, trade.cost)
        return exact.multiply(net, BPS) < exact.multiply(cost, Decimal(self.min_profit_bps))
