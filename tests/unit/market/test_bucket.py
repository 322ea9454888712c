"""The bucket never permits more than its rate."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from shared.clock import FixedClock
from shared.market.bucket import Bucket
from tests.unit.native_ports import InstantWaits


@given(
    rate=st.floats(0.5, 100), capacity=st.floats(1, 20), pauses=st.lists(st.integers(0, 2000), min_size=2, max_size=60)
)
def test_never_more_than_capacity_plus_rate(rate: float, capacity: float, pauses: list[int]) -> None:
    clock = FixedClock()
    bucket = Bucket(rate, clock, InstantWaits(), capacity)
    granted_s: list[float] = []
    for pause in pauses:
        clock.advance(pause)
        granted_s.append(clock.now_ms() / 1000 + bucket.reserve(clock.now_ms()))
    for first in range(len(granted_s)):
        for last in range(first, len(granted_s)):
            assert last - first + 1 <= capacity + rate * (granted_s[last] - granted_s[first]) + 1e-6


def test_waits_for_what_is_not_there_and_a_clock_going_back_gives_nothing() -> None:
    clock = FixedClock(10_000)
    waits = InstantWaits(lambda seconds: clock.advance(int(seconds * 1000)))
    bucket = Bucket(2.0, clock, waits, capacity=1)
    assert asyncio.run(bucket.take()) == 0
    assert asyncio.run(bucket.take()) == 0.5
    assert waits.slept == [0.5]
    assert bucket.reserve(0) == 1.0
