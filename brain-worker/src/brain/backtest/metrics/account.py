"""What is judged, checked before anything is counted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from operator import lt

from brain.backtest.trade import ClosedTrade
from shared.errors import Invalid


def check_equity(equity: Sequence[float], times_ms: Sequence[int]) -> None:
    """Invalid unless both have the same length, at least one bar, finite money above 0 at first, and rising times."""
    if not equity:
        raise Invalid.field("equity", [], "must hold at least one bar", "run over at least one bar")
    if len(times_ms) != len(equity):
        raise Invalid.field("times_ms", len(times_ms), f"must be as many as equity, {len(equity)}", "give one a bar")
    if not all(map(math.isfinite, equity)):
        at = next(at for at, value in enumerate(equity) if not math.isfinite(value))
        raise Invalid.field(f"equity[{at}]", equity[at], "must be a finite number", "give money at each close")
    if equity[0] <= 0.0:
        raise Invalid.field("equity[0]", equity[0], "must be above 0", "start with money")
    if not all(map(lt, times_ms, times_ms[1:])):
        at = next(at for at in range(1, len(times_ms)) if times_ms[at] <= times_ms[at - 1])
        raise Invalid.field(
            f"times_ms[{at}]", times_ms[at], "must be later than the bar before", "sort and deduplicate"
        )


def check_activity(bars: int, exposure_bars: int, traded_notional: float) -> None:
    """Invalid unless 0 <= exposure_bars <= bars and the notional is finite and not below 0."""
    if not 0 <= exposure_bars <= bars:
        raise Invalid.field("exposure_bars", exposure_bars, f"must be 0 to {bars}", "count bars with a position")
    if not 0.0 <= traded_notional < math.inf:
        rule = "must be finite and at least 0"
        raise Invalid.field("traded_notional", traded_notional, rule, "sum up qty * price of every fill")


def check_closes(closes: Mapping[str, Sequence[float]]) -> None:
    """Invalid unless every symbol has a first and a last close, finite and above 0."""
    for symbol, prices in closes.items():
        ends = (prices[0], prices[-1]) if prices else ()
        if not ends or not all(0.0 < price < math.inf for price in ends):
            raise Invalid.field(f"closes[{symbol!r}]", ends, "must begin and end with a price above 0", "give closes")


def check_trades(trades: Sequence[ClosedTrade]) -> None:
    """Invalid for the first trade with a number that cannot be; its place, its field and the rule are named."""
    for at, trade in enumerate(trades):
        for name in ("qty", "entry_price", "exit_price", "pnl", "fees", "mae", "mfe"):
            if not math.isfinite(value := getattr(trade, name)):
                raise Invalid.field(f"trades[{at}].{name}", value, "must be a finite number", "mend the trade")
        for name, good, rule in (
            ("side", trade.side in ("buy", "sell"), "must be buy or sell"),
            ("qty", trade.qty > 0.0, "must be above 0"),
            ("exit_ms", trade.exit_ms >= trade.entry_ms, f"must not be before entry_ms {trade.entry_ms}"),
            ("mae", trade.mae <= 0.0, "must be at most 0"),
            ("mfe", trade.mfe >= 0.0, "must be at least 0"),
            ("bars", trade.bars >= 0, "must be at least 0"),
        ):
            if not good:
                raise Invalid.field(f"trades[{at}].{name}", getattr(trade, name), rule, "mend the trade")
