"""Findings of the review, each a failing scenario: `strict` turns a test red once its finding is mended; then drop the mark."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from cron.consumer import consume
from shared.archive.candles import CandleArchive
from shared.errors import StorageUnavailable
from shared.market.ingest import Budget
from shared.model import Interval
from tests.unit.cron.world import DAY_MS, MINUTE_MS, START_MS, WireVenue, World, settings, symbols, wave


def finding(name: str) -> pytest.MarkDecorator:
    return pytest.mark.xfail(strict=True, reason=f"review finding {name}")


def at(bars: int) -> int:
    return START_MS + bars * MINUTE_MS


def send(place: World, job: str, scope: str, run_id: str = "m1") -> None:
    body = {"v": 1, "id": run_id, "job": job, "scope": scope, "requested_by": "edk", "queued_ms": 5}
    asyncio.run(consume(place.context(), json.dumps(body)))


def behind(monkeypatch: pytest.MonkeyPatch) -> World:
    """A cron that comes back after a day, and needs several runs to catch up."""
    monkeypatch.setattr("shared.market.ingest.Budget", lambda: Budget(calls=3))
    place = World(WireVenue(symbols(3, 3000)), settings(history_bars=50))
    place.tick(at(100))
    place.tick(at(101))
    return place


def late_proposals(place: World) -> list[dict[str, Any]]:
    return place.db.all(
        "SELECT bar_close_ms, outcome FROM signals WHERE proposal IS NOT NULL AND bar_close_ms > ? AND bar_close_ms < ?",
        at(110),
        at(1490),
    )


@finding("C1: a scan by message trades on old bars while ingest is behind")
def test_a_scan_asked_for_while_ingest_is_behind_proposes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    place = behind(monkeypatch)
    for n in range(6):
        place.tick(at(1500))
        send(place, "scan", "alpha", f"m{n}")
    assert not late_proposals(place)


@finding("C1: so does the scan after an ingest that failed")
def test_a_failed_ingest_does_not_let_the_scan_trade_on_old_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    place = behind(monkeypatch)
    for _ in range(8):
        place.venue.spoil_other = lambda path: None
        place.tick(at(1500))
        place.venue.spoil_other = lambda path: httpx.Response(500) if path == "clock" else None
        place.tick(at(1500))
    assert not late_proposals(place)


@finding("C2: the watermark passes a refused row that no other symbol has")
def test_a_row_refused_once_is_asked_for_again() -> None:
    place = World(WireVenue({"EURUSD": wave(START_MS, MINUTE_MS, 400)}), settings(calendar="session", history_bars=50))
    place.tick(at(100))

    def spoil(query: dict[str, str], body: dict[str, Any]) -> None:
        rows = [list(row) for row in body["items"]["EURUSD"]]
        body["items"]["EURUSD"] = [[row[0], "NaN", *row[2:]] if row[0] == at(101) else row for row in rows]

    place.venue.spoil = spoil
    place.tick(at(104))
    place.venue.spoil = lambda query, body: None
    for n in range(105, 110):
        place.tick(at(n))
    archive = CandleArchive(place.db, place.store, "us", Interval.M1)
    assert at(101) in asyncio.run(archive.read(0, 10**14))["EURUSD"]


def daily() -> World:
    place = World(WireVenue(symbols(2, 60, DAY_MS)), settings(interval="1d", history_bars=20))
    place.venue.step_ms = DAY_MS
    place.tick(START_MS + 30 * DAY_MS)
    return place


def reports(place: World) -> list[str]:
    for _ in range(75):
        place.tick()
    return [message["scope"] for message in place.queue.sent if message["job"] == "report"]


@finding("C3: a report whose message was not sent is never asked for again")
def test_a_report_survives_a_queue_that_fails_once() -> None:
    place = daily()
    place.queue.down = True
    place.tick(START_MS + 31 * DAY_MS)
    place.queue.down = False
    assert reports(place)


@finding("C3: nor is that of a day which a message scanned")
def test_a_day_that_a_message_scanned_has_its_report() -> None:
    place = daily()

    def down(method: str) -> None:
        if method == "bars":
            raise StorageUnavailable("down")

    place.desk().fail = down
    place.tick(START_MS + 31 * DAY_MS)
    place.desk().fail = lambda method: None
    send(place, "scan", "alpha")
    assert reports(place)


@finding("C4: with more than 300 objects in reach a lost hot window is not rebuilt")
def test_a_lost_hot_window_is_rebuilt_late_in_the_day() -> None:
    place = World(WireVenue(symbols(1, 700)), settings(history_bars=200))
    for n in range(210, 640):
        place.tick(at(n))
    place.hot.values.clear()
    place.tick(at(640))
    assert "hot/v1/us/1m" in place.hot.values


@finding("C5: a message that is refused leaves its run queued for ever")
def test_a_scan_of_an_unknown_desk_ends_as_failed() -> None:
    place = World(WireVenue(symbols(1, 10)), settings())
    place.db.change(
        "INSERT INTO job_runs (id, job, scope, state, requested_by, queued_ms) VALUES ('m1', 'scan', 'nobody', 'queued', 'k', 5)"
    )
    send(place, "scan", "nobody")
    assert place.db.all("SELECT state FROM job_runs WHERE id = 'm1'") == [{"state": "failed"}]
