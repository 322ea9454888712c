"""Ingest against the real replay server: every fault it knows, over real sockets."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from shared.archive import hot, keys
from shared.model import Interval
from tests.unit.cron.world import MINUTE_MS, World, settings

pytestmark = pytest.mark.native
if sys.platform == "emscripten":
    pytest.skip("needs sockets and threads", allow_module_level=True)

from tools.replay import CandleFault, ReplayServer, generated_market  # noqa: E402


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[ReplayServer, str]]:
    running = ReplayServer([generated_market(symbols=6, seed=3, days=2)], None)
    yield running, running.start()
    running.stop()


def world(url: str) -> World:
    return World(config=settings(name="gen", history_bars=100), url=url)


def watermarks(place: World) -> set[int]:
    return {row["open_time_ms"] for row in place.db.all("SELECT open_time_ms FROM watermarks")}


@pytest.mark.parametrize("fault", [fault.name for fault in CandleFault])
def test_a_fault_costs_nothing_but_time(server: tuple[ReplayServer, str], fault: str) -> None:
    running, url = server
    place = world(url)
    place.tick()
    running.faults.clear()
    market_ms = running.step("gen")
    running.faults.candles(CandleFault[fault], times=4, retry_after_s=1)
    place.tick()
    running.faults.clear()
    market_ms = running.step("gen")
    place.tick()
    assert max(watermarks(place)) == market_ms - MINUTE_MS
    archived = place.db.all("SELECT sum(rows) AS rows FROM archive_objects")[0]["rows"]
    window = hot.from_bytes(place.hot.values[keys.hot_key("gen", Interval.M1)], "gen", Interval.M1, 100)
    assert archived >= sum(len(series) for series in window.series.values()) - 6
    heard = [bar for bars in place.desk().heard("bars") for bar in bars]
    assert len(heard) == len(set(heard)), "no bar twice"
    times = [at_ms for _, at_ms in heard]
    assert max(times) == market_ms - MINUTE_MS


def test_a_venue_that_hangs_fails_the_run_and_says_so(server: tuple[ReplayServer, str]) -> None:
    running, url = server
    place = world(url)
    running.faults.candles(CandleFault.HANG, times=20)
    place.tick()
    running.faults.clear()
    run = place.runs("ingest")[0]
    assert run["state"] == "failed"
    assert "no answer within" in run["error"]
    assert not watermarks(place)


def test_no_server_at_all(server: tuple[ReplayServer, str]) -> None:
    place = world("http://127.0.0.1:9")
    outcomes = place.tick()
    assert outcomes["retry"] == 1
    assert "ConnectError" in place.runs("ingest")[0]["error"]
    assert "instruments of gen" in place.runs("monitor")[0]["error"]
