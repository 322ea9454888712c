"""Stops that were hit."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.desk.protections.core import HOUR, MINUTE, Core


def desk(**settings: Any) -> Core:
    return Core({"stoploss_guard": {"stops": 2, "within_s": 3600, "for_s": 7200, **settings}})


def stop(core: Core, symbol: str = "AAA") -> None:
    core.hold(symbol, stop_price="95")
    core.later(MINUTE)
    core.stopped(symbol, "95")


def test_it_reduces_at_the_second_stop_and_not_at_the_first() -> None:
    core = desk()
    stop(core)
    assert core.status == "active"
    stop(core, "BBB")
    assert core.reductions == {"stoploss_guard"}
    assert core.place("CCC") == "reducing"


def test_only_stops_count() -> None:
    core = desk()
    stop(core)
    core.trip("AAA", "-5")
    core.trip("AAA", "5")
    assert core.status == "active"


@pytest.mark.parametrize(("apart_ms", "status"), [(HOUR, "reducing"), (HOUR + 1, "active")])
def test_they_count_within_the_window_its_end_included(apart_ms: int, status: str) -> None:
    core = desk()
    stop(core)
    core.hold("AAA", stop_price="95")
    core.later(apart_ms)
    core.stopped("AAA", "95")
    assert core.status == status


def test_it_lasts_for_market_time_from_the_last_of_them() -> None:
    core = desk()
    stop(core)
    stop(core)
    core.now_ms += 100 * HOUR
    core.market_ms += 2 * HOUR - 1
    assert core.review() == []
    core.market_ms += 1
    assert core.review() == ["reduction_lifted"]


def test_without_for_s_it_lasts_while_they_lie_in_the_window() -> None:
    core = desk(for_s=0)
    stop(core)
    stop(core)
    core.later(HOUR - MINUTE - 1)
    assert core.review() == []
    core.later(1)
    assert core.review() == ["reduction_lifted"]


def test_per_symbol_locks_the_instrument_and_not_the_desk() -> None:
    core = desk(per_symbol=True)
    stop(core, "AAA")
    stop(core, "BBB")
    assert len(core.place("AAA")) == 32
    core = desk(per_symbol=True)
    stop(core, "AAA")
    stop(core, "AAA")
    core.hold("BBB")
    assert core.status == "active"
    assert core.place("AAA") == "stoploss_guard"
    assert len(core.place("BBB")) == 32
    assert len(core.place("BBB", "sell", "10", reduce_only=True)) == 32
    core.later(2 * HOUR)
    assert len(core.place("AAA")) == 32


@pytest.mark.parametrize("calls_for", ["refuse", "halted"])
def test_it_can_refuse_or_halt(calls_for: str) -> None:
    core = desk(calls_for=calls_for)
    stop(core)
    stop(core)
    assert core.place("BBB") == ("stoploss_guard" if calls_for == "refuse" else "halted")
