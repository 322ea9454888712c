"""sma_cross, by scenario and by its definition."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from pydantic import ValidationError

from brain.registry import AnyStrategy
from brain.strategies.sma_cross import SmaCross, SmaCrossParams
from shared.model import Action, Side
from tests.unit.brain.strategies import naive
from tests.unit.brain.strategies.scenes import DOWN, UP, actions, at_of, follow, made
from tests.unit.brain.support import DAY_MS, prices, walk


def cross(**params: Any) -> AnyStrategy:
    return made("sma_cross", **params)


def test_enters_once_when_a_fall_turns_into_a_rise() -> None:
    [(at, idea)] = follow(cross(), DOWN + UP)
    assert at == len(DOWN) + 2
    assert (idea.action, idea.side, idea.reason) == (Action.ENTER, Side.BUY, "sma_crossed_above")
    assert idea.evidence["fast"] > idea.evidence["slow"]
    assert 0 < idea.score <= 1


def test_exits_when_the_rise_turns_again_and_asks_for_no_stop() -> None:
    entry, (_, idea) = follow(cross(), DOWN + UP + DOWN)
    assert entry[1].action is Action.ENTER
    assert (idea.action, idea.side, idea.reason) == (Action.EXIT, Side.SELL, "sma_crossed_below")
    assert idea.stop_distance is None
    assert idea.target_distance is None


def test_stop_and_target_stand_so_many_average_true_ranges_away() -> None:
    [(_, idea)] = follow(cross(stop_atr=1.5, target_atr=4.0), DOWN + UP)
    assert idea.stop_distance == 1.5 * idea.evidence["atr"]
    assert idea.target_distance == 4.0 * idea.evidence["atr"]


def test_has_no_target_unless_asked() -> None:
    [(_, idea)] = follow(cross(), DOWN + UP)
    assert idea.target_distance is None


def test_a_market_that_starts_in_a_rise_gives_no_entry() -> None:
    assert actions(cross(), UP) == []


def test_a_rise_out_of_a_market_that_never_moved_is_an_entry() -> None:
    assert actions(cross(), [100.0] * 10 + UP) == [Action.ENTER]


def test_averages_that_touch_and_part_on_the_same_side_do_not_cross() -> None:
    rise_rest_rise = [*UP, *[UP[-1]] * 10, *[price + 20.0 for price in UP]]
    assert actions(cross(), DOWN + rise_rest_rise) == [Action.ENTER]


@pytest.mark.parametrize("price", [28.33, 25.43, 763.01, 0.1, 1e-7])
def test_rounding_in_a_flat_market_is_no_cross(price: float) -> None:
    rise_and_rest = [price * 0.5, price * 0.6, price * 0.7, price * 0.8, price * 0.9, *[price] * 40]
    assert actions(cross(fast=3, slow=7), rise_and_rest) == []
    assert actions(cross(fast=3, slow=7), [price] * 60) == []


def test_says_nothing_until_the_average_true_range_is_warm() -> None:
    closes = [3.0, 2.0, 1.0, 1.0, 5.0, 6.0, 7.0]
    assert actions(cross(fast=1, slow=2, atr_period=2), closes) == [Action.ENTER]
    assert actions(cross(fast=1, slow=2, atr_period=6), closes) == []


def test_the_default_gives_a_reasonable_number_of_trades() -> None:
    found = actions(SmaCross(SmaCrossParams(), DAY_MS), walk(5, 2500))
    assert 60 <= found.count(Action.ENTER) <= 250
    assert abs(found.count(Action.ENTER) - found.count(Action.EXIT)) <= 1


@pytest.mark.parametrize(
    "params", [{"fast": 0}, {"fast": 20, "slow": 20}, {"slow": 401}, {"stop_atr": 0.0}, {"fast": 2.5}, {"x": 1}]
)
def test_parameters_out_of_bounds_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SmaCrossParams(**params)


@settings(deadline=None, max_examples=60)
@given(closes=prices())
def test_entries_and_exits_alternate(closes: list[float]) -> None:
    found = actions(cross(), closes)
    assert all(one is not other for one, other in pairwise(found))


def test_ideas_are_those_of_the_definition_bar_by_bar() -> None:
    closes = walk(9, 800)
    pairs = zip(naive.sma(closes, 2), naive.sma(closes, 4), strict=True)
    above = [None if fast is None or slow is None or fast == slow else fast > slow for fast, slow in pairs]
    said = follow(cross(), closes)
    assert at_of(said, Action.ENTER) == naive.changes(above, True)
    assert at_of(said, Action.EXIT) == naive.changes(above, False)
