"""donchian_breakout, by scenario and by its definition."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from brain.strategies.donchian_breakout import DonchianBreakoutParams
from shared.model import Action, Side
from tests.unit.brain.strategies.scenes import DOWN, UP, actions, at_of, follow, made, market
from tests.unit.brain.support import bars

REST = [100.0, 101.0] * 5


def test_enters_on_the_first_close_above_the_channel_and_not_on_the_next_ones() -> None:
    [(at, idea)] = follow(made("donchian_breakout"), [*REST, 104.0, 105.0, 106.0])
    assert at == len(REST)
    assert (idea.action, idea.side, idea.reason) == (Action.ENTER, Side.BUY, "close_above_channel")
    assert idea.evidence["top"] == 101.0
    assert idea.stop_distance == 2.0 * idea.evidence["atr"]


def test_a_new_high_after_a_rest_is_a_new_entry() -> None:
    assert actions(made("donchian_breakout"), [*REST, 104.0, 103.5, 104.5]) == [Action.ENTER, Action.ENTER]


def test_exits_on_a_close_below_the_narrow_channel() -> None:
    _, (at, idea) = follow(made("donchian_breakout"), [*REST, 104.0, 104.0, 104.0, 104.0, 104.0, 103.0, 102.0])
    assert at == len(REST) + 5
    assert (idea.action, idea.side, idea.reason) == (Action.EXIT, Side.SELL, "close_below_channel")
    assert idea.evidence["bottom"] == 104.0
    assert idea.stop_distance is None


def test_a_high_that_is_not_held_to_the_close_is_no_breakout() -> None:
    spike = [bar._replace(high=110.0) if at == 10 else bar for at, bar in enumerate(bars([*REST, 100.0, 101.0]))]
    assert follow(made("donchian_breakout"), spike) == []


def test_a_touch_of_the_channel_is_no_breakout_and_a_fall_no_entry() -> None:
    assert actions(made("donchian_breakout"), [*REST, 101.0, 101.0]) == []
    assert actions(made("donchian_breakout"), [*UP, *DOWN]).count(Action.ENTER) == 1


def test_ideas_are_those_of_the_definition_bar_by_bar() -> None:
    rows = market(3, 600)
    above = [at >= 5 and rows[at].close > max(bar.high for bar in rows[at - 5 : at]) for at in range(600)]
    below = [at >= 5 and rows[at].close < min(bar.low for bar in rows[at - 3 : at]) for at in range(600)]
    said = follow(made("donchian_breakout"), rows)
    assert at_of(said, Action.ENTER) == [at for at in range(5, 600) if above[at] and not above[at - 1]]
    assert at_of(said, Action.EXIT) == [at for at in range(5, 600) if below[at] and not below[at - 1]]
    assert len(said) > 50


def test_the_way_out_may_be_as_wide_as_the_way_in_and_no_wider() -> None:
    assert DonchianBreakoutParams(entry=20, exit=20).exit == 20
    with pytest.raises(ValidationError, match="exit 21 must be at most entry 20"):
        DonchianBreakoutParams(entry=20, exit=21)


def test_says_nothing_until_channels_and_range_are_warm() -> None:
    assert actions(made("donchian_breakout", atr_period=40), [*REST, 104.0]) == []
    assert actions(made("donchian_breakout", entry=40), [*REST, 104.0]) == []
