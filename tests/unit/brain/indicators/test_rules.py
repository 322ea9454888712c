"""What single indicators promise: their own cases, where they differ from TA-Lib, what they forget."""

from __future__ import annotations

import math
from collections import deque
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.indicators import (
    Adx,
    Aroon,
    Bollinger,
    EfficiencyRatio,
    Ichimoku,
    Indicator,
    Kama,
    Keltner,
    LinearRegression,
    Macd,
    Mfi,
    Obv,
    ParabolicSar,
    Rsi,
    Sma,
    StdDev,
    Stochastic,
    StochRsi,
    SuperTrend,
    TrueRange,
    Vwap,
    Vwma,
    WilliamsR,
    ZScore,
    batch,
)
from tests.unit.brain.indicators.market import CASES, HOUR_MS, label, make, market, walk
from tests.unit.brain.indicators.reference import REFERENCE


def closes(indicator: Indicator, prices: list[float]) -> list[float]:
    return [indicator.update(price) for price in prices]


def test_sma_does_not_drift_in_200_000_updates() -> None:
    average, window = Sma(20), deque[float](maxlen=20)
    for price in walk(3, 200_000, start=1e9, step=0.001):
        average.update(price / 7.0)
        window.append(price / 7.0)
    assert average.value == pytest.approx(math.fsum(window) / 20, rel=1e-15)


@settings(deadline=None, max_examples=60)
@given(prices=st.lists(st.floats(1e-9, 1e15), min_size=1, max_size=60), period=st.integers(1, 20))
def test_sma_is_the_exact_mean_whatever_leaves_the_window(prices: list[float], period: int) -> None:
    for at, got in enumerate(closes(Sma(period), prices)):
        if at + 1 >= period:
            exact = sum(map(Fraction, prices[at + 1 - period : at + 1]), Fraction(0)) / period
            assert got == pytest.approx(float(exact), rel=1e-14)


def test_sma_forgets_a_spike_wholly() -> None:
    assert closes(Sma(3), [0.3, 0.7, 1e15, 0.1, 0.1, 0.1])[-1] == pytest.approx(0.1, rel=1e-15)


WINDOWS = [(name, chosen) for name, chosen in CASES if name in REFERENCE and name not in {"StochRsi", "Vwap"}]


@pytest.mark.parametrize(("name", "chosen"), WINDOWS, ids=label)
def test_what_left_the_window_leaves_nothing_behind(name: str, chosen: tuple[Any, ...]) -> None:
    calm = market(walk(41, 120))
    wild = {column: [*([1e15 if column != "open_time_ms" else 0] * 7), *values] for column, values in calm.items()}
    got, wanted = batch(make(name, chosen), wild), batch(make(name, chosen), calm)
    since = make(name, chosen).warmup
    for line, values in wanted.items():
        assert got[line][since + 7 :] == pytest.approx(values[since:], rel=1e-11, abs=1e-11), line


@pytest.mark.parametrize("price", [0.1, 28.33, 1e-7, 1e14 / 3.0])
def test_a_market_that_never_moved_is_neutral(price: float) -> None:
    flat = [price] * 60
    bars = [(price, price, price)] * 60
    assert set(closes(Rsi(3), flat)[3:]) == {50.0}
    assert set(closes(StochRsi(3, 3, 2), flat)[7:]) == {50.0}
    assert set(closes(EfficiencyRatio(3), flat)[3:]) == {0.0}
    assert set(closes(ZScore(7), flat)[6:]) == {0.0}
    assert set(closes(StdDev(7), flat)[6:]) == {0.0}
    stochastic, williams, flow = Stochastic(3, 2, 2), WilliamsR(3), Mfi(3)
    assert [stochastic.update(*bar) for bar in bars][-1] == pytest.approx(50.0)
    assert [williams.update(*bar) for bar in bars][-1] == -50.0
    assert [flow.update(*bar, 5.0) for bar in bars][-1] == 50.0
    bands, line = Bollinger(7), LinearRegression(7)
    closes(bands, flat)
    closes(line, flat)
    assert (bands.value, bands.upper, bands.lower, bands.percent_b, bands.width) == (price, price, price, 0.5, 0.0)
    assert (line.value, line.slope, line.r2) == (price, 0.0, 0.0)


def test_rsi_stays_where_it_is_while_nothing_moves_however_long() -> None:
    index = Rsi(2)
    before = closes(index, [10.0, 11.0, 10.5, 10.0])[-1]
    assert {index.update(10.0) for _ in range(5000)} == {before}


def test_rsi_is_100_when_all_rises_and_0_when_all_falls() -> None:
    assert closes(Rsi(3), [1.0, 2.0, 3.0, 4.0])[-1] == 100.0
    assert closes(Rsi(3), [4.0, 3.0, 2.0, 1.0])[-1] == 0.0


def test_adx_keeps_its_indicators_while_nothing_moves_however_long() -> None:
    index = Adx(2)
    for bar in zip(*(market(walk(5, 30))[name] for name in ("high", "low", "close")), strict=True):
        index.update(*bar)
    last = market(walk(5, 30))["close"][-1]
    index.update(last, last, last)
    before = (index.plus_di, index.minus_di)
    for _ in range(5000):
        index.update(last, last, last)
    assert (index.plus_di, index.minus_di) == before
    assert 0.0 <= index.value <= 100.0


def test_true_range_reaches_to_the_close_before_a_gap() -> None:
    ranges = TrueRange()
    assert math.isnan(ranges.update(11.0, 9.0, 10.0))
    assert ranges.update(15.0, 14.0, 14.5) == 5.0
    assert ranges.update(13.0, 12.0, 12.5) == 2.5


def test_macd_begins_both_averages_on_the_same_bar() -> None:
    cross = Macd(2, 4, 1)
    closes(cross, [1.0, 9.0, 5.0, 7.0])
    assert cross.value == 6.0 - 5.5
    assert (cross.signal, cross.histogram) == (0.5, 0.0)


def test_keltner_begins_both_averages_on_the_same_bar() -> None:
    channel = Keltner(2, 4, 1.0)
    for price in (50.0, 2.0, 2.0, 4.0, 6.0):
        channel.update(price, price, price)
    assert channel.value == 5.0
    assert channel.upper == 5.0 + (48.0 + 0.0 + 2.0 + 2.0) / 4


def test_kama_runs_after_a_price_that_stopped() -> None:
    average = Kama(2)
    closes(average, [10.0, 10.0, 12.0, 12.0])
    before = average.value
    average.update(12.0)
    assert average.value == pytest.approx(before + (12.0 - before) * (2 / 3) ** 2)


def test_kama_takes_its_own_speeds() -> None:
    prices = walk(6, 40)
    assert closes(Kama(5, 1, 1), prices)[5:] == pytest.approx(prices[5:])
    assert closes(Kama(5, 4, 20), prices)[-1] != closes(Kama(5), prices)[-1]


def test_aroon_counts_the_newest_of_equal_extremes() -> None:
    made = Aroon(4)
    for high, low in ((5.0, 1.0), (5.0, 1.0), (4.0, 2.0), (4.0, 2.0), (4.0, 2.0)):
        made.update(high, low)
    assert (made.value, made.up, made.down) == (0.0, 25.0, 25.0)


def test_super_trend_turns_with_a_close_beyond_its_band_and_never_retreats() -> None:
    columns = market(walk(7, 400, step=0.03))
    lines = batch(SuperTrend(5, 1.0), columns)
    for at in range(6, 400):
        direction, before = lines["direction"][at], lines["direction"][at - 1]
        if direction == before:
            assert (lines["value"][at] - lines["value"][at - 1]) * direction >= 0.0
        assert (columns["close"][at] - lines["value"][at]) * direction >= 0.0
    assert {1.0, -1.0} == set(lines["direction"][5:])


def test_parabolic_sar_stands_below_a_rise_and_above_a_fall() -> None:
    columns = market(walk(8, 400))
    lines = batch(ParabolicSar(), columns)
    for at in range(2, 400):
        if lines["direction"][at] > 0:
            assert lines["value"][at] <= columns["low"][at]
        else:
            assert lines["value"][at] >= columns["high"][at]
    assert {1.0, -1.0} == set(lines["direction"][1:])


def test_ichimoku_never_looks_ahead() -> None:
    columns = market(walk(9, 60))
    lines = batch(Ichimoku(2, 4, 7, 3), columns)
    assert lines["span_a"][12:] == lines["lead_a"][9:-3]
    assert lines["span_b"][12:] == lines["lead_b"][9:-3]


def test_obv_does_not_drift() -> None:
    balance = Obv()
    balance.update(1.0, 1e15)
    for at in range(30_000):
        balance.update(2.0 + at, 0.1)
    assert balance.value == pytest.approx(1e15 + 3000.0, rel=1e-16)


def test_bars_that_did_not_trade_weigh_nothing() -> None:
    average = Vwma(2)
    assert [average.update(*bar) for bar in ((5.0, 0.5), (6.0, 0.25), (7.0, 0.0), (8.0, 0.0))][2:] == [6.0, 8.0]


def test_vwap_begins_anew_with_each_session() -> None:
    average = Vwap(4 * HOUR_MS, HOUR_MS)
    bars = [(float(price), 1.0, hour) for hour, price in enumerate((3, 9, 3, 6, 6, 12, 24))]
    got = [average.update(price, price, price, volume, hour * HOUR_MS) for price, volume, hour in bars]
    assert got == [3.0, 9.0, 6.0, 6.0, 6.0, 12.0, 18.0]


def test_vwap_is_the_typical_price_until_something_traded() -> None:
    average = Vwap()
    assert average.update(9.0, 3.0, 6.0, 0.0, 0) == 6.0
    assert average.update(5.0, 2.0, 2.0, 4.0, HOUR_MS) == 3.0


@pytest.mark.parametrize("kind", ["rise", "fall"])
def test_a_straight_line_is_its_own_regression(kind: str) -> None:
    line = LinearRegression(9)
    closes(line, [500.0 + (at if kind == "rise" else -at) * 0.5 for at in range(40)])
    assert line.slope == pytest.approx(0.5 if kind == "rise" else -0.5, rel=1e-12)
    assert line.r2 == pytest.approx(1.0, rel=1e-12)
    assert line.value == pytest.approx(500.0 + 39 * line.slope, rel=1e-12)


def test_rounding_moves_no_money() -> None:
    flow = Mfi(2)
    for bar in ((2.0, 2.0, 2.0), (30.01, 29.7, 29.94), (29.99, 29.75, 29.91)):
        flow.update(*bar, 10.0)
    assert flow.value == 100.0
    flow.update(2.0, 2.0, 2.0, 10.0)
    assert flow.value == 0.0
