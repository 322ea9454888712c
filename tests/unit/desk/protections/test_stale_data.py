"""Prices that are too old."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.desk.protections.core import Core


def test_a_price_may_be_as_old_as_the_limit_and_no_older() -> None:
    core = Core(max_data_age_ms=60_000)
    core.hold("AAA")
    core.now_ms += 60_000
    assert len(core.place("BBB")) == 32
    core.now_ms += 1
    assert core.place("BBB") == "stale_data"
    assert len(core.place("AAA", "sell", "10", reduce_only=True)) == 32


def test_it_is_wall_time_whatever_the_market_says() -> None:
    core = Core(max_data_age_ms=60_000)
    core.market_ms += 10**9
    assert len(core.place("BBB")) == 32


def test_without_any_price_nothing_is_entered() -> None:
    core = Core()
    core.marks.clear()
    assert core.place("AAA", kind="limit", limit_price="100") == "stale_data"


@pytest.mark.parametrize("calls_for", ["reducing", "halted"])
def test_when_asked_an_old_price_of_something_held_stops_the_desk(calls_for: str) -> None:
    core = Core({"stale_data": {"calls_for": calls_for, "after_s": 100}})
    core.hold("AAA")
    core.mark("BBB", "100", received_ms=0)
    core.now_ms += 100_000
    assert core.review() == []
    core.now_ms += 1
    core.review()
    assert core.status == calls_for
    core.mark("AAA", "100")
    core.review()
    assert core.status == ("active" if calls_for == "reducing" else "halted")


def test_by_default_it_only_refuses() -> None:
    core = Core()
    core.hold("AAA")
    core.now_ms += 10**9
    assert core.review() == []


@given(st.integers(1000, 100_000), st.integers(0, 120_000))
def test_the_age_decides(most_ms: int, age_ms: int) -> None:
    core = Core(max_data_age_ms=most_ms)
    core.now_ms += age_ms
    assert (core.place("AAA") == "stale_data") is (age_ms > most_ms)
