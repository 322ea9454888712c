"""keltner_squeeze, by scenario and by its definition."""

from __future__ import annotations

from shared.model import Action, Side
from tests.unit.brain.strategies import naive
from tests.unit.brain.strategies.scenes import actions, at_of, follow, made, market, wicked

QUIET = wicked([100.0] * 15, 1.0)
"""Closes that hardly scatter in bars that are wide: a squeeze."""


def after(*closes: float) -> list:  # type: ignore[type-arg]
    return wicked([100.0] * 15 + list(closes), 1.0)


def test_enters_when_a_squeeze_ends_above_its_highs() -> None:
    [(at, idea)] = follow(made("keltner_squeeze"), after(107.0))
    assert at == len(QUIET)
    assert (idea.action, idea.side, idea.reason) == (Action.ENTER, Side.BUY, "squeeze_ended_upwards")
    assert idea.evidence["top"] == 101.0
    assert idea.evidence["squeezed_bars"] >= 2.0
    assert idea.stop_distance == 2.0 * idea.evidence["atr"]


def test_a_squeeze_that_ends_downwards_is_let_go() -> None:
    assert actions(made("keltner_squeeze"), after(93.0)) == []


def test_one_that_was_too_short_is_let_go() -> None:
    assert actions(made("keltner_squeeze", min_bars=50), after(107.0)) == []


def test_one_that_goes_on_says_nothing() -> None:
    assert actions(made("keltner_squeeze"), QUIET) == []


def test_exits_when_the_close_falls_below_the_middle() -> None:
    _, (_, idea) = follow(made("keltner_squeeze"), after(107.0, 108.0, 109.0, 99.0))
    assert (idea.action, idea.side, idea.reason) == (Action.EXIT, Side.SELL, "close_below_middle_band")
    assert idea.evidence["close"] < idea.evidence["middle"]


def test_ideas_are_those_of_the_definition_bar_by_bar() -> None:
    rows = market(6, 2000, step=0.03)
    closes = [bar.close for bar in rows]
    means, deviations, ranges = naive.sma(closes, 5), naive.stdev(closes, 5), naive.atr(rows, 4)
    middles = naive.ema([(bar.high + bar.low + bar.close) / 3.0 for bar in rows], 5)
    squeezed, above = list[bool](), list[bool | None]()
    for close, mean, deviation, atr, middle in zip(closes, means, deviations, ranges, middles, strict=True):
        if mean is None or deviation is None or atr is None or middle is None:
            squeezed.append(False)
            above.append(None)
            continue
        inside = mean + 2 * deviation < middle + atr and mean - 2 * deviation > middle - atr
        squeezed.append(inside)
        above.append(close > mean)
    exits = naive.changes(above, False)
    entries = []
    for at in range(2, 2000):
        if squeezed[at - 1] and squeezed[at - 2] and not squeezed[at]:
            start = max(back for back in range(at) if not squeezed[back]) + 1
            entries += [at] if closes[at] > max(bar.high for bar in rows[start:at]) else []
    said = follow(made("keltner_squeeze"), rows)
    assert at_of(said, Action.EXIT) == exits
    assert at_of(said, Action.ENTER) == [at for at in entries if at not in exits]
    assert len(entries) >= 5
