"""bollinger_reversion, by scenario and by its definition."""

from __future__ import annotations

from shared.model import Action, Side
from tests.unit.brain.strategies import naive
from tests.unit.brain.strategies.scenes import DOWN, actions, at_of, follow, made, market

REST = [100.0] * 10


def test_enters_when_the_close_comes_back_into_the_bands() -> None:
    [(at, idea)] = follow(made("bollinger_reversion"), [*REST, 95.0, 96.5])
    assert at == len(REST) + 1
    assert (idea.action, idea.side, idea.reason) == (Action.ENTER, Side.BUY, "close_back_in_bands")
    assert idea.evidence["percent_b_before"] <= 0.0 < idea.evidence["percent_b"]
    assert idea.stop_distance == 2.0 * idea.evidence["atr"]
    assert idea.score == -2.0 * idea.evidence["percent_b_before"]


def test_exits_when_it_rises_above_the_middle() -> None:
    _, (_, idea) = follow(made("bollinger_reversion"), [*REST, 95.0, 96.5, 100.0])
    assert (idea.action, idea.side, idea.reason) == (Action.EXIT, Side.SELL, "close_above_middle_band")
    assert idea.evidence["middle"] < idea.evidence["close"]


def test_does_not_buy_the_close_outside_itself_nor_while_it_still_falls() -> None:
    assert actions(made("bollinger_reversion"), [*REST, 95.0]) == []
    assert actions(made("bollinger_reversion"), [*REST, 95.0, 90.0, 80.0, 65.0]) == []


def test_a_bar_that_jumps_over_the_middle_is_only_an_exit() -> None:
    assert actions(made("bollinger_reversion"), [*REST, 95.0, 101.0]) == [Action.EXIT]


def test_a_steady_fall_and_a_flat_market_say_nothing() -> None:
    assert actions(made("bollinger_reversion"), DOWN) == []
    assert actions(made("bollinger_reversion"), [28.33] * 50) == []


def test_ideas_are_those_of_the_definition_bar_by_bar() -> None:
    rows = market(5, 700)
    closes = [bar.close for bar in rows]
    bands = zip(closes, naive.sma(closes, 5), naive.stdev(closes, 5), strict=True)
    places = [
        None if mean is None or deviation is None else (close - mean) / (1.5 * deviation)
        for close, mean, deviation in bands
    ]
    pairs = [(at, places[at - 1], places[at]) for at in range(1, len(places))]
    steps = [(at, one, other) for at, one, other in pairs if one is not None and other is not None]
    middle = [at for at, before, now in steps if before <= 0.0 < now]
    lower = [at for at, before, now in steps if before <= -1.0 < now <= 0.0]
    said = follow(made("bollinger_reversion"), rows)
    assert at_of(said, Action.EXIT) == middle
    assert at_of(said, Action.ENTER) == lower
    assert len(lower) > 20


def test_a_close_that_stood_on_the_middle_rises_above_it() -> None:
    assert actions(made("bollinger_reversion"), [*REST, 101.0]) == [Action.EXIT]
