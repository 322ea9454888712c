"""regression_trend, by scenario and by its definition."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from brain.strategies.regression_trend import RegressionTrendParams
from shared.model import Action, Side
from tests.unit.brain.strategies import naive
from tests.unit.brain.strategies.scenes import DOWN, UP, actions, at_of, follow, made, market

REST = [100.0, 103.0, 99.0, 102.0, 98.0, 101.0, 100.0, 103.0, 99.0, 102.0]


def test_enters_when_a_rising_line_fits() -> None:
    (at, idea), *_ = follow(made("regression_trend"), REST + UP)
    assert at > len(REST)
    assert (idea.action, idea.side, idea.reason) == (Action.ENTER, Side.BUY, "line_rises_and_fits")
    assert idea.evidence["slope"] > 0.0
    assert idea.score == idea.evidence["r2"] >= 0.6
    assert idea.stop_distance == 2.0 * idea.evidence["atr"]


def test_exits_once_when_the_line_no_longer_rises() -> None:
    _, (_, idea) = follow(made("regression_trend"), DOWN + UP + DOWN)
    assert (idea.action, idea.side, idea.reason) == (Action.EXIT, Side.SELL, "line_no_longer_rises_or_fits")


def test_a_fall_that_fits_as_well_is_no_entry() -> None:
    assert actions(made("regression_trend"), REST + [100.0 - at for at in range(20)]) == []


def test_a_rise_that_fits_badly_is_no_entry() -> None:
    shaken = [100.0 + 0.3 * at + (4.0 if at % 2 else -4.0) for at in range(40)]
    assert actions(made("regression_trend"), shaken) == []


def test_a_market_that_begins_in_a_trend_gives_no_entry() -> None:
    assert actions(made("regression_trend"), UP) == []


@pytest.mark.parametrize("params", [{"enter_r2": 0.3}, {"period": 4}, {"exit_r2": -0.1}])
def test_parameters_out_of_bounds_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RegressionTrendParams(**params)


def test_ideas_are_those_of_the_definition_bar_by_bar() -> None:
    rows = market(8, 700)
    closes = [bar.close for bar in rows]
    flags: list[bool | None] = []
    for fitted in naive.rolling(closes, 6, naive.fit):
        if fitted is None:
            flags.append(None)
            continue
        slope, r2 = fitted
        flags.append(slope > 0.0 and r2 >= (0.3 if flags[-1] else 0.6))
    said = follow(made("regression_trend"), rows)
    assert at_of(said, Action.ENTER) == naive.changes(flags, True)
    assert at_of(said, Action.EXIT) == naive.changes(flags, False)
    assert len(said) > 50


def test_a_line_that_neither_rises_nor_falls_ends_a_trend_whatever_the_fit_must_be() -> None:
    entry, exit_ = follow(made("regression_trend", exit_r2=0.0), [*REST, *UP, *[120.0] * 10])
    assert (entry[1].action, exit_[1].action, exit_[1].score) == (Action.ENTER, Action.EXIT, 1.0)
    assert exit_[1].evidence["slope"] == 0.0
