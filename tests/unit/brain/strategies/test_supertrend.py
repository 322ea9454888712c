"""supertrend, by scenario and by its definition."""

from __future__ import annotations

import pytest

from brain.bar import Bar
from shared.model import Action, Side
from tests.unit.brain.strategies import naive
from tests.unit.brain.strategies.scenes import DOWN, UP, actions, at_of, follow, made, market, wicked


def test_enters_when_a_fall_turns_and_stands_its_stop_on_the_line() -> None:
    *_, (at, idea) = follow(made("supertrend"), wicked(DOWN + UP))
    assert at > len(DOWN)
    assert (idea.action, idea.side, idea.reason) == (Action.ENTER, Side.BUY, "supertrend_turned_up")
    assert idea.stop_distance == idea.evidence["close"] - idea.evidence["line"]
    assert idea.evidence["broken"] < idea.evidence["close"]


def test_exits_when_the_rise_turns() -> None:
    assert actions(made("supertrend"), wicked(DOWN + UP + DOWN))[-2:] == [Action.ENTER, Action.EXIT]
    *_, (_, idea) = follow(made("supertrend"), wicked(DOWN + UP + DOWN))
    assert (idea.side, idea.reason, idea.stop_distance) == (Side.SELL, "supertrend_turned_down", None)


def test_swings_within_the_line_say_nothing() -> None:
    assert actions(made("supertrend", multiple=3.0), wicked([100.0, 100.5] * 30)) == []


def test_a_market_that_never_moves_says_nothing() -> None:
    assert actions(made("supertrend"), [100.0] * 60) == []


def directions(rows: list[Bar], period: int, multiple: float) -> list[bool | None]:
    """Whether it rises, by the textbook: final bands first, then which of them was crossed."""
    ranges, found = naive.atr(rows, period), list[bool | None]()
    upper = lower = 0.0
    for at, (bar, atr) in enumerate(zip(rows, ranges, strict=True)):
        if atr is None:
            found.append(None)
            continue
        middle, half = (bar.high + bar.low) / 2, multiple * atr
        first = not found or found[-1] is None
        last = rows[at - 1].close
        upper = middle + half if first or middle + half < upper or last > upper else upper
        lower = middle - half if first or middle - half > lower or last < lower else lower
        rising = True if first else (bar.close >= lower if found[-1] else bar.close > upper)
        found.append(rising)
    return found


@pytest.mark.parametrize(("period", "multiple"), [(3, 1.5), (10, 3.0)])
def test_ideas_are_those_of_the_definition_bar_by_bar(period: int, multiple: float) -> None:
    rows = market(4, 800)
    said = follow(made("supertrend", period=period, multiple=multiple), rows)
    rising = directions(rows, period, multiple)
    assert at_of(said, Action.ENTER) == naive.changes(rising, True)
    assert at_of(said, Action.EXIT) == naive.changes(rising, False)
    assert len(said) >= 10
