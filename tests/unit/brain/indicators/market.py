"""Made-up markets as columns, the settings that the tests give to each indicator, and ways to run one over the other."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from brain.indicators import INDICATORS, Indicator, batch

Columns = dict[str, list[float]]
Lines = dict[str, list[float]]

HOUR_MS = 3_600_000
SETTINGS: dict[str, list[tuple[Any, ...]]] = {
    "Sma": [(1,), (5,), (20,)],
    "Ema": [(2,), (5,), (20,)],
    "Wma": [(2,), (5,), (20,)],
    "Dema": [(2,), (5,)],
    "Tema": [(2,), (5,)],
    "Hma": [(4,), (7,), (16,)],
    "Kama": [(3,), (10,)],
    "Vwma": [(2,), (9,)],
    "Rsi": [(3,), (14,)],
    "Macd": [(3, 8, 4), (12, 26, 9)],
    "Mom": [(1,), (6,)],
    "Roc": [(1,), (6,)],
    "EfficiencyRatio": [(3,), (10,)],
    "Stochastic": [(5, 1, 3), (6, 3, 2)],
    "StochRsi": [(4, 5, 3), (14, 14, 3)],
    "Cci": [(3,), (20,)],
    "WilliamsR": [(3,), (14,)],
    "TrueRange": [()],
    "Atr": [(3,), (14,)],
    "Natr": [(3,), (14,)],
    "RealisedVolatility": [(3,), (20, 8760.0)],
    "Parkinson": [(1,), (20, 8760.0)],
    "GarmanKlass": [(1,), (20, 8760.0)],
    "Bollinger": [(5,), (20, 2.5)],
    "Donchian": [(2,), (20,)],
    "Keltner": [(5, 3, 1.5), (4, 9, 1.0), (20, 10, 2.0)],
    "Highest": [(2,), (7,)],
    "Lowest": [(2,), (7,)],
    "Adx": [(2,), (5,), (14,)],
    "Aroon": [(2,), (14,)],
    "SuperTrend": [(5, 0.3), (3, 1.0), (10, 3.0)],
    "ParabolicSar": [(), (0.05, 0.3)],
    "Ichimoku": [(2, 4, 7, 3), (9, 26, 52, 26)],
    "Obv": [()],
    "Mfi": [(3,), (14,)],
    "Cmf": [(3,), (20,)],
    "Vwap": [(), (6 * HOUR_MS, 2 * HOUR_MS)],
    "StdDev": [(2,), (20,)],
    "ZScore": [(2,), (20,)],
    "LinearRegression": [(2,), (14,)],
}
CASES = [(name, settings) for name, choices in SETTINGS.items() for settings in choices]


def walk(seed: int, length: int, start: float = 100.0, step: float = 0.02) -> list[float]:
    """A repeatable random walk of closes, with all their digits."""
    chance = random.Random(seed)
    closes = [start]
    while len(closes) < length:
        closes.append(closes[-1] * (1.0 + chance.uniform(-step, step)))
    return closes


def make(name: str, settings: Sequence[Any] = ()) -> Indicator:
    return INDICATORS[name](*settings)


def run(name: str, settings: Sequence[Any], columns: Columns) -> Lines:
    return batch(make(name, settings), columns)


def label(value: Any) -> str:
    return "-".join(map(str, value)) if isinstance(value, tuple) else str(value)


def market(closes: Sequence[float], seed: int = 1, wide: float = 0.01, idle: float = 0.0) -> Columns:
    """Hourly bars around these closes, up to `wide` wider than their body; a share of `idle` of them did not trade."""
    chance = random.Random(seed)
    opens = [*closes[:1], *closes[:-1]]
    pairs = list(zip(opens, closes, strict=True))
    return {
        "open": list(opens),
        "high": [max(pair) * (1.0 + chance.uniform(0.0, wide)) for pair in pairs],
        "low": [min(pair) / (1.0 + chance.uniform(0.0, wide)) for pair in pairs],
        "close": list(closes),
        "volume": [0.0 if chance.random() < idle else chance.uniform(1.0, 1000.0) for _ in closes],
        "open_time_ms": [at * HOUR_MS for at in range(len(closes))],
    }


CALM: dict[str, Columns] = {
    "walk": market(walk(11, 900)),
    "huge": market(walk(12, 300, start=1e14)),
    "tiny": market([price * 1e-6 for price in walk(13, 300)]),
    "ever up": market([100.0 + at for at in range(120)], wide=0.001),
    "ever down": market([200.0 - at for at in range(120)], wide=0.001),
    "short": market([100.0, 101.0]),
}
"""Markets where TA-Lib's own sums are exact enough."""
ROUGH: dict[str, Columns] = {
    "flat": market([5.0] * 150, wide=0.0),
    "flat with ranges": market([5.0] * 150),
    "one spike": market([*walk(14, 100), 1e6, *walk(15, 120)]),
    "one crash": market([*walk(16, 100), 0.01, *walk(17, 120)]),
    "one jump": market([*walk(18, 100), *walk(19, 120, start=4000.0)]),
    "plateau": market([*walk(20, 60), *[77.7] * 60, *walk(21, 80, start=77.7)], wide=0.0),
    "hardly moves": market([1e6 + 0.01 * (at * 7 % 5) for at in range(150)], wide=0.0),
    "idle": market(walk(22, 200), idle=0.8),
}


@st.composite
def markets(draw: st.DrawFn, least: int = 0, most: int = 70) -> Columns:
    """Any market: prices of any size that hold, step, jump and repeat; bars without range, bars without volume."""
    size = draw(st.sampled_from([1e-6, 1e-3, 1.0, 1e4, 1e9]))
    steps = draw(st.lists(st.integers(-300, 300) | st.sampled_from([0, 0, 1, 100_000]), min_size=least, max_size=most))
    closes, price = [], 1000
    for step in steps:
        price = max(1, price + step)
        closes.append(price * size)
    return market(
        closes,
        draw(st.integers(0, 50)),
        draw(st.sampled_from([0.0, 0.02])),
        draw(st.sampled_from([0.0, 0.3, 1.0])),
    )


def numbers(values: Sequence[float | None]) -> list[float]:
    return [math.nan if value is None else float(value) for value in values]


def near(one: float, other: float, floor: float = 0.0) -> bool:
    """Equal to 1e-9, or to within `floor`, or both NaN."""
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=floor) or (one != one and other != other)
