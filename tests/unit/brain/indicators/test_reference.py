"""The indicators against their formulas, written down anew: where TA-Lib has none, rounds or differs on purpose."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.indicators import INDICATORS
from tests.unit.brain.indicators.market import (
    CALM,
    CASES,
    ROUGH,
    Columns,
    label,
    markets,
    near,
    run,
)
from tests.unit.brain.indicators.reference import REFERENCE, formula

JUDGED = [(name, chosen) for name, chosen in CASES if name in REFERENCE]
PRICES = {"Wma", "Hma", "LinearRegression", "Bollinger", "StdDev"}
SHARES = {"Cci": 1e-12, "ZScore": 1e-14, "percent_b": 1e-14, "width": 1e-14, "r2": 1e-14}
RECURSIVE = {
    *("Ema", "Dema", "Tema", "Kama", "Rsi", "Macd", "TrueRange", "Atr", "Natr", "Keltner", "Adx", "SuperTrend"),
    *("ParabolicSar", "Obv", "Mom", "Roc"),
}
"""They have no window, or are their formula: TA-Lib is enough for them."""


def floor(name: str, columns: Columns, at: int, bars: int) -> float:
    """What doubles can tell of numbers in this window: some roundings of the largest, of shares some of theirs."""
    closes = columns["close"][max(0, at + 1 - bars) : at + 1]
    if name in PRICES:
        return 1e-14 * max(closes)
    if name in SHARES:  # the mean's rounding, over how far the prices lie apart
        wide = max(closes) - min(closes)
        return 1e-9 + SHARES[name] * max(closes) / wide if wide else 1e-9
    return 1e-9 if name == "StochRsi" else 1e-12


def judge(name: str, chosen: tuple[Any, ...], columns: Columns) -> None:
    got, wanted = run(name, chosen, columns), formula(name, chosen, columns)
    bars = INDICATORS[name](*chosen).warmup
    for line, values in wanted.items():
        for at, value in enumerate(values):
            small = floor(line if line in SHARES else name, columns, at, bars)
            assert near(got[line][at], value, small), (line, at, got[line][at], value)


def test_every_indicator_is_judged_by_something() -> None:
    assert set(REFERENCE) | RECURSIVE == set(INDICATORS)
    assert not set(REFERENCE) & RECURSIVE


@pytest.mark.parametrize(("name", "chosen"), JUDGED, ids=label)
def test_is_its_formula(name: str, chosen: tuple[Any, ...]) -> None:
    for columns in (CALM | ROUGH).values():
        judge(name, chosen, {column: values[:130] for column, values in columns.items()})


@settings(deadline=None, max_examples=150)
@given(columns=markets(most=45), case=st.sampled_from(JUDGED))
def test_is_its_formula_on_any_market(columns: Columns, case: tuple[str, tuple[Any, ...]]) -> None:
    judge(*case, columns)
