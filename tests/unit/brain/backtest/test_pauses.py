"""A symbol that pauses while others go on: passing over bars changes nothing then, either."""

from __future__ import annotations

from typing import Any

import pytest

from brain.backtest.plan import Outcome
from brain.bar import Bar, Idea
from brain.registry import STRATEGIES
from brain.view import View
from shared.model import Action, OrderKind, Side
from tests.unit.brain.backtest.support import HOUR, both, plan
from tests.unit.brain.backtest.test_engine import Scripted


class ByTheClock(Scripted):
    """Says what stands in the script, by symbol and the clock's bar."""

    def on_candle(self, view: View) -> Idea | None:
        said: Idea | None = self.ideas.get((view.symbol, view.bar.open_time_ms // HOUR.ms))  # type: ignore[call-overload]
        return said


def bars(prices: dict[int, float]) -> list[Bar]:
    return [Bar(at * HOUR.ms, price, price + 0.5, price - 0.5, price, 1e6) for at, price in prices.items()]


def buy(stop: float = 5.0, **more: Any) -> Idea:
    return Idea(Action.ENTER, Side.BUY, 0.5, "in", {"n": 1.0}, stop, **more)


LEAVE = Idea(Action.EXIT, Side.SELL, 0.5, "out", {"n": 1.0})
STEADY = bars(dict.fromkeys(range(40), 100.0))
PAUSED = bars({0: 100.0, 1: 100.0, 2: 101.0, 3: 101.5, 30: 90.0, 31: 90.0})


def told(ideas: dict[tuple[str, int], Idea], paused: list[Bar], **changes: Any) -> tuple[Outcome, Outcome]:
    known = {**STRATEGIES, "scripted": type("ByTheClock", (ByTheClock,), {"ideas": ideas})}
    made = plan({"AAA": STEADY, "BBB": paused}, [{"name": "scripted", "params": {}}], known=known, **changes)
    return both(made)


def test_what_is_held_counts_at_the_age_of_its_price() -> None:
    held = bars({0: 100.0, 1: 100.0, 2: 110.0, 3: 130.0})
    quick, whole = told({("BBB", 0): buy(), ("AAA", 8): buy(), ("AAA", 10): LEAVE}, held)
    assert quick == whole
    assert quick.trades[0].qty == 200.0


def test_an_order_ends_in_time_and_reserves_nothing_any_more() -> None:
    rests = buy(1.0, kind=OrderKind.LIMIT, limit_price=99.0, good_bars=2)
    quick, whole = told({("BBB", 0): rests, ("AAA", 8): buy(1.0), ("AAA", 10): LEAVE}, bars({0: 100.0, 20: 100.0}))
    assert quick == whole
    assert quick.trades[0].qty == 990.0


@pytest.mark.parametrize("calls_for", ["refuse", "reducing", "halted"])
def test_the_silence_of_what_is_held_restricts_the_desk(calls_for: str) -> None:
    quick, whole = told(
        {("BBB", 0): buy(), ("AAA", 35): buy(), ("AAA", 37): LEAVE},
        PAUSED,
        protections={"stale_data": {"calls_for": calls_for}},
    )
    assert quick == whole
    assert bool(quick.halted) is (calls_for == "halted")
