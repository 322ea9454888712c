"""frame_pullback, by scenario and by its definition."""

from __future__ import annotations

from shared.model import Action, Side
from tests.unit.brain.strategies import naive
from tests.unit.brain.strategies.scenes import actions, at_of, follow, made, market

RISE = [100.0 + 2.0 * at for at in range(14)]
"""Long bars of three: the newest that closed by then did so on 122."""


def test_enters_when_a_pullback_in_a_rise_ends() -> None:
    [(at, idea)] = follow(made("frame_pullback"), [*RISE, 122.0, 119.0, 121.0, 124.0])
    assert at == len(RISE) + 2
    assert (idea.action, idea.side, idea.reason) == (Action.ENTER, Side.BUY, "pullback_ended_in_trend")
    assert idea.evidence["long_close"] > idea.evidence["long_mean"]
    assert idea.evidence["rsi_before"] <= 35.0 < idea.evidence["rsi"]
    assert idea.stop_distance == 2.0 * idea.evidence["atr"]


def test_the_same_pullback_in_a_fall_is_no_entry() -> None:
    fall = [200.0 - 2.0 * at for at in range(14)]
    assert Action.ENTER not in actions(made("frame_pullback"), [*fall, 170.0, 172.5, 174.0])


def test_a_rise_without_a_pullback_is_no_entry() -> None:
    assert actions(made("frame_pullback"), [*RISE, 128.0, 130.0, 132.0, 134.0]) == []


def test_exits_when_a_long_bar_closes_below_its_mean_and_not_before_it_has_closed() -> None:
    said = follow(made("frame_pullback"), [*RISE, 128.0, 90.0, 89.0, 88.0, 87.0])
    [(at, idea)] = [each for each in said if each[1].action is Action.EXIT]
    assert at == 17
    assert (idea.side, idea.reason) == (Side.SELL, "long_close_below_mean")


def test_ideas_are_those_of_the_definition_bar_by_bar() -> None:
    rows = market(9, 900, start=1)
    closes = [bar.close for bar in rows]
    index = naive.rsi(closes, 2)
    # days 1 and 2 are the rest of a long bar whose beginning was not seen
    ends = range(4, 900, 3)
    long_closes = [closes[end] for end in ends]
    long_means = naive.ema(long_closes, 2)
    rising: list[bool | None] = []
    for at in range(900):
        known = [number for number, end in enumerate(ends) if end <= at]
        mean = long_means[known[-1]] if known else None
        rising.append(None if mean is None else long_closes[known[-1]] > mean)
    first = next(at for at in range(900) if rising[at] is not None)
    exits = naive.changes(rising, False)
    entries = []
    for at in range(first + 1, 900):
        before, now = index[at - 1], index[at]
        assert before is not None
        assert now is not None
        entries += [at] if rising[at] and before <= 35.0 < now else []
    said = follow(made("frame_pullback"), rows)
    assert at_of(said, Action.EXIT) == exits
    assert at_of(said, Action.ENTER) == entries
    assert min(len(exits), len(entries)) >= 30


def test_a_long_close_on_its_mean_is_no_trend() -> None:
    assert actions(made("frame_pullback"), [*[100.0] * 15, 98.0, 100.0]) == []
