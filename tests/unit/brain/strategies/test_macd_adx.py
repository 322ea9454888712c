"""macd_adx, by scenario and by its definition."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from brain.bar import Bar
from brain.strategies.macd_adx import MacdAdxParams
from shared.model import Action, Side
from tests.unit.brain.strategies import naive
from tests.unit.brain.strategies.scenes import DOWN, UP, actions, at_of, follow, made, market, wicked

DIP = wicked([*UP, 119.0, 118.0, 117.5, 119.0, 123.0, 127.0, 131.0])


def test_enters_when_the_cross_comes_with_a_trend() -> None:
    entries = [each for each in follow(made("macd_adx"), DIP) if each[1].action is Action.ENTER]
    [(at, idea)] = entries
    assert at > len(UP)
    assert (idea.side, idea.reason) == (Side.BUY, "macd_above_signal_in_trend")
    assert idea.evidence["macd"] > idea.evidence["signal"]
    assert idea.evidence["adx"] >= 20.0
    assert idea.score == idea.evidence["adx"] / 100.0


def test_the_same_cross_without_a_trend_is_let_go() -> None:
    assert Action.ENTER not in actions(made("macd_adx", min_adx=99.9), DIP)


def test_a_cross_while_moves_down_outweigh_moves_up_is_let_go() -> None:
    fall_that_slows = wicked([200.0 - 8.0 * at for at in range(12)] + [112.0 - 0.5 * at for at in range(12)])
    assert Action.ENTER not in actions(made("macd_adx", min_adx=0.0), fall_that_slows)


def test_exits_whatever_the_index_says() -> None:
    series = wicked(DOWN + UP + DOWN)
    exits = at_of(follow(made("macd_adx"), series), Action.EXIT)
    assert exits
    assert at_of(follow(made("macd_adx", min_adx=100.0), series), Action.EXIT) == exits


@pytest.mark.parametrize("price", [28.33, 763.01, 1e-7])
def test_rounding_in_a_flat_market_is_no_cross(price: float) -> None:
    assert actions(made("macd_adx"), [price] * 80) == []


@pytest.mark.parametrize("params", [{"fast": 26}, {"signal": 0}, {"min_adx": 100.5}])
def test_parameters_out_of_bounds_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        MacdAdxParams(**params)


def directional(rows: list[Bar], period: int) -> list[tuple[float, bool] | None]:
    """The index, and whether moves up outweigh moves down, by Wilder's book."""
    ranges = naive.true_ranges(rows)
    ups, downs, found, values = 0.0, 0.0, list[tuple[float, bool] | None](), list[float]()
    index = 0.0
    for at, bar in enumerate(rows):
        if at == 0:
            found.append(None)
            continue
        assert ranges[at] is not None
        rise, fall = bar.high - rows[at - 1].high, rows[at - 1].low - bar.low
        up, down = rise if rise > max(fall, 0.0) else 0.0, fall if fall > max(rise, 0.0) else 0.0
        # sums of the first `period - 1` moves, then smoothed
        ups = ups + up if at < period else ups - ups / period + up
        downs = downs + down if at < period else downs - downs / period + down
        if at >= period:
            values.append(100.0 * abs(ups - downs) / (ups + downs) if ups + downs else 0.0)
        if len(values) == period:
            index = sum(values) / period
        elif len(values) > period:
            index = (index * (period - 1) + values[-1]) / period
        found.append((index, ups > downs) if len(values) >= period else None)
    return found


def test_ideas_are_those_of_the_definition_bar_by_bar() -> None:
    rows = market(7, 900)
    _, apart = naive.macd([bar.close for bar in rows], 2, 5, 3)
    trend = directional(rows, 3)
    above = [None if one is None else one > 0.0 for one in apart]
    said = follow(made("macd_adx", min_adx=40.0), rows)
    crossed = [at for at in naive.changes(above, True) if at >= 7]
    wanted = []
    for at in crossed:
        known = trend[at]
        assert known is not None
        wanted += [at] if known[0] >= 40.0 and known[1] else []
    assert at_of(said, Action.ENTER) == wanted
    assert at_of(said, Action.EXIT) == [at for at in naive.changes(above, False) if at >= 7]
    assert 20 < len(wanted) < len(crossed)
