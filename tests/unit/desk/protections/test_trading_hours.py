"""When the desk may enter."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Invalid
from tests.unit.desk.protections.core import HOUR, MINUTE, Core

SESSION = {"days": ["mon", "tue"], "from": "13:30", "to": "20:00"}
MONDAY = 1_104_710_400_000
"""2005-01-03, midnight."""


def desk(*windows: dict[str, Any]) -> Core:
    return Core({"trading_hours": {"windows": list(windows or [SESSION])}})


def at(core: Core, ms: int) -> str:
    core.market_ms = MONDAY + ms
    core.mark("AAA", "100")
    return core.place("AAA")


@pytest.mark.parametrize(
    ("ms", "open_"),
    [
        (13 * HOUR + 30 * MINUTE - 1, False),
        (13 * HOUR + 30 * MINUTE, True),
        (20 * HOUR - 1, True),
        (20 * HOUR, False),
        (24 * HOUR + 14 * HOUR, True),
        (48 * HOUR + 14 * HOUR, False),
    ],
)
def test_from_is_in_and_to_is_out(ms: int, open_: bool) -> None:
    found = at(desk(), ms)
    assert len(found) == 32 if open_ else found == "trading_hours"


def test_a_way_out_is_open_at_night() -> None:
    night = desk()
    night.market_ms = MONDAY + 14 * HOUR
    night.mark("AAA", "100")
    night.hold("AAA")
    night.market_ms = MONDAY + 22 * HOUR
    night.mark("AAA", "100")
    assert night.place("AAA") == "trading_hours"
    assert len(night.place("AAA", "sell", "10", reduce_only=True)) == 32


def test_it_is_the_instrument_s_own_market_time() -> None:
    core = desk()
    core.market_ms = MONDAY + 13 * HOUR
    core.mark("BBB", "100")
    core.mark("AAA", "100", market_ms=MONDAY + 14 * HOUR)
    assert core.place("BBB") == "trading_hours"
    assert len(core.place("AAA")) == 32


@pytest.mark.parametrize(
    "window",
    [
        {"from": "20:00", "to": "13:30"},
        {"from": "20:00", "to": "20:00"},
        {"from": "9:00", "to": "20:00"},
        {"from": "09:00", "to": "24:01"},
        {"days": [], "from": "09:00", "to": "20:00"},
        {"days": ["monday"], "from": "09:00", "to": "20:00"},
        {"start": "09:00", "end": "20:00"},
    ],
)
def test_a_window_that_makes_no_sense_is_refused(window: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match=r"protections\.trading_hours\.windows"):
        desk(window)


@given(st.integers(0, 7 * 24 * 60 - 1), st.integers(0, 23), st.integers(1, 24))
def test_every_minute_of_the_week_is_in_or_out(minute: int, first: int, last: int) -> None:
    if first >= last:
        return
    window = {"days": ["wed", "sun"], "from": f"{first:02}:00", "to": f"{last:02}:00"}
    found = at(desk(window), minute * MINUTE)
    day, hour = minute // 1440, minute % 1440 // 60
    assert (len(found) == 32) is (day in (2, 6) and first <= hour < last)
