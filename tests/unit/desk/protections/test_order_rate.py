"""Too many orders in too short a time."""

from __future__ import annotations

import pytest

from tests.unit.desk.protections.core import MINUTE, Core


def test_the_limit_counts_all_orders_and_holds_back_entries_only() -> None:
    core = Core(max_orders_per_minute=3)
    core.hold("AAA")
    core.place("AAA", "sell", "1", reduce_only=True)
    assert len(core.place("BBB")) == 32
    assert core.place("BBB") == "order_rate"
    assert len(core.place("AAA", "sell", "1", reduce_only=True)) == 32
    assert core.status == "active"


def test_a_minute_of_wall_time_later_it_is_over() -> None:
    core = Core(max_orders_per_minute=1)
    core.place("AAA")
    core.now_ms += MINUTE - 1
    core.market_ms += 10 * MINUTE
    assert core.place("AAA") == "order_rate"
    core.now_ms += 1
    assert len(core.place("AAA")) == 32


@pytest.mark.parametrize("calls_for", ["reducing", "halted"])
def test_when_asked_reaching_the_limit_stops_the_desk(calls_for: str) -> None:
    core = Core({"order_rate": {"calls_for": calls_for, "for_s": 120}}, max_orders_per_minute=2)
    core.hold("AAA")
    assert core.status == "active"
    core.place("BBB")
    assert core.status == calls_for
    if calls_for == "halted":
        assert core.known.hold_until_ms == core.now_ms + 120_000
        return
    assert core.place("CCC") == "reducing"
    core.now_ms += 119_999
    assert core.review() == []
    core.now_ms += 1
    assert core.review() == ["reduction_lifted"]


def test_the_later_orders_of_the_same_batch_are_refused_once_it_tripped() -> None:
    core = Core({"order_rate": {"calls_for": "reducing"}}, max_orders_per_minute=2)
    codes = [core.place(symbol) for symbol in ("AAA", "BBB", "CCC", "DDD")]
    assert [len(code) for code in codes[:2]] == [32, 32]
    assert codes[2:] == ["reducing", "reducing"]
