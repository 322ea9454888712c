"""A pause for an instrument that was just left."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.desk.protections.core import HOUR, Core


def test_the_instrument_that_was_left_waits_and_no_other() -> None:
    core = Core({"cooldown": {"for_s": 3600}})
    core.trip("AAA", "1")
    core.now_ms += 100 * HOUR
    core.market_ms += HOUR - 1
    assert core.place("AAA") == "cooldown"
    assert core.status == "active"
    assert len(core.place("BBB")) == 32
    core.market_ms += 1
    assert len(core.place("AAA")) == 32


def test_it_can_wait_after_losses_only() -> None:
    core = Core({"cooldown": {"after": "loss"}})
    core.trip("AAA", "0")
    assert len(core.place("AAA")) == 32
    core.trip("BBB", "-1")
    assert core.place("BBB") == "cooldown"


def test_the_newest_round_trip_counts() -> None:
    core = Core({"cooldown": {"for_s": 60, "after": "loss"}})
    core.trip("AAA", "-1")
    core.later(60_000)
    core.trip("AAA", "1")
    assert len(core.place("AAA")) == 32


def test_what_is_held_can_always_be_sold_and_is_not_locked_by_half_an_exit() -> None:
    core = Core({"cooldown": {}})
    core.hold("AAA")
    core.fill(core.place("AAA", "sell", "5", reduce_only=True), "101")
    assert len(core.place("AAA")) == 32
    core.trip("BBB", "1")
    core.hold("CCC")
    assert len(core.place("CCC", "sell", "10", reduce_only=True)) == 32


@given(st.integers(1, 10_000), st.integers(0, 11_000))
def test_it_is_over_exactly_after_for_s(for_s: int, waited_s: int) -> None:
    core = Core({"cooldown": {"for_s": for_s}})
    core.trip("AAA", "1")
    core.later(waited_s * 1000)
    assert (core.place("AAA") == "cooldown") is (waited_s < for_s)
