"""A venue that misbehaves: whatever it answers, the archive ends up as the recording, and no desk is hurt."""

from __future__ import annotations

import json

import pytest

from tests.flow.recompute import check_archive, check_ledger
from tests.system import System
from tools.replay import CandleFault, Market

REFUSED_AT_FIRST = (
    CandleFault.ERROR_500,
    CandleFault.TOO_MANY,
    CandleFault.GARBAGE,
    CandleFault.TRUNCATED,
    CandleFault.EMPTY,
)
WHOLE_TICK = 12
"""Answers enough to spoil every retry of a tick, for both venues."""


def check(system: System, markets: list[Market]) -> None:
    for market in markets:
        check_archive(system, market, "1d" if market.venue == "us" else "1h")
    for desk in ("stocks", "fx", "hand"):
        check_ledger(system, desk, "100000")
    open_gaps = system.stack.d1("SELECT * FROM gaps WHERE state = 'open'")
    assert open_gaps == []


@pytest.mark.parametrize("kind", REFUSED_AT_FIRST, ids=lambda kind: kind.value)
def test_one_bad_answer_is_asked_for_again_within_the_run(
    system: System, markets: list[Market], kind: CandleFault
) -> None:
    system.replay.faults.candles(kind)
    system.tick()
    check(system, markets)
    runs = system.stack.d1(
        "SELECT scope, state, counts FROM job_runs WHERE job = 'ingest' ORDER BY queued_ms DESC LIMIT 2"
    )
    assert {run["state"] for run in runs} == {"done"}
    assert sum(json.loads(run["counts"]).get("retries", 0) for run in runs) == 1


@pytest.mark.parametrize("kind", [CandleFault.DUPLICATES, CandleFault.OUT_OF_ORDER], ids=lambda kind: kind.value)
def test_rows_twice_or_in_disorder_are_archived_once_and_in_order(
    system: System, markets: list[Market], kind: CandleFault
) -> None:
    for venue in system.player.venues:  # more than one bar, or there is no order to be wrong
        for _ in range(3):
            system.replay.step(venue)
    system.replay.faults.candles(kind, 4)
    system.tick()
    system.replay.faults.clear()
    system.tick()
    check(system, markets)


def test_a_venue_that_is_down_for_a_while_is_caught_up_with(system: System, markets: list[Market]) -> None:
    system.replay.faults.candles(CandleFault.ERROR_500, WHOLE_TICK)
    for _ in range(2):
        system.tick()
    failed = system.stack.d1(
        "SELECT error FROM job_runs WHERE job = 'ingest' AND state = 'failed' ORDER BY queued_ms DESC LIMIT 1"
    )
    assert "venue_unavailable" in failed[0]["error"]
    system.replay.faults.clear()
    system.tick()
    check(system, markets)


def test_nothing_new_is_not_taken_for_the_end(system: System, markets: list[Market]) -> None:
    system.replay.faults.candles(CandleFault.NO_ROWS, 2)
    system.tick()
    system.replay.faults.clear()
    system.tick()
    check(system, markets)


def test_a_venue_that_does_not_answer_is_given_up_and_asked_again(system: System, markets: list[Market]) -> None:
    system.replay.faults.candles(CandleFault.HANG)
    system.tick()
    check(system, markets)


def test_a_retry_after_that_is_too_long_is_left_to_the_next_run(system: System, markets: list[Market]) -> None:
    system.replay.faults.candles(CandleFault.TOO_MANY, 2, retry_after_s=3600)
    system.tick()
    system.replay.faults.clear()
    system.tick()
    check(system, markets)
