"""Runs to be judged: made-up accounts and trades."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from brain.backtest.metrics import Metrics, metrics
from brain.backtest.trade import ClosedTrade

DAY_MS = 86_400_000


def trade(pnl: float, **changes: Any) -> ClosedTrade:
    """One trade with that result, and otherwise like any other."""
    fields: dict[str, Any] = {
        "symbol": "BTC-USD",
        "side": "buy",
        "qty": 1.0,
        "entry_ms": DAY_MS,
        "exit_ms": 2 * DAY_MS,
        "entry_price": 100.0,
        "exit_price": 100.0 + pnl,
        "pnl": pnl,
        "fees": 0.5,
        "mae": min(pnl, -1.0),
        "mfe": max(pnl, 2.0),
        "bars": 1,
        "reason": "signal",
    }
    return ClosedTrade(**(fields | changes))


def judged(equity: Sequence[float], results: Sequence[float] = (), **changes: Any) -> Metrics:
    """The metrics of daily bars, whose trades had these results."""
    given: dict[str, Any] = {
        "times_ms": [(at + 1) * DAY_MS for at in range(len(equity))],
        "trades": [trade(each) for each in results],
        "interval_ms": DAY_MS,
        "exposure_bars": 0,
        "traded_notional": 0.0,
    }
    return metrics(equity, **(given | changes))
