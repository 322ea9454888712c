"""rsi_reversion, by scenario and by its definition."""

from __future__ import annotations

import math
from typing import Any

import pytest
from pydantic import ValidationError

from brain.registry import AnyStrategy
from brain.strategies.rsi_reversion import RsiReversion, RsiReversionParams
from shared.model import Action, Side
from tests.unit.brain.strategies import naive
from tests.unit.brain.strategies.scenes import DOWN, UP, actions, at_of, follow, made
from tests.unit.brain.support import DAY_MS, walk


def reversion(**params: Any) -> AnyStrategy:
    return made("rsi_reversion", **{"target_atr": 0.0, **params})


def test_enters_when_the_index_rises_out_of_the_oversold_zone() -> None:
    at, idea = follow(reversion(), [*DOWN, 102.5])[0]
    assert at == len(DOWN)
    assert (idea.action, idea.side, idea.reason) == (Action.ENTER, Side.BUY, "rsi_left_oversold")
    assert idea.evidence["rsi_before"] <= 35.0 < idea.evidence["rsi"]
    assert idea.stop_distance == 2.5 * idea.evidence["atr"]
    assert idea.target_distance is None
    assert idea.score == 1.0


def test_exits_when_the_index_rises_above_the_exit_level() -> None:
    entry, (_, idea) = follow(reversion(), [*DOWN, 102.5, 104.0])
    assert entry[1].action is Action.ENTER
    assert (idea.action, idea.side, idea.reason) == (Action.EXIT, Side.SELL, "rsi_above_exit_level")
    assert idea.evidence["rsi_before"] <= 55.0 < idea.evidence["rsi"]
    assert idea.stop_distance is None
    assert 0 < idea.score <= 1


def test_a_target_stands_so_many_average_true_ranges_away() -> None:
    _, idea = follow(reversion(target_atr=3.0), [*DOWN, 102.5])[0]
    assert idea.target_distance == 3.0 * idea.evidence["atr"]


def test_a_bar_that_jumps_over_both_levels_is_only_an_exit() -> None:
    assert actions(reversion(), [*DOWN, 115.0]) == [Action.EXIT]


def test_an_index_that_stood_exactly_on_the_level_rises_out_of_it() -> None:
    closes = [10.0, 9.0, 10.0, 10.5]
    assert [at for at, _ in follow(reversion(period=2, atr_period=1, oversold=50.0, exit_level=99.0), closes)] == [3]


def test_does_not_buy_while_it_still_falls() -> None:
    assert actions(reversion(), DOWN) == []


def test_a_flat_market_is_never_oversold() -> None:
    assert actions(reversion(), [100.0] * 40) == []


def test_standing_still_in_the_zone_is_no_entry() -> None:
    assert actions(reversion(), [*DOWN, *[DOWN[-1]] * 20_000]) == []


def test_says_nothing_until_the_average_true_range_is_warm() -> None:
    assert actions(reversion(atr_period=40), [*DOWN, *UP]) == []


def test_the_default_gives_a_reasonable_number_of_trades() -> None:
    found = actions(RsiReversion(RsiReversionParams(), DAY_MS), walk(5, 2500))
    assert 20 <= found.count(Action.ENTER) <= 250


@pytest.mark.parametrize(
    "params",
    [
        {"period": 1},
        {"oversold": 60.0, "exit_level": 60.0},
        {"oversold": math.nan},
        {"exit_level": 100.0},
        {"stop": 1},
    ],
)
def test_parameters_out_of_bounds_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RsiReversionParams(**params)


def test_ideas_are_those_of_the_definition_bar_by_bar() -> None:
    closes = walk(9, 800)
    index = naive.rsi(closes, 3)
    steps = [(at, index[at - 1], index[at]) for at in range(4, 800)]
    rose = {level: [at for at, before, now in steps if before <= level < now] for level in (35.0, 55.0)}
    said = follow(reversion(), closes)
    assert at_of(said, Action.EXIT) == rose[55.0]
    assert at_of(said, Action.ENTER) == [at for at in rose[35.0] if at not in rose[55.0]]
