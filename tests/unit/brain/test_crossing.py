"""No cross is missed, however close the averages are; and only bars near one are named."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from brain.bar import Bar
from brain.bars import Bars
from brain.follower import Follower
from brain.registry import STRATEGIES
from brain.request import choices
from brain.strategies.sma_cross import SmaCross
from brain.view import View
from tests.unit.brain.backtest.support import HOUR, walk

PRICES = st.lists(
    st.sampled_from([100.0, 100.01, 99.99, 100.0 + 1e-9]) | st.floats(1e-6, 1e9), min_size=1, max_size=80
) | st.lists(st.sampled_from([1.0, 1.0, 1.5, 2.0]), min_size=1, max_size=80)


def bars_of(closes: list[float]) -> Bars:
    return Bars.of([Bar(at * HOUR.ms, price, price * 1.5, price / 2, price, 1.0) for at, price in enumerate(closes)])


def spoken(bars: Bars, fast: int, slow: int) -> list[tuple[int, Any, Any]]:
    """Bar by bar: the places at which the strategy said something or came to remember something else."""
    strategy = SmaCross(SmaCross.params_model.of(fast=fast, slow=slow, atr_period=3), HOUR.ms)
    view, found = View("AAA"), []
    for place, bar in enumerate(bars):
        before = strategy.side
        view.bar = bar
        strategy.take(bar)
        idea = strategy.on_candle(view)
        if idea is not None or strategy.side != before:
            found.append((place, idea, strategy.side))
    return found


@settings(deadline=None)
@given(closes=PRICES, fast=st.integers(1, 6), more=st.integers(1, 9))
def test_asked_on_its_occasions_alone_it_says_the_same(closes: list[float], fast: int, more: int) -> None:
    bars, slow = bars_of(closes), fast + more
    every = spoken(bars, fast, slow)
    strategy = SmaCross(SmaCross.params_model.of(fast=fast, slow=slow, atr_period=3), HOUR.ms)
    places = strategy.occasions(bars)
    strategy.leap(bars)
    view, found = View("AAA"), []
    for place in places:
        before = strategy.side
        view.bar = bars[place]
        strategy.take(view.bar)
        idea = strategy.on_candle(view)
        if idea is not None or strategy.side != before:
            found.append((place, idea, strategy.side))
    assert found == every


def test_few_bars_are_named() -> None:
    bars = Bars.of(walk(1, 5000))
    [choice] = choices([{"name": "sma_cross", "params": {"fast": 10, "slow": 50}}], STRATEGIES)
    follower = Follower(choice, "AAA", HOUR.ms)
    places = follower.occasions(bars)
    assert places is not None
    assert len(places) <= len(spoken(bars, 10, 50)) + 1


def test_before_both_averages_are_there_nothing_is_named() -> None:
    assert SmaCross(SmaCross.params_model.of(fast=2, slow=30), HOUR.ms).occasions(Bars.of(walk(1, 29))) == []
