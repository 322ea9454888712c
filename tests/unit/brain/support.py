"""What the brain's tests share: made-up markets, requests, and ways to run them."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterable, Sequence
from typing import Any

from hypothesis import strategies as st

from brain.bar import Bar, Idea
from brain.scan import scan
from brain.steps import BUDGET, STEPS
from brain.strategy import Strategy
from brain.view import View

DAY_MS = 86_400_000
ANY_ERROR = [
    SystemExit,
    GeneratorExit,
    asyncio.CancelledError,
    type("Odd", (BaseException,), {}),
    RecursionError,
    MemoryError,
]
"""What a strategy may raise beside the usual."""
BOTH = [{"name": "sma_cross", "params": {}}, {"name": "rsi_reversion", "params": {}}]
QUICK = [
    {"name": "sma_cross", "params": {"fast": 2, "slow": 4, "atr_period": 3}},
    {"name": "rsi_reversion", "params": {"period": 3, "atr_period": 3, "target_atr": 3.5}},
]

Columns = dict[str, list[Any]]


def bars(closes: Iterable[float]) -> list[Bar]:
    """Daily bars that open where the last one closed."""
    made: list[Bar] = []
    for at, close in enumerate(closes):
        opened = made[-1].close if made else close
        made.append(Bar(at * DAY_MS, opened, max(opened, close), min(opened, close), close, 1000.0))
    return made


def say(strategy: Strategy[Any], series: Iterable[Bar]) -> list[Idea | None]:
    """What it says on each bar."""
    view, said = View("A"), []
    for bar in series:
        STEPS.left = BUDGET
        strategy.take(bar)
        view.bar, view.close_ms = bar, bar.open_time_ms + DAY_MS
        said.append(strategy.on_candle(view))
    return said


def columns(closes: Iterable[float]) -> Columns:
    rows = bars(closes)
    return {name: [row[place] for row in rows] for place, name in enumerate("tohlcv")}


def cut(series: Columns, start: int, stop: int | None = None) -> Columns:
    return {name: column[start:stop] for name, column in series.items()}


def body(market: dict[str, Any], state: Any = None, strategies: Sequence[dict[str, Any]] = QUICK) -> dict[str, Any]:
    return {
        "venue": "replay",
        "interval": "1d",
        "strategies": list(strategies),
        "market": market,
        "evidence": {},
        "state": state,
    }


def run(market: dict[str, Any], state: Any = None, strategies: Sequence[dict[str, Any]] = QUICK) -> dict[str, Any]:
    """A scan with request and answer taken through JSON text."""
    answer: dict[str, Any] = json.loads(json.dumps(scan(json.loads(json.dumps(body(market, state, strategies))))))
    return answer


def walk(seed: int, length: int, start: float = 100.0, step: float = 0.02) -> list[float]:
    """A repeatable random walk with two digits after the point."""
    chance = random.Random(seed)
    closes = [start]
    while len(closes) < length:
        closes.append(max(0.01, round(closes[-1] * (1.0 + chance.uniform(-step, step)), 2)))
    return closes


def prices(least: int = 0, most: int = 60) -> st.SearchStrategy[list[float]]:
    """Lists of closes: few distinct values, so that equal ones and crossings are common."""
    return st.lists(
        st.integers(90, 110).map(float) | st.sampled_from([0.5, 100.25, 1e6]), min_size=least, max_size=most
    )
