"""Which parameters are tried, how they are ranked, and how much of the best is luck."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.backtest.deflated import Moments
from brain.backtest.engine import run
from brain.backtest.search import (
    MOST,
    OBJECTIVES,
    Found,
    Range,
    Search,
    Trial,
    attempt,
    deflation,
    drawn,
    grid,
    read_space,
    tried,
    with_params,
)
from shared.clock import seeded
from shared.errors import Invalid
from tests.unit.brain.backtest.support import CROSS, plan, walk

PLAN = plan({"AAA": walk(7, 500)}, [CROSS])


def test_a_grid_has_every_combination_the_last_fastest() -> None:
    found = list(grid({"fast": Range(3, 9, 3), "stop_atr": Range(1.0, 1.5, 0.25)}))
    assert found[:4] == [
        {"fast": 3, "stop_atr": 1.0},
        {"fast": 3, "stop_atr": 1.25},
        {"fast": 3, "stop_atr": 1.5},
        {"fast": 6, "stop_atr": 1.0},
    ]
    assert len(found) == 9
    assert all(type(each["fast"]) is int for each in found)


def test_steps_are_written_short_and_whole_numbers_need_none() -> None:
    assert Range(0.1, 0.5, 0.1).values() == [0.1, 0.2, 0.3, 0.4, 0.5]
    assert Range(2, 5).values() == [2, 3, 4, 5]
    assert Range(1, 2, 0.5).values() == [1.0, 1.5, 2.0]
    with pytest.raises(Invalid, match="step"):
        Range(0.1, 0.5).values()


def test_a_grid_too_large_is_refused() -> None:
    with pytest.raises(Invalid, match=str(MOST)):
        grid({"fast": Range(1, 200), "slow": Range(201, 400)})


@given(seed=st.integers(0, 1000), count=st.integers(1, 30))
def test_draws_lie_within_differ_and_repeat_by_their_seed(seed: int, count: int) -> None:
    space = {"fast": Range(2, 20), "slow": Range(25, 100, 25), "stop_atr": Range(1.0, 3.0)}
    found = list(drawn(space, count, seeded(seed)))
    assert found == list(drawn(space, count, seeded(seed)))
    assert len({tuple(each.items()) for each in found}) == count
    for each in found:
        assert each["fast"] in range(2, 21)
        assert each["slow"] in (25, 50, 75, 100)
        assert 1.0 <= float(each["stop_atr"]) <= 3.0


def test_a_small_space_is_drawn_once_through() -> None:
    assert sorted(each["fast"] for each in drawn({"fast": Range(1, 4)}, 50, seeded(1))) == [1, 2, 3, 4]


@pytest.mark.parametrize("text", ["", "5", "1:2:3:4", "a:b", "9:1", "1:inf", "1:2:-1"])
def test_a_space_that_makes_no_sense_is_refused_by_name(text: str) -> None:
    with pytest.raises(Invalid, match="fast"):
        read_space({"fast": text})


def test_a_space_is_read() -> None:
    assert read_space({"fast": "3:9:2", "stop_atr": "1:2.5"}) == {"fast": Range(3, 9, 2), "stop_atr": Range(1, 2.5)}
    with pytest.raises(Invalid, match="space"):
        read_space({})


def test_each_try_is_a_backtest_and_the_best_comes_first() -> None:
    found = Search(PLAN).all(grid({"fast": Range(3, 9, 3), "slow": Range(12, 24, 6)}))
    values = [each.value for each in found.trials if each.value is not None]
    assert len(found.trials) == 9
    assert values == sorted(values, reverse=True)
    best = found.best
    assert best is not None
    alone = with_params(PLAN, best.params)
    assert tried(alone, best.params, "sharpe", run(alone)) == best
    assert best.trades > 3
    assert found.deflated is not None
    assert 0.0 <= found.deflated <= 1.0


def test_more_tries_leave_less_of_the_best() -> None:
    one = Moments(0.05, 0.0, 3.0, 2000)
    few = [Trial({}, 1.0, 9, one), *(Trial({}, 0.0, 9, one._replace(sharpe=at / 100)) for at in range(-2, 3))]
    many = [*few, *(Trial({}, 0.0, 9, one._replace(sharpe=at / 100)) for at in [-2, -1, 0, 1, 2] * 20)]
    alone, _ = deflation(few[:1])
    less, _ = deflation(few)
    least, _ = deflation(many)
    assert alone is not None
    assert less is not None
    assert least is not None
    assert alone > less > least


def test_what_the_strategy_does_not_take_is_counted_not_run() -> None:
    found = Search(PLAN).all([{"fast": 30, "slow": 20}, {"fast": 3, "slow": 9}, {"unknown": 1}])
    assert (len(found.trials), found.refused) == (1, 2)


def test_without_a_value_nothing_is_best() -> None:
    # too short to have traded
    short = plan({"AAA": walk(7, 15)}, [CROSS])
    found = Search(short).all([{"fast": 3}, {"fast": 4}])
    assert found.best is None
    assert (found.deflated, found.why) == (None, "no try had a value")
    assert Search(short).all([]) == Found("sharpe", [], 0, None, "no try had a value")


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_objective_is_a_metric(objective: str) -> None:
    trial = attempt({}, PLAN, objective)
    assert trial is not None
    assert trial.value is not None
    assert math.isfinite(trial.value)


def test_an_unknown_objective_and_two_strategies_are_refused() -> None:
    with pytest.raises(Invalid, match="objective"):
        attempt({}, PLAN, "luck")
    both = plan({"AAA": walk(7, 50)}, [CROSS, {"name": "rsi_reversion", "params": {}}])
    with pytest.raises(Invalid, match="strategies"):
        attempt({}, both)
