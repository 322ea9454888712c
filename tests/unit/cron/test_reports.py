"""Every market day that ends has its report, whatever fails on the way."""

from __future__ import annotations

import asyncio
import json

import pytest

from cron.consumer import consume
from shared.archive import keys
from shared.errors import StorageUnavailable
from tests.unit.cron.world import DAY_MS, START_MS, WireVenue, World, settings, symbols


def day(n: int) -> str:
    return keys.day_of(START_MS + n * DAY_MS)


def daily() -> World:
    """Bars of a day; the thirtieth has just closed, and been reported."""
    place = World(WireVenue(symbols(2, 90, DAY_MS), DAY_MS), settings(interval="1d", history_bars=20))
    place.tick(START_MS + 30 * DAY_MS)
    place.db.change("UPDATE job_runs SET state = 'done' WHERE state = 'queued'")
    place.queue.sent.clear()
    return place


def an_hour_later(place: World) -> list[str]:
    """Of which days a report was asked for by now."""
    for _ in range(75):
        place.tick()
    return sorted({message["scope"] for message in place.queue.sent if message["job"] == "report"})


def down(what: str) -> StorageUnavailable:
    return StorageUnavailable(f"{what} did not answer")


def test_a_report_survives_a_queue_that_fails_once() -> None:
    place = daily()
    place.queue.down = True
    place.tick(START_MS + 31 * DAY_MS)
    place.queue.down = False
    assert an_hour_later(place) == [f"alpha/{day(30)}"]


def test_a_day_that_a_message_scanned_has_its_report() -> None:
    place = daily()

    def fail(method: str) -> None:
        if method == "bars":
            raise down("the object")

    place.desk().fail = fail
    place.tick(START_MS + 31 * DAY_MS)
    place.desk().fail = lambda method: None
    body = {"v": 1, "id": "m1", "job": "scan", "scope": "alpha", "requested_by": "edk", "queued_ms": 5}
    asyncio.run(consume(place.context(), json.dumps(body)))
    assert an_hour_later(place) == [f"alpha/{day(30)}"]


def test_a_tick_that_dies_before_it_sends_leaves_the_report_to_be_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    place = daily()
    monkeypatch.setattr("cron.minute.AFTER", ())
    place.tick(START_MS + 31 * DAY_MS)
    assert not place.queue.sent
    assert an_hour_later(place) == [f"alpha/{day(30)}"]


def test_after_an_outage_of_days_each_of_them_has_its_report() -> None:
    place = daily()
    place.tick(START_MS + 40 * DAY_MS)
    assert an_hour_later(place) == [f"alpha/{day(n)}" for n in range(30, 40)]


def test_after_a_long_outage_the_reports_follow_hour_by_hour() -> None:
    place = daily()
    place.tick(START_MS + 60 * DAY_MS)
    now = [message for message in place.queue.sent if message["job"] == "report"]
    assert [message["scope"] for message in now] == [f"alpha/{day(n)}" for n in range(40, 60)]
    assert an_hour_later(place) == [f"alpha/{day(n)}" for n in range(30, 60)]


def test_a_scan_that_lost_the_race_asks_for_no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    place = daily()
    monkeypatch.setattr("cron.memory._SAVE", "SELECT ?, ?, ?, ?, ?, ?")
    place.tick(START_MS + 31 * DAY_MS)
    assert len(place.runs("report")) == 1


def test_a_report_that_was_given_up_is_asked_for_again_an_hour_later() -> None:
    place = daily()
    place.tick(START_MS + 31 * DAY_MS)
    (message,) = (each for each in place.queue.sent if each["job"] == "report")

    def fail(method: str) -> None:
        raise down("the object")

    place.desk().fail = fail
    asyncio.run(consume(place.context(), json.dumps(message), 5))
    assert place.runs("report")[-1]["state"] == "failed"
    place.desk().fail = lambda method: None
    place.queue.sent.clear()
    an_hour_later(place)
    again = [each for each in place.queue.sent if each["job"] == "report"]
    assert {each["id"] for each in again} == {message["id"]}
    asyncio.run(consume(place.context(), json.dumps(again[0])))
    assert {run["state"] for run in place.runs("report")} == {"done"}
    assert f"reports/v1/alpha/{day(30)}.json" in place.store.objects
