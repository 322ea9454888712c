"""The indicators: against frozen TA-Lib vectors, exact arithmetic, and any cut through JSON."""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.indicators import Atr, Rsi, Sma, TrueRange
from tests.unit.brain.support import walk

VECTORS = json.loads((Path(__file__).parent / "vectors" / "indicators.json").read_text())
Row = tuple[float, float, float]


def feed(indicator: Any, rows: Iterable[Row]) -> list[float]:
    if isinstance(indicator, Sma | Rsi):
        return [indicator.update(close) for _, _, close in rows]
    return [indicator.update(high, low, close) for high, low, close in rows]


MAKERS: dict[str, tuple[Callable[[int], Any], Callable[[int, Any], Any]]] = {
    "sma": (Sma, Sma.from_state),
    "rsi": (Rsi, Rsi.from_state),
    "atr": (Atr, Atr.from_state),
    "true_range": (lambda period: TrueRange(), lambda period, state: TrueRange.from_state(state)),
}


def rows_of(closes: list[float]) -> list[Row]:
    return [(max(a, b), min(a, b), b) for a, b in zip([closes[0], *closes], closes, strict=False)] if closes else []


def same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


@pytest.mark.parametrize(
    "case", VECTORS["cases"], ids=lambda case: f"{case['indicator']}{case['period']}-{case['series']}"
)
def test_equals_the_frozen_vectors_of_ta_lib(case: dict[str, Any]) -> None:
    market = VECTORS["series"][case["series"]]
    indicator = MAKERS[case["indicator"]][0](case["period"])
    got = feed(indicator, zip(market["high"], market["low"], market["close"], strict=True))
    wanted = [math.nan if value is None else value for value in case["values"]]
    assert got == pytest.approx(wanted, rel=1e-9, abs=0, nan_ok=True)


@pytest.mark.parametrize("name", MAKERS)
def test_is_nan_until_its_declared_warmup_and_a_number_from_then_on(name: str) -> None:
    indicator = MAKERS[name][0](5)
    got = feed(indicator, rows_of(walk(1, 40)))
    assert [math.isnan(value) for value in got] == [at + 1 < indicator.warmup for at in range(40)]


@settings(deadline=None, max_examples=60)
@given(
    closes=st.lists(st.floats(1e-6, 1e12), max_size=40),
    at=st.integers(0, 40),
    period=st.integers(1, 12),
    name=st.sampled_from(sorted(MAKERS)),
)
def test_a_state_taken_through_json_at_any_bar_goes_on_exactly(
    closes: list[float], at: int, period: int, name: str
) -> None:
    make, restore = MAKERS[name]
    rows = rows_of(closes)
    whole, first = make(period), make(period)
    expected = feed(whole, rows)
    got = feed(first, rows[:at])
    second = restore(period, json.loads(json.dumps(first.state(), allow_nan=False)))
    assert same(second.value, first.value)
    got += feed(second, rows[at:])
    assert all(map(same, got, expected))
    assert second.state() == whole.state()


@pytest.mark.parametrize("name", MAKERS)
def test_a_state_whose_floats_became_ints_goes_on_exactly(name: str) -> None:
    make, restore = MAKERS[name]
    first, rows = make(4), rows_of([float(price) for price in (100, 104, 96, 104, 100, 108)])
    feed(first, rows)
    text = json.dumps([int(value) if value == int(value) else value for value in first.state()])
    restored = restore(4, json.loads(text))
    assert restored.state() == first.state()
    assert feed(restored, rows) == feed(first, rows)


def test_sma_does_not_drift_in_200_000_updates() -> None:
    average, window = Sma(20), deque[float](maxlen=20)
    for price in walk(3, 200_000, start=1e9, step=0.001):
        average.update(price / 7.0)
        window.append(price / 7.0)
    assert average.value == pytest.approx(math.fsum(window) / 20, rel=1e-15)


@settings(deadline=None, max_examples=60)
@given(closes=st.lists(st.floats(1e-9, 1e15), min_size=1, max_size=60), period=st.integers(1, 20))
def test_sma_is_the_exact_mean_whatever_leaves_the_window(closes: list[float], period: int) -> None:
    average = Sma(period)
    for at, close in enumerate(closes):
        got = average.update(close)
        if at + 1 >= period:
            exact = sum(map(Fraction, closes[at + 1 - period : at + 1]), Fraction(0)) / period
            assert got == pytest.approx(float(exact), rel=1e-14)


def test_sma_forgets_a_spike_wholly() -> None:
    average = Sma(3)
    assert [average.update(price) for price in (0.3, 0.7, 1e15, 0.1, 0.1, 0.1)][-1] == pytest.approx(0.1, rel=1e-15)


def test_rsi_of_a_market_that_never_moved_is_neutral() -> None:
    assert feed(Rsi(3), rows_of([7.0] * 6))[3:] == [50.0, 50.0, 50.0]


def test_rsi_stays_where_it_is_while_nothing_moves_however_long() -> None:
    index = Rsi(2)
    feed(index, rows_of([10.0, 11.0, 10.5, 10.0]))
    before = index.value
    assert {index.update(10.0) for _ in range(5000)} == {before}


def test_rsi_is_100_when_all_rises_and_0_when_all_falls() -> None:
    assert feed(Rsi(3), rows_of([1.0, 2.0, 3.0, 4.0]))[-1] == 100.0
    assert feed(Rsi(3), rows_of([4.0, 3.0, 2.0, 1.0]))[-1] == 0.0


def test_true_range_reaches_to_the_close_before_a_gap() -> None:
    ranges = TrueRange()
    assert math.isnan(ranges.update(11.0, 9.0, 10.0))
    assert ranges.update(15.0, 14.0, 14.5) == 5.0
    assert ranges.update(13.0, 12.0, 12.5) == 2.5


@pytest.mark.parametrize("make", [Sma, Rsi, Atr])
def test_a_period_below_one_is_refused(make: Callable[[int], Any]) -> None:
    with pytest.raises(ValueError, match="period 0 must be 1 or more"):
        make(0)


@pytest.mark.parametrize(
    ("make", "state"),
    [(Sma, [6.0, 0.0, 1.0, 2.0, 3.0]), (Rsi, [3, 1.0, 0.0, 0.0, None]), (Atr, [3, 1.0, 1.0, 1.0]), (Sma, [])],
)
def test_a_state_of_another_period_is_refused(make: Any, state: list[Any]) -> None:
    with pytest.raises(ValueError, match=r"do not fit period 2|not enough values"):
        make.from_state(2, state)
