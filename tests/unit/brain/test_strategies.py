"""The two strategies, by scenario."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from brain.bar import Idea
from brain.indicators import Rsi, Sma
from brain.registry import STRATEGIES, AnyStrategy
from brain.strategies.rsi_reversion import RsiReversion, RsiReversionParams
from brain.strategies.sma_cross import SmaCross, SmaCrossParams
from shared.model import Action, Side
from tests.unit.brain.support import bars, prices, walk

DOWN = [float(price) for price in range(120, 100, -1)]
UP = [float(price) for price in range(101, 121)]


def cross(**params: Any) -> SmaCross:
    return SmaCross(SmaCrossParams.of(**{"fast": 2, "slow": 4, "atr_period": 3, **params}))


def reversion(**params: Any) -> RsiReversion:
    return RsiReversion(RsiReversionParams.of(**{"period": 3, "atr_period": 3, **params}))


def follow(strategy: AnyStrategy, closes: list[float]) -> list[tuple[int, Idea]]:
    ideas = [(at, strategy.on_bar(bar)) for at, bar in enumerate(bars(closes))]
    return [(at, idea) for at, idea in ideas if idea]


def actions(strategy: AnyStrategy, closes: list[float]) -> list[Action]:
    return [idea.action for _, idea in follow(strategy, closes)]


class TestSmaCross:
    def test_enters_once_when_a_fall_turns_into_a_rise(self) -> None:
        [(at, idea)] = follow(cross(), DOWN + UP)
        assert at == len(DOWN) + 2
        assert (idea.action, idea.side, idea.reason) == (Action.ENTER, Side.BUY, "sma_crossed_above")
        assert idea.evidence["fast"] > idea.evidence["slow"]
        assert 0 < idea.score <= 1

    def test_exits_when_the_rise_turns_again_and_asks_for_no_stop(self) -> None:
        entry, (_, idea) = follow(cross(), DOWN + UP + DOWN)
        assert entry[1].action is Action.ENTER
        assert (idea.action, idea.side, idea.reason) == (Action.EXIT, Side.SELL, "sma_crossed_below")
        assert idea.stop_distance is None
        assert idea.target_distance is None

    def test_stop_and_target_stand_so_many_average_true_ranges_away(self) -> None:
        [(_, idea)] = follow(cross(stop_atr=1.5, target_atr=4.0), DOWN + UP)
        assert idea.stop_distance == 1.5 * idea.evidence["atr"]
        assert idea.target_distance == 4.0 * idea.evidence["atr"]

    def test_has_no_target_unless_asked(self) -> None:
        [(_, idea)] = follow(cross(), DOWN + UP)
        assert idea.target_distance is None

    def test_a_market_that_starts_in_a_rise_gives_no_entry(self) -> None:
        assert actions(cross(), UP) == []

    def test_a_rise_out_of_a_market_that_never_moved_is_an_entry(self) -> None:
        assert actions(cross(), [100.0] * 10 + UP) == [Action.ENTER]

    def test_averages_that_touch_and_part_on_the_same_side_do_not_cross(self) -> None:
        rise_rest_rise = [*UP, *[UP[-1]] * 10, *[price + 20.0 for price in UP]]
        assert actions(cross(), DOWN + rise_rest_rise) == [Action.ENTER]

    @pytest.mark.parametrize("price", [28.33, 25.43, 763.01, 0.1, 1e-7])
    def test_rounding_in_a_flat_market_is_no_cross(self, price: float) -> None:
        rise_and_rest = [price * 0.5, price * 0.6, price * 0.7, price * 0.8, price * 0.9, *[price] * 40]
        assert actions(cross(fast=3, slow=7), rise_and_rest) == []
        assert actions(cross(fast=3, slow=7), [price] * 60) == []

    def test_says_nothing_until_the_average_true_range_is_warm(self) -> None:
        closes = [3.0, 2.0, 1.0, 1.0, 5.0, 6.0, 7.0]
        assert actions(cross(fast=1, slow=2, atr_period=2), closes) == [Action.ENTER]
        assert actions(cross(fast=1, slow=2, atr_period=6), closes) == []

    def test_the_default_gives_a_reasonable_number_of_trades(self) -> None:
        found = actions(SmaCross(SmaCrossParams()), walk(5, 2500))
        assert 60 <= found.count(Action.ENTER) <= 250
        assert abs(found.count(Action.ENTER) - found.count(Action.EXIT)) <= 1

    @pytest.mark.parametrize(
        "params", [{"fast": 0}, {"fast": 20, "slow": 20}, {"slow": 401}, {"stop_atr": 0.0}, {"fast": 2.5}, {"x": 1}]
    )
    def test_parameters_out_of_bounds_are_refused(self, params: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            SmaCrossParams(**params)

    @settings(deadline=None, max_examples=60)
    @given(closes=prices())
    def test_entries_and_exits_alternate(self, closes: list[float]) -> None:
        found = actions(cross(), closes)
        assert all(one is not other for one, other in pairwise(found))


class TestRsiReversion:
    def test_enters_when_the_index_rises_out_of_the_oversold_zone(self) -> None:
        at, idea = follow(reversion(), [*DOWN, 102.5])[0]
        assert at == len(DOWN)
        assert (idea.action, idea.side, idea.reason) == (Action.ENTER, Side.BUY, "rsi_left_oversold")
        assert idea.evidence["rsi_before"] <= 35.0 < idea.evidence["rsi"]
        assert idea.stop_distance == 2.5 * idea.evidence["atr"]
        assert idea.target_distance is None
        assert idea.score == 1.0

    def test_exits_when_the_index_rises_above_the_exit_level(self) -> None:
        entry, (_, idea) = follow(reversion(), [*DOWN, 102.5, 104.0])
        assert entry[1].action is Action.ENTER
        assert (idea.action, idea.side, idea.reason) == (Action.EXIT, Side.SELL, "rsi_above_exit_level")
        assert idea.evidence["rsi_before"] <= 55.0 < idea.evidence["rsi"]
        assert idea.stop_distance is None
        assert 0 < idea.score <= 1

    def test_a_target_stands_so_many_average_true_ranges_away(self) -> None:
        _, idea = follow(reversion(target_atr=3.0), [*DOWN, 102.5])[0]
        assert idea.target_distance == 3.0 * idea.evidence["atr"]

    def test_a_bar_that_jumps_over_both_levels_is_only_an_exit(self) -> None:
        assert actions(reversion(), [*DOWN, 115.0]) == [Action.EXIT]

    def test_an_index_that_stood_exactly_on_the_level_rises_out_of_it(self) -> None:
        closes = [10.0, 9.0, 10.0, 10.5]
        assert [at for at, _ in follow(reversion(period=2, atr_period=1, oversold=50.0, exit_level=99.0), closes)] == [
            3
        ]

    def test_does_not_buy_while_it_still_falls(self) -> None:
        assert actions(reversion(), DOWN) == []

    def test_a_flat_market_is_never_oversold(self) -> None:
        assert actions(reversion(), [100.0] * 40) == []

    def test_standing_still_in_the_zone_is_no_entry(self) -> None:
        assert actions(reversion(), [*DOWN, *[DOWN[-1]] * 20_000]) == []

    def test_says_nothing_until_the_average_true_range_is_warm(self) -> None:
        assert actions(reversion(atr_period=40), [*DOWN, *UP]) == []

    def test_the_default_gives_a_reasonable_number_of_trades(self) -> None:
        found = actions(RsiReversion(RsiReversionParams()), walk(5, 2500))
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
    def test_parameters_out_of_bounds_are_refused(self, params: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            RsiReversionParams(**params)


QUICK: dict[str, Callable[[], AnyStrategy]] = {"sma_cross": cross, "rsi_reversion": reversion}


@pytest.mark.parametrize("name", STRATEGIES)
def test_no_idea_comes_before_the_declared_warmup(name: str) -> None:
    first = []
    for seed in range(60):
        strategy = STRATEGIES[name](STRATEGIES[name].params_model())
        first += [at + 1 for at, _ in follow(strategy, walk(seed, 60))[:1]]
    assert min(first) == strategy.warmup_bars


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_state_of_another_shape_is_refused(name: str) -> None:
    strategy = STRATEGIES[name](STRATEGIES[name].params_model())
    wrong: list[Any] = [[], [[], [], [], None], [None] * len(strategy.state()), [1, 2]]
    for state in wrong:
        with pytest.raises((ValueError, TypeError)):
            strategy.restore(state)


def test_a_cross_state_on_an_impossible_side_is_refused() -> None:
    state = cross().state()
    with pytest.raises(ValueError, match="side 2"):
        cross().restore([*state[:-1], 2])


@settings(deadline=None, max_examples=60)
@given(closes=prices(), at=st.integers(0, 60), name=st.sampled_from(sorted(QUICK)))
def test_restored_at_any_bar_it_has_the_same_ideas(closes: list[float], at: int, name: str) -> None:
    whole, before, after = QUICK[name](), QUICK[name](), QUICK[name]()
    wanted = [whole.on_bar(bar) for bar in bars(closes)]
    got = [before.on_bar(bar) for bar in bars(closes)[:at]]
    after.restore(json.loads(json.dumps(before.state(), allow_nan=False)))
    got += [after.on_bar(bar) for bar in bars(closes)[at:]]
    assert got == wanted
    assert after.state() == whole.state()


def test_ideas_are_those_of_the_definition_bar_by_bar() -> None:
    closes = walk(9, 800)
    fast, slow, index = Sma(2), Sma(4), Rsi(3)
    gaps = [fast.update(close) - slow.update(close) for close in closes]
    levels = [index.update(close) for close in closes]
    crossed = [at for at in range(5, 800) if gaps[at - 1] * gaps[at] < 0]
    assert [at for at, _ in follow(cross(), closes)] == crossed
    left = [at for at in range(4, 800) if levels[at - 1] <= 55 < levels[at] or levels[at - 1] <= 35 < levels[at]]
    assert [at for at, _ in follow(reversion(), closes)] == left
