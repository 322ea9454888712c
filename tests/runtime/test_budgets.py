"""What a minute of 20 symbols may cost: a change that makes a tick dearer fails here before it reaches a bill."""

from __future__ import annotations

import pytest

from bench.minute import Ticks, play

SYMBOLS, TICKS = 20, 4
MOST_CALLS = 200
"""Of one job's run; an invocation may make 1,000."""

BUDGET = {
    "d1_queries": 50,
    "d1_rows_read": 220,
    "d1_rows_written": 120,
    "kv_reads": 2,
    "kv_writes": 2,
    "r2_class_a": 2,
    "r2_class_b": 1,
    "queue_operations": 3,
    "fetches": 5,
    "rpc_calls": 2,
    "object_requests": 10,
    "object_alarms": 4,
    "object_rows_read": 70,
    "object_rows_written": 80,
    "socket_messages": 120,
}
"""Of one tick, all workers and objects together: about half as much again as was counted when it was set."""


@pytest.fixture(scope="module")
def ticks() -> Ticks:
    return play(SYMBOLS, TICKS, idle_s=0)


def test_every_operation_has_a_budget(ticks: Ticks) -> None:
    assert set(ticks.per_tick) <= set(BUDGET)


@pytest.mark.parametrize("operation", BUDGET)
def test_a_tick_keeps_within_its_budget(ticks: Ticks, operation: str) -> None:
    assert ticks.per_tick.get(operation, 0.0) <= BUDGET[operation]


def test_a_tick_does_its_work(ticks: Ticks) -> None:
    """Without it a tick that does nothing would be the cheapest."""
    for operation in ("d1_rows_written", "kv_writes", "r2_class_a", "rpc_calls", "object_requests", "socket_messages"):
        assert ticks.per_tick.get(operation, 0.0) >= 1


def test_no_run_comes_near_to_what_an_invocation_may_call(ticks: Ticks) -> None:
    assert 0 < ticks.most_calls <= MOST_CALLS
