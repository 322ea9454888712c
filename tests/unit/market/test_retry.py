"""Backoff stays within its bounds and honours Retry-After."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Refused, StorageUnavailable, VenueUnavailable
from shared.market.retry import Backoff, retrying
from tests.unit.native_ports import InstantWaits


@given(failures=st.integers(1, 200), jitter=st.floats(0, 1, exclude_max=True), asked=st.none() | st.floats(0, 10))
def test_wait_is_bounded(failures: int, jitter: float, asked: float | None) -> None:
    backoff = Backoff()
    wait = backoff.wait_s(failures, jitter, asked)
    whole = min(backoff.cap_s, backoff.base_s * 2.0 ** min(failures - 1, 64))
    assert max(whole / 2, asked or 0) <= wait <= max(whole, asked or 0)


def _failing(times: int, error: Exception) -> tuple[list[int], Callable[[], Awaitable[str]]]:
    calls: list[int] = []

    async def call() -> str:
        calls.append(1)
        if len(calls) <= times:
            raise error
        return "answer"

    return calls, call


def test_gives_the_answer_after_failures() -> None:
    _, call = _failing(2, StorageUnavailable("down"))
    waits = InstantWaits()
    noted: list[int] = []
    found = asyncio.run(retrying(call, Backoff(), waits, lambda: 0.0, lambda: noted.append(1)))
    assert found == "answer"
    assert waits.slept == [0.125, 0.25]
    assert len(noted) == 2


def test_raises_the_last_failure_when_tries_are_used_up() -> None:
    calls, call = _failing(9, StorageUnavailable("down"))
    with pytest.raises(StorageUnavailable):
        asyncio.run(retrying(call, Backoff(attempts=3), InstantWaits(), lambda: 0.5))
    assert len(calls) == 3


def test_waits_as_long_as_the_venue_asks_but_not_for_ever() -> None:
    waits = InstantWaits()
    _, call = _failing(1, VenueUnavailable("busy", retry_after_s=7))
    assert asyncio.run(retrying(call, Backoff(), waits, lambda: 0.5)) == "answer"
    assert waits.slept == [7]
    calls, call = _failing(1, VenueUnavailable("busy", retry_after_s=3600))
    with pytest.raises(VenueUnavailable):
        asyncio.run(retrying(call, Backoff(), waits, lambda: 0.5))
    assert len(calls) == 1


def test_a_refusal_is_not_tried_again() -> None:
    calls, call = _failing(1, Refused("no"))
    with pytest.raises(Refused):
        asyncio.run(retrying(call, Backoff(), InstantWaits(), lambda: 0.5))
    assert len(calls) == 1
