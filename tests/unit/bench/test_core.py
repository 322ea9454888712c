"""The measure of the core runs, and what it measures is what it says: orders, fills and guards, and bars that change nothing."""

from __future__ import annotations

import pytest

from bench import core
from bench.report import Verdict
from shared.model import OrderKind, Side
from tools.failure import ToolError


def test_every_measure_has_its_row_and_the_quiet_ones_their_goals() -> None:
    rows = core.measure(quick=True)
    assert len(rows) == len({row.what for row in rows}) == 6
    assert all(row.measured.endswith(" us") and row.yardstick.endswith(" /s") for row in rows)
    assert [row.verdict is not Verdict.SAID for row in rows] == [bool(row.goal) for row in rows]
    assert [row.goal for row in rows if row.goal] == ["<= 15 us", "<= 60 us"]


def test_a_goal_is_an_upper_bound() -> None:
    assert core.row("x", 15.0, 15.0).verdict is Verdict.MET
    assert core.row("x", 15.1, 15.0).verdict is Verdict.MISSED
    assert core.row("x", 100.0, None).yardstick == "10,000 /s"


def test_the_position_of_the_second_measure_is_guarded_by_both_levels() -> None:
    desk = core.bought()
    (position,) = desk.known.held()
    assert {order.kind for order in desk.known.open_orders(position.instrument, Side.SELL)} == {
        OrderKind.STOP,
        OrderKind.LIMIT,
    }
    before = desk.known
    desk.bar([core.bar(core.NAMES[0], 2)])
    assert desk.known is before


def test_a_bar_that_reaches_a_level_is_no_quiet_one() -> None:
    desk = core.bought()
    falling = core.bar(core.NAMES[0], 2).model_copy(update={"low": position_stop(desk)})
    with pytest.raises(ToolError, match="crosses no level"):
        desk.bar([falling])


def position_stop(desk: core.Desk) -> object:
    (position,) = desk.known.held()
    return position.stop_price


def test_what_is_refused_is_no_measure() -> None:
    desk = core.bought()
    with pytest.raises(ToolError, match="refused"):
        desk.propose(core.asked(core.NAMES[0]))
