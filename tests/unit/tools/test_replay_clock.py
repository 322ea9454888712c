"""The market clock steps through closes, ends, and goes on after a restart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.replay.clock import ClockFile, MarketClock
from tools.replay.errors import StateError

pytestmark = pytest.mark.native

closes_of = st.lists(st.integers(1, 10**13), min_size=1, max_size=30, unique=True).map(sorted)


@given(closes_of)
def test_every_close_is_visited_once_in_order(closes: list[int]) -> None:
    clock = MarketClock("us", 0, closes)
    assert (clock.read().bar, clock.market_ms, clock.ended) == (0, 0, False)
    assert [clock.step() for _ in closes] == closes
    assert clock.ended
    assert clock.step() == closes[-1]
    assert clock.read().bar == len(closes)


@given(closes_of, st.data())
def test_seek_stands_where_stepping_stood(closes: list[int], data: st.DataObject) -> None:
    steps = data.draw(st.integers(0, len(closes)))
    walked, sought = MarketClock("us", 0, closes), MarketClock("us", 0, closes)
    for _ in range(steps):
        walked.step()
    sought.seek(walked.market_ms)
    assert sought.read() == walked.read()


def test_the_next_start_goes_on_where_the_last_stopped(tmp_path: Path) -> None:
    file = tmp_path / "state" / "clock.json"
    us, fx = MarketClock("us", 0, [1, 2, 3]), MarketClock("fx", 0, [5, 6])
    kept = ClockFile(file)
    assert kept.load([us, fx]) == []
    us.step()
    us.step()
    kept.save(us)
    again = [MarketClock("us", 0, [1, 2, 3]), MarketClock("fx", 0, [5, 6])]
    assert ClockFile(file).load(again) == []
    assert [clock.market_ms for clock in again] == [2, 0]
    assert [entry.name for entry in file.parent.iterdir()] == ["clock.json"]


def test_a_venue_that_is_not_played_now_keeps_its_place(tmp_path: Path) -> None:
    file = tmp_path / "clock.json"
    first, other = MarketClock("us", 0, [1, 2]), MarketClock("fx", 0, [1, 2])
    for clock in (first, other):
        kept = ClockFile(file)
        kept.load([clock])
        clock.step()
        kept.save(clock)
    assert sorted(json.loads(file.read_text())["venues"]) == ["fx", "us"]


def test_other_data_under_the_same_name_begins_anew(tmp_path: Path) -> None:
    kept = ClockFile(tmp_path / "clock.json")
    clock = MarketClock("file", 0, [1, 2, 3])
    clock.step()
    kept.save(clock)
    other = MarketClock("file", 0, [1, 2, 4])
    assert kept.load([other]) == ["file"]
    assert other.market_ms == 0


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ("{", "content"),
        ("[]", "version"),
        ('{"version": 2, "venues": {}}', "version"),
        ('{"version": 1, "venues": {"us": 3}}', "venues"),
        ('{"version": 1, "venues": {"us": {"identity": [0, 3, 3], "market_ms": "2"}}}', r"venues\.us\.market_ms"),
    ],
)
def test_an_unreadable_state_stops_the_start_and_names_the_remedy(tmp_path: Path, content: str, field: str) -> None:
    file = tmp_path / "clock.json"
    file.write_text(content)
    with pytest.raises(StateError, match=rf"clock\.json: {field}=.*remove the file"):
        ClockFile(file).load([MarketClock("us", 0, [1, 2, 3])])


@pytest.mark.parametrize("closes", [[], [0], [-1, 4]])
def test_a_clock_needs_something_to_play(closes: list[int]) -> None:
    with pytest.raises(ValueError, match="closes must be"):
        MarketClock("us", 0, closes)
