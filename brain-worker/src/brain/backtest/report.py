"""What came of a run, as JSON: metrics, a curve that can be drawn, trades, and what was refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from brain.backtest.metrics import metrics
from brain.backtest.plan import Outcome, Plan
from brain.backtest.words import doubts
from brain.bars import Bars
from shared.coverage import Coverage

MAX_POINTS = 2000
MAX_TRADES = 5000


def report(plan: Plan, outcome: Outcome, coverage: Coverage | None = None) -> dict[str, Any]:
    """`doubts` says in words what speaks against the numbers. `curve` holds at most about `MAX_POINTS` closes, the lowest and
    the highest of each stretch among them; `trades` the first `MAX_TRADES`, while the metrics and the fingerprint are of all."""
    closes = {symbol: Bars.of(bars).close for symbol, bars in plan.series.items() if bars}
    judged = None
    if outcome.times_ms:
        judged = metrics(
            outcome.equity,
            outcome.times_ms,
            outcome.trades,
            plan.interval.ms,
            outcome.exposure_bars,
            outcome.traded_notional,
            closes=closes,
        )._asdict()
    kept = thinned(outcome.equity)
    told = {
        "coverage": None if coverage is None else coverage.wire(),
        "metrics": judged,
        "curve": {"t": [outcome.times_ms[at] for at in kept], "equity": [outcome.equity[at] for at in kept]},
        "trades": [trade._asdict() for trade in outcome.trades[:MAX_TRADES]],
        "trades_left_out": max(0, len(outcome.trades) - MAX_TRADES),
        "refused": [each._asdict() for each in outcome.refused],
        "proposals": outcome.proposals,
        "carry": outcome.carry,
        "halted": outcome.halted,
        "open_symbols": list(outcome.open_symbols),
        "fingerprint": outcome.fingerprint,
    }
    return {"doubts": doubts(told), **told}


def thinned(values: Sequence[float], most: int = MAX_POINTS) -> list[int]:
    """Places to draw: all where there are few, else of each stretch its lowest and its highest; the first and the last always."""
    count = len(values)
    if count <= most:
        return list(range(count))
    stretch = -(-count * 2 // most)
    found = {0, count - 1}
    for start in range(0, count, stretch):
        places = range(start, min(start + stretch, count))
        found.add(min(places, key=values.__getitem__))
        found.add(max(places, key=values.__getitem__))
    return sorted(found)
