"""Formulas stand where they are worked out: every metric says its unit and its formula, every indicator how it begins."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable
from typing import Any

import pytest

from brain.backtest.metrics import drawdown, growth, report, results, tail
from brain.backtest.metrics.report import Metrics
from brain.backtest.trade import ClosedTrade
from brain.indicators import INDICATORS
from tests.unit.brain.indicators.market import SETTINGS, make, market, run, walk

METRICS: dict[str, Callable[..., Any]] = {
    "total_return": growth.total_return,
    "cagr": growth.cagr,
    "volatility": growth.volatility,
    "sharpe": growth.sharpe,
    "sortino": growth.sortino,
    "calmar": growth.calmar,
    "max_drawdown": drawdown.deepest,
    "value_at_risk": tail.value_at_risk,
    "expected_shortfall": tail.expected_shortfall,
    "profit_factor": results.profit_factor,
    "expectancy": results.expectancy,
    "win_rate": results.win_rate,
    "sqn": results.quality,
    "kelly": results.kelly,
    "turnover": report._turnover,
    "held_return": growth.held_return,
}
SHAPES: dict[str, tuple[type, ...]] = {"max_drawdown": (drawdown.Drawdown,)}
"""What else says it: the shape of the answer."""
UNITS = re.compile(r"fraction|ratio|annualised|share|money|how often|mean loss|of the trades", re.IGNORECASE)
FORMULA = re.compile(r"`[^`]*[-+*/][^`]*`| over | mean | percentile|average| times |share of", re.IGNORECASE)
LIVED = {"Obv": "first bar", "Vwap": "session", "Natr": "atr"}
"""What they begin with where it is no seed of a recursion of their own."""
LONG = market(walk(1, 140))
LATE = 30


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_says_its_unit_and_its_formula(name: str) -> None:
    words = " ".join(inspect.getdoc(each) or "" for each in (METRICS[name], *SHAPES.get(name, ())))
    assert UNITS.search(words), f"{name}: in which unit?"
    assert FORMULA.search(words), f"{name}: by which formula?"


def test_every_metric_is_looked_at() -> None:
    """But counts, times and what is only a mean of the trades' own, whose units ClosedTrade and Metrics tell."""
    counted = {"bars", "trades", "exposure", "average_mae", "average_mfe", "fees", "undefined"}
    timed = {name for name in Metrics._fields if "drawdown_" in name} - {"max_drawdown"}
    assert set(Metrics._fields) - counted - timed == set(METRICS)
    for word in ("`mae` and `mfe`", "currency", "milliseconds"):
        assert word in (ClosedTrade.__doc__ or "")
    assert "fractions" in (Metrics.__doc__ or "")


def depends_on_its_beginning(name: str) -> bool:
    """Whether a series that begins later still gives other numbers once it is warm."""
    chosen = SETTINGS[name][0]
    whole = run(name, chosen, LONG)
    late = run(name, chosen, {column: values[LATE:] for column, values in LONG.items()})
    begin = make(name, chosen).warmup
    return any(
        not math.isclose(one, other, rel_tol=1e-12, abs_tol=1e-12)
        for line in whole
        for one, other in zip(whole[line][LATE + begin :], late[line][begin:], strict=True)
    )


@pytest.mark.parametrize("name", INDICATORS)
def test_an_indicator_that_depends_on_its_beginning_says_how_it_begins(name: str) -> None:
    if depends_on_its_beginning(name):
        assert LIVED.get(name, "Seed") in (inspect.getdoc(INDICATORS[name]) or "")
    else:
        assert name not in LIVED
