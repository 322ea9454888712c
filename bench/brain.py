"""The scan of many symbols with both strategies inside the brain: what a symbol costs when one bar has closed."""

from __future__ import annotations

import json
from statistics import median
from typing import Any

from bench.places import STRATEGIES, Probe, desk_on, opened
from bench.report import Row, at_most
from tools.replay import builtin_markets, generated_market

SYMBOLS = 250
HISTORY = 200
GOAL_MS = 0.5


def measure(quick: bool) -> list[Row]:
    """Warmed with history first; then one new bar of every symbol a call, with the state that the last call gave."""
    bars = 10 if quick else 30
    with desk_on(builtin_markets()) as (_, probe):
        series = columns(HISTORY + bars)
        state = scan(probe, cut(series, 0, HISTORY), None)[1]
        times = []
        for bar in range(HISTORY, HISTORY + bars):
            took_ms, state = scan(probe, cut(series, bar, bar + 1), state)
            times.append(took_ms / SYMBOLS)
    return [at_most(f"scan of {SYMBOLS} symbols, both strategies, a symbol", median(times), GOAL_MS, "ms", 3)]


def columns(bars: int) -> dict[str, dict[str, list[Any]]]:
    """So many closed bars of every made-up symbol, in the brain's form."""
    market = generated_market(SYMBOLS)
    found: dict[str, dict[str, list[Any]]] = {}
    for symbol in market.instruments:
        window = market.series[symbol, "1m"].window(0, market.closes[-1], bars)
        found[symbol] = {
            "t": [bar.open_time_ms for bar in window],
            "o": [float(bar.open) for bar in window],
            "h": [float(bar.high) for bar in window],
            "l": [float(bar.low) for bar in window],
            "c": [float(bar.close) for bar in window],
            "v": [float(bar.volume) for bar in window],
        }
    return found


def cut(series: dict[str, dict[str, list[Any]]], start: int, end: int) -> dict[str, dict[str, list[Any]]]:
    """The same bars of every symbol."""
    return {symbol: {name: each[start:end] for name, each in one.items()} for symbol, one in series.items()}


def scan(probe: Probe, market: dict[str, Any], state: Any) -> tuple[float, Any]:
    """Milliseconds of the awaited call, its text in and out included, and the state."""
    request = {
        "venue": "gen",
        "interval": "1m",
        "strategies": STRATEGIES,
        "market": market,
        "evidence": {},
        "state": state,
    }
    took_ms, answers = probe.call("BRAIN", "scan", [[json.dumps(request)]])
    value = opened(answers[0])
    if value["refused"]:
        raise ValueError(f"the brain refused {value['refused'][0]}")
    return took_ms, value["state"]
