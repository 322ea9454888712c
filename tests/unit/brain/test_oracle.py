"""The indicators against TA-Lib itself: natively only; test_indicators.py replays frozen vectors everywhere."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.indicators import Atr, Rsi, Sma, TrueRange
from tests.unit.brain.support import walk

pytestmark = pytest.mark.oracle
pytest.importorskip("talib", reason="TA-Lib only runs natively")

Market = dict[str, list[float]]


def ours(name: str, period: int, market: Market) -> list[float]:
    rows = list(zip(market["high"], market["low"], market["close"], strict=True))
    if name in {"sma", "rsi"}:
        by_close = Sma(period) if name == "sma" else Rsi(period)
        return [by_close.update(close) for _, _, close in rows]
    by_range = Atr(period) if name == "atr" else TrueRange()
    return [by_range.update(*row) for row in rows]


def numbers(found: list[float | None]) -> list[float]:
    return [math.nan if value is None else value for value in found]


def compare(name: str, period: int, market: Market) -> None:
    from tests.unit.brain.make_vectors import values

    got, wanted = ours(name, period, market), numbers(values(name, period, market))
    if name == "rsi":  # TA-Lib says 0 where nothing ever moved, we say 50
        flat = next((at for at, close in enumerate(market["close"]) if close != market["close"][0]), len(got))
        assert all(math.isnan(value) or value == 50.0 for value in got[:flat])
        got, wanted = got[flat:], wanted[flat:]
    if name == "atr" and period == 1:  # TA-Lib answers with the bare true range
        wanted = numbers(values("true_range", 1, market))
    # TA-Lib's own running sums keep what rounding left of large prices: that much of the largest price is its error
    floor = 1e-13 * max(market["high"], default=0.0) if name != "rsi" else 1e-9
    assert got == pytest.approx(wanted, rel=1e-9, abs=floor, nan_ok=True)


def market_of(closes: list[float], stretch: float = 1.001) -> Market:
    opened = [closes[0], *closes[:-1]] if closes else []
    return {
        "high": [max(pair) * stretch for pair in zip(opened, closes, strict=True)],
        "low": [min(pair) / stretch for pair in zip(opened, closes, strict=True)],
        "close": closes,
    }


def test_the_frozen_vectors_are_what_ta_lib_says_now() -> None:
    from tests.unit.brain.make_vectors import PATH, vectors

    assert json.loads(PATH.read_text()) == json.loads(json.dumps(vectors()))


SERIES = {
    "recorded-like": walk(11, 3000),
    "flat": [5.0] * 200,
    "huge": walk(12, 500, start=1e14),
    "tiny": [price * 1e-6 for price in walk(13, 500)],
    "one spike": [*walk(14, 100), 1e6, *walk(15, 100)],
    "one crash": [*walk(16, 100), 0.01, *walk(17, 100)],
    "ever up": [100.0 + at for at in range(100)],
    "ever down": [200.0 - at for at in range(100)],
    "shorter than the warm-up": [1.0, 2.0],
}


@pytest.mark.parametrize("period", [2, 14, 50])
@pytest.mark.parametrize("name", ["sma", "rsi", "atr", "true_range"])
@pytest.mark.parametrize("kind", SERIES)
def test_equals_ta_lib(name: str, period: int, kind: str) -> None:
    compare(name, period, market_of(SERIES[kind]))


@settings(deadline=None, max_examples=150)
@given(
    steps=st.lists(st.integers(-200, 200), min_size=2, max_size=80),
    scale=st.sampled_from([1e-4, 1.0, 1e6]),
    name=st.sampled_from(["sma", "rsi", "atr", "true_range"]),
    period=st.integers(2, 20),
)
def test_equals_ta_lib_on_any_series(steps: list[int], scale: float, name: str, period: int) -> None:
    closes, price = [], 1000
    for step in steps:
        price = max(1, price + step)
        closes.append(price * scale)
    compare(name, period, market_of(closes))
