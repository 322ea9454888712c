"""The indicators against TA-Lib itself: natively only; test_vectors.py replays what it said everywhere."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.indicators import INDICATORS, Highest, Lowest, Rsi, batch
from tests.unit.brain.indicators.market import CALM, CASES, ROUGH, Columns, Lines, label, markets, near, run

pytestmark = pytest.mark.oracle
pytest.importorskip("talib", reason="TA-Lib only runs natively")

from tests.unit.brain.indicators.make_vectors import PATH, vectors  # noqa: E402 - they need TA-Lib
from tests.unit.brain.indicators.talib_says import SAYS, says  # noqa: E402

ONE_SESSION = 10**15
COMPARED = [(name, chosen) for name, chosen in CASES if name in SAYS]
PERCENT = {"Rsi", "Roc", "EfficiencyRatio", "Stochastic", "StochRsi", "WilliamsR", "Natr", "Adx", "Aroon", "Mfi", "Cmf"}
CANCELS = {"StdDev": ("value",), "Bollinger": ("upper", "lower", "percent_b", "width"), "LinearRegression": ("r2",)}
"""Lines that TA-Lib takes from a mean of squares less a squared mean: on rough markets test_reference.py judges them."""
ROUNDED = {"LinearRegression": 1e-12}
"""It sums prices times places from scratch, so it loses more; test_reference.py asks for 1e-14."""
SHARES = {"percent_b", "width", "r2"}

Judged = Callable[[Columns, tuple[Any, ...]], list[bool]]


def every_bar(judge: Callable[[Columns, tuple[Any, ...], int], bool]) -> Judged:
    return lambda columns, chosen: [judge(columns, chosen, at) for at in range(len(columns["close"]))]


def last(column: list[float], at: int, bars: int) -> list[float]:
    return column[max(0, at + 1 - bars) : at + 1]


def span(columns: Columns, at: int, bars: int) -> float:
    """Highest high less lowest low."""
    return max(last(columns["high"], at, bars)) - min(last(columns["low"], at, bars))


def flowed(columns: Columns, chosen: tuple[Any, ...]) -> list[bool]:
    """Something did, and no rounding looked like a move."""
    typical = [sum(bar) / 3.0 for bar in zip(columns["high"], columns["low"], columns["close"], strict=True)]
    steps = [abs(now - before) / now for before, now in pairwise(typical)]
    moved = [False, *(step > 0.0 for step in steps)]
    doubtful = [False, *(0.0 < step < 1e-12 for step in steps)]
    return [
        any(moved[bar] and columns["volume"][bar] > 0.0 for bar in window) and not any(doubtful[bar] for bar in window)
        for window in (range(max(0, at + 1 - chosen[0]), at + 1) for at in range(len(typical)))
    ]


def index_moved(columns: Columns, chosen: tuple[Any, ...]) -> list[bool]:
    """The relative strength index moved by more than rounding in every window behind `d`."""
    period, window, signal = chosen
    index = batch(Rsi(period), columns)["value"]
    wide = [max(last(index, at, window)) - min(last(index, at, window)) > 1e-3 for at in range(len(index))]
    return [all(wide[max(0, at + 1 - signal) : at + 1]) for at in range(len(wide))]


def closes_differ(columns: Columns, at: int, bars: int) -> bool:
    return len(set(last(columns["close"], at, bars))) > 1


def traded(columns: Columns, at: int, bars: int) -> bool:
    return any(last(columns["volume"], at, bars))


DIFFERENT: dict[str, Judged] = {
    "Rsi": every_bar(lambda columns, chosen, at: closes_differ(columns, at, at + 1)),
    "EfficiencyRatio": every_bar(lambda columns, chosen, at: closes_differ(columns, at, chosen[0] + 1)),
    "Stochastic": every_bar(
        lambda columns, chosen, at: all(
            span(columns, at - back, chosen[0]) > 0.0 for back in range(min(at + 1, chosen[1] + chosen[2] - 1))
        )
    ),
    "StochRsi": index_moved,
    "WilliamsR": every_bar(lambda columns, chosen, at: span(columns, at, chosen[0]) > 0.0),
    "Mfi": flowed,
    "Vwma": every_bar(lambda columns, chosen, at: traded(columns, at, chosen[0])),
    "Cmf": every_bar(lambda columns, chosen, at: traded(columns, at, chosen[0])),
    "Vwap": every_bar(lambda columns, chosen, at: traded(columns, at, at + 1)),
    "Bollinger": every_bar(lambda columns, chosen, at: closes_differ(columns, at, chosen[0])),
}
"""Where ours differs on purpose: of every bar, whether it is to be equal. What it is then: test_reference.py, test_rules.py."""


def ours(name: str, chosen: tuple[Any, ...], columns: Columns) -> Lines:
    return run(name, (ONE_SESSION,) if name == "Vwap" else chosen, columns)


def compare(name: str, chosen: tuple[Any, ...], columns: Columns, rough: bool) -> None:
    """To 1e-9 of the number; below that, to what TA-Lib's running sums lose of the largest price or volume."""
    got = ours(name, chosen, columns)
    wanted = says(name, () if name == "Vwap" else chosen, columns, INDICATORS[name].lines)
    judged = DIFFERENT[name](columns, chosen) if name in DIFFERENT else [True] * len(columns["close"])
    largest = max(columns["volume" if name == "Obv" else "high"], default=0.0)
    for line, values in wanted.items():
        if rough and line in CANCELS.get(name, ()):
            continue
        floor = 1e-9 if name in PERCENT or line in SHARES else ROUNDED.get(name, 1e-13) * largest
        for at, value in enumerate(values):
            if name == "Cci":
                floor = 1e-12 * largest / (span(columns, at, chosen[0]) or 1.0)
            elif line == "r2":
                closes = last(columns["close"], at, chosen[0])
                floor = 1e-13 * (largest / (max(closes) - min(closes) or 1.0)) ** 2
            if judged[at] or math.isnan(got[line][at]):
                assert near(got[line][at], value, floor), (line, at, got[line][at], value)


def test_the_frozen_vectors_are_what_ta_lib_says_now() -> None:
    assert json.loads(PATH.read_text()) == json.loads(json.dumps(vectors()))


@pytest.mark.parametrize("kind", [*CALM, *ROUGH])
@pytest.mark.parametrize(("name", "chosen"), COMPARED, ids=label)
def test_equals_ta_lib(name: str, chosen: tuple[Any, ...], kind: str) -> None:
    compare(name, chosen, (CALM | ROUGH)[kind], kind in ROUGH)


@settings(deadline=None, max_examples=400)
@given(columns=markets(), case=st.sampled_from(COMPARED))
def test_equals_ta_lib_on_any_market(columns: Columns, case: tuple[str, tuple[Any, ...]]) -> None:
    compare(*case, columns, rough=True)


@cache
def recorded(symbol: str) -> Columns:
    from tools.replay.series import RecordedSeries
    from tools.replay.sources.us import us_market

    series = us_market().series[symbol, "1d"]
    assert isinstance(series, RecordedSeries)
    names = ("open_time_ms", "open", "high", "low", "close", "volume")
    return {name: [float(bar[place]) for bar in series.bars[-1000:]] for place, name in enumerate(names)}


@pytest.mark.native
@pytest.mark.parametrize("symbol", ["AAPL", "SPX"])
@pytest.mark.parametrize(("name", "chosen"), COMPARED, ids=label)
def test_equals_ta_lib_on_recorded_bars(name: str, chosen: tuple[Any, ...], symbol: str) -> None:
    compare(name, chosen, recorded(symbol), rough=False)


@pytest.mark.parametrize("name", ["Highest", "Lowest"])
def test_ages_are_those_of_ta_lib(name: str) -> None:
    import numpy as np
    import talib

    column = [float(price) for price in (3, 1, 2, 2, 5, 5, 1, 1, 4, 9, 9, 8, 7, 6, 5, 5)]
    made = Highest(4) if name == "Highest" else Lowest(4)
    newest = []
    for at, price in enumerate(column):
        made.update(price)
        newest.append(column[at - int(made.age)] if at >= 3 else 0.0)
    index = (talib.MAXINDEX if name == "Highest" else talib.MININDEX)(np.array(column), 4)
    assert newest[3:] == [column[place] for place in index[3:]]
