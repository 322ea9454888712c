"""Losing trades in a row."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.desk import commands
from tests.unit.desk.protections.core import HOUR, Core


def desk(**settings: Any) -> Core:
    return Core({"consecutive_losses": {"losses": 3, "for_s": 3600, **settings}})


def test_it_reduces_at_the_third_loss_in_a_row_and_not_before() -> None:
    core = desk()
    for gain in ("-1", "-1"):
        core.trip("AAA", gain)
    assert core.status == "active"
    core.trip("BBB", "-1")
    assert core.reductions == {"consecutive_losses"}
    assert core.place("CCC") == "reducing"


def test_a_win_between_them_begins_the_count_anew() -> None:
    core = desk()
    for gain in ("-1", "-1", "1", "-1", "-1"):
        core.trip("AAA", gain)
    assert core.status == "active"


def test_neither_win_nor_loss_ends_a_run() -> None:
    core = desk()
    for gain in ("-1", "-1", "0"):
        core.trip("AAA", gain)
    assert core.status == "active"


def test_it_lasts_for_market_time_from_the_last_loss() -> None:
    core = desk()
    for _ in range(3):
        core.trip("AAA", "-1")
    core.now_ms += 100 * HOUR
    core.market_ms += HOUR - 1
    assert core.review() == []
    core.market_ms += 1
    assert core.review() == ["reduction_lifted"]
    assert core.review() == []
    core.trip("AAA", "-1")
    assert core.reductions == {"consecutive_losses"}


def test_without_for_s_it_lasts_until_somebody_resumes() -> None:
    core = desk(for_s=0)
    for _ in range(3):
        core.trip("AAA", "-1")
    core.later(1000 * HOUR)
    assert core.review() == []
    core.run(commands.RequestResume("adm", "seen", "h"))
    core.run(commands.ConfirmResume("adm", "h"))
    assert core.status == "active"
    assert core.review() == []


def test_it_can_halt_and_holds_the_halt_for_for_s() -> None:
    core = desk(calls_for="halted")
    for _ in range(3):
        core.trip("AAA", "-1")
    assert (core.status, core.known.halt_code) == ("halted", "consecutive_losses")
    assert core.known.hold_until_ms == core.now_ms + HOUR


def test_it_can_refuse_entries_only_and_lets_what_is_held_go() -> None:
    core = desk(calls_for="refuse")
    core.hold("DDD")
    for _ in range(3):
        core.trip("AAA", "-1")
    assert core.status == "active"
    assert core.place("BBB") == "consecutive_losses"
    assert len(core.place("DDD", "sell", "10", reduce_only=True)) == 32


@given(st.lists(st.sampled_from(["-1", "0", "1"]), max_size=8), st.integers(1, 4))
def test_it_stands_exactly_while_the_newest_all_lost(gains: list[str], losses: int) -> None:
    core = desk(losses=losses, for_s=0)
    run = 0
    for gain in gains:
        if core.status != "active":
            break
        core.trip("AAA", gain)
        run = run + 1 if gain == "-1" else 0
        assert (core.status == "reducing") is (run >= losses)
