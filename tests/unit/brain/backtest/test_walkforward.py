"""Walk forward: windows, what is known when a choice is made, and how the stretches are joined."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.backtest.engine import run
from brain.backtest.plan import Plan
from brain.backtest.search import Found, Range, Search, Trial, grid
from brain.backtest.walkforward import Window, cut, walk_forward, windows
from shared.errors import Invalid
from tests.unit.brain.backtest.support import CROSS, HOUR, plan, walk

BARS = walk(3, 900)
TIMES = [bar.open_time_ms for bar in BARS]
PLAN = plan({"AAA": BARS}, [CROSS])


def fixed(params: dict[str, int]) -> Found:
    return Found("sharpe", [Trial(params, 1.0, 1, None)], 0, None, "")


def test_rolling_and_anchored_windows() -> None:
    assert windows(range(0, 100, 10), 4, 3, interval_ms=10) == [Window(0, 40, 70), Window(30, 70, 100)]
    assert windows(range(0, 100, 10), 4, 3, anchored=True, interval_ms=10) == [Window(0, 40, 70), Window(0, 70, 100)]
    assert windows(range(0, 80, 10), 4, 3, interval_ms=10)[-1] == Window(30, 70, 80)


@given(count=st.integers(2, 200), train=st.integers(1, 100), test=st.integers(1, 50), anchored=st.booleans())
def test_what_is_judged_is_everything_after_the_first_training_once(
    count: int, train: int, test: int, anchored: bool
) -> None:
    times = range(0, count * HOUR.ms, HOUR.ms)
    if train >= count:
        with pytest.raises(Invalid, match="train"):
            windows(times, train, test, anchored, HOUR.ms)
        return
    found = windows(times, train, test, anchored, HOUR.ms)
    assert found[0].test_ms == times[train]
    assert found[-1].end_ms == times[-1] + HOUR.ms
    assert all(before.end_ms == after.test_ms for before, after in pairwise(found))
    assert all(each.train_ms < each.test_ms < each.end_ms for each in found)


@pytest.mark.parametrize(("train", "test"), [(0, 1), (1, 0)])
def test_no_bars_are_no_window(train: int, test: int) -> None:
    with pytest.raises(Invalid, match="at least 1"):
        windows(TIMES, train, test)


def test_a_cut_has_its_bars_and_those_that_warm_it() -> None:
    made = cut(PLAN, TIMES[100], TIMES[200], 30)
    [bars] = made.series.values()
    assert (bars[0].open_time_ms, bars[-1].open_time_ms) == (TIMES[70], TIMES[199])
    assert made.warmup_ms == TIMES[100]
    assert cut(PLAN, TIMES[-1] + HOUR.ms, TIMES[-1] + 2 * HOUR.ms).series == {}


def test_choices_see_only_the_bars_before_what_they_are_judged_on() -> None:
    chosen = windows(TIMES, 300, 200, interval_ms=HOUR.ms)
    seen: list[tuple[int, int]] = []

    def choose(part: Plan) -> Found:
        [bars] = part.series.values()
        seen.append((bars[0].open_time_ms, bars[-1].open_time_ms))
        return fixed({"fast": 3})

    walk_forward(PLAN, chosen, choose)
    assert seen == [(each.train_ms, each.test_ms - HOUR.ms) for each in chosen]


def test_one_stretch_with_one_choice_is_the_backtest_of_it() -> None:
    [window] = windows(TIMES, 300, 600, interval_ms=HOUR.ms)
    found = walk_forward(PLAN, [window], lambda _: fixed({"fast": 5}), warmup_factor=10)
    wanted = run(cut(PLAN, window.test_ms, window.end_ms, 300))
    assert list(found.times_ms) == [at for at in wanted.times_ms if at > window.test_ms]
    assert list(found.equity) == list(wanted.equity)[-len(found.equity) :]
    # the averages of the bars before are the same; the true range forgets them slowly
    assert [trade.entry_ms for trade in found.trades] == [trade.entry_ms for trade in wanted.trades]
    assert all(trade.entry_ms > window.test_ms for trade in found.trades)


def test_stretches_compound() -> None:
    chosen = windows(TIMES, 300, 150, interval_ms=HOUR.ms)
    found = walk_forward(PLAN, chosen, lambda part: Search(part).all(grid({"fast": Range(3, 9, 3)})))
    worth = 100_000.0
    for step in found.steps:
        worth *= 1.0 + step.gain
    assert found.equity[-1] == pytest.approx(worth)
    assert len(found.times_ms) == len(found.equity) == 600
    assert sum(step.trades for step in found.steps) == len(found.trades) > 5
    assert {step.params["fast"] for step in found.steps if step.params} <= {3, 6, 9}
    assert found.traded_notional > 0
    assert 0 < found.exposure_bars < 600


def test_where_nothing_can_be_chosen_the_account_stands_still() -> None:
    chosen = windows(TIMES, 300, 300, interval_ms=HOUR.ms)
    nothing = Found("sharpe", [], 0, None, "no try had a value")
    found = walk_forward(PLAN, chosen, lambda _: nothing)
    assert [(step.params, step.gain) for step in found.steps] == [(None, 0.0)] * 2
    assert list(found.equity) == []
