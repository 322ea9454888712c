"""A venue that keeps saying no, or nothing."""

from __future__ import annotations

from typing import Any

import pytest

from shared.desk import commands
from tests.unit.desk.protections.core import Core


def reject(core: Core) -> None:
    client_id = core.place("AAA", "buy", "1")
    core.run(commands.TurnedDown(client_id, "no", ""), client_id)


def desk(**settings: Any) -> Core:
    return Core({"error_rate": {"errors": 3, "within_s": 60, "for_s": 300, **settings}})


def test_it_reduces_at_the_third_failure_and_not_before() -> None:
    core = desk()
    core.hold("BBB")
    reject(core)
    reject(core)
    assert core.status == "active"
    reject(core)
    assert core.reductions == {"error_rate"}
    assert core.place("AAA") == "reducing"
    assert len(core.place("BBB", "sell", "10", reduce_only=True)) == 32


@pytest.mark.parametrize(("apart_ms", "status"), [(30_000, "reducing"), (30_001, "active")])
def test_they_count_within_the_window_its_end_included(apart_ms: int, status: str) -> None:
    core = desk()
    for _ in range(3):
        reject(core)
        core.now_ms += apart_ms
    assert core.status == status


def test_no_answer_counts_too() -> None:
    core = desk()
    for symbol in ("AAA", "BBB", "CCC"):
        client_id = core.place(symbol)
        core.run(commands.Sending(client_id), client_id)
        core.run(commands.Unanswered(client_id, "timeout"), client_id)
    assert core.reductions == {"error_rate"}


def test_it_lasts_for_wall_time_from_the_last_of_them() -> None:
    core = desk()
    for _ in range(3):
        reject(core)
    core.market_ms += 10**9
    core.now_ms += 299_999
    assert core.review() == []
    core.now_ms += 1
    assert core.review() == ["reduction_lifted"]


def test_without_for_s_it_lasts_while_they_lie_in_the_window() -> None:
    core = desk(for_s=0)
    for _ in range(3):
        reject(core)
    core.now_ms += 59_999
    assert core.review() == []
    core.now_ms += 1
    assert core.review() == ["reduction_lifted"]


def test_twenty_in_a_minute_trip_it_without_being_asked() -> None:
    core = Core()
    for _ in range(19):
        reject(core)
    assert core.status == "active"
    reject(core)
    assert core.reductions == {"error_rate"}


@pytest.mark.parametrize("calls_for", ["refuse", "halted"])
def test_it_can_refuse_or_halt(calls_for: str) -> None:
    core = desk(calls_for=calls_for)
    for _ in range(3):
        reject(core)
    assert core.place("AAA") == ("error_rate" if calls_for == "refuse" else "halted")
