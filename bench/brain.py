"""The scan of many symbols inside the brain, with two strategies and with all: what a symbol costs when one bar has closed."""

from __future__ import annotations

import json
from statistics import median
from typing import Any

from bench.places import STRATEGIES, Probe, desk_on, opened
from bench.report import Row, at_most
from tools.replay import builtin_markets, generated_market

Columns = dict[str, dict[str, list[Any]]]
SYMBOLS = 250
HISTORY = 300
WARM_BARS = 50
GOAL_MS = 0.5
ALL_GOAL_MS = 1.0


def measure(quick: bool) -> list[Row]:
    """Warmed with history first; then one new bar of every symbol a call, with the state that the last call gave."""
    bars = 10 if quick else 30
    with desk_on(builtin_markets()) as (_, probe):
        told = opened(probe.call("BRAIN", "describe", [["{}"]])[1][0])["strategies"]
        every = [{"name": each["name"], "params": {}} for each in told]
        series = columns(HISTORY + bars)
        two, all_ms = (a_symbol_ms(probe, series, chosen) for chosen in (STRATEGIES, every))
    return [
        at_most(f"scan of {SYMBOLS} symbols, two strategies, a symbol", two, GOAL_MS, "ms", 3),
        at_most(f"scan of {SYMBOLS} symbols, all {len(every)} strategies, a symbol", all_ms, ALL_GOAL_MS, "ms", 3),
    ]


def a_symbol_ms(probe: Probe, series: Columns, strategies: list[dict[str, Any]]) -> float:
    """Milliseconds of a symbol's share of a scan, the median of the new bars."""
    state = None
    for start in range(0, HISTORY, WARM_BARS):
        state = scan(probe, cut(series, start, min(HISTORY, start + WARM_BARS)), state, strategies)[1]
    times = []
    for bar in range(HISTORY, len(next(iter(series.values()))["t"])):
        took_ms, state = scan(probe, cut(series, bar, bar + 1), state, strategies)
        times.append(took_ms / SYMBOLS)
    return median(times)


def columns(bars: int) -> Columns:
    """So many closed bars of every made-up symbol, in the brain's form."""
    market = generated_market(SYMBOLS)
    found: Columns = {}
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


def cut(series: Columns, start: int, end: int) -> Columns:
    """The same bars of every symbol."""
    return {symbol: {name: each[start:end] for name, each in one.items()} for symbol, one in series.items()}


def scan(probe: Probe, market: Columns, state: Any, strategies: list[dict[str, Any]]) -> tuple[float, Any]:
    """Milliseconds of the awaited call, its text in and out included, and the state."""
    request = {
        "venue": "gen",
        "interval": "1m",
        "strategies": strategies,
        "market": market,
        "evidence": {},
        "state": state,
    }
    took_ms, answers = probe.call("BRAIN", "scan", [[json.dumps(request)]])
    value = opened(answers[0])
    if value["refused"]:
        raise ValueError(f"the brain refused {value['refused'][0]}")
    return took_ms, value["state"]
