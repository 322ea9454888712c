"""Ingest, archive, scan, propose: minute by minute, with everything that may come between."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from cron import scan
from cron.minute import minute
from shared.archive import hot, keys
from shared.archive.candles import CandleArchive
from shared.errors import StorageUnavailable
from shared.model import Interval
from tests.unit.cron.world import (
    DAY_MS,
    MINUTE_MS,
    START_MS,
    WireVenue,
    World,
    settings,
    symbols,
    wave,
)

HISTORY = 50


def at(bars: int) -> int:
    return START_MS + bars * MINUTE_MS


def world(count: int = 3, bars: int = 400, **config: Any) -> World:
    return World(WireVenue(symbols(count, bars)), settings(history_bars=HISTORY, **config))


def archived(place: World, symbol: str = "S000") -> list[int]:
    archive = CandleArchive(place.db, place.store, "us", Interval.M1)
    return list(asyncio.run(archive.read(0, 10**14)).get(symbol, {}))


def signals(place: World) -> list[dict[str, Any]]:
    return place.db.all("SELECT * FROM signals ORDER BY bar_close_ms, id")


def heard_once(place: World, name: str = "alpha") -> list[int]:
    """Open times the desk had of the first symbol, after checking that no bar came twice."""
    heard = [bar for bars in place.desk(name).heard("bars") for bar in bars]
    assert len(heard) == len(set(heard))
    return [at_ms for instrument, at_ms in heard if instrument == "us:S000"]


def test_a_cold_start_backfills_warms_and_proposes_only_on_the_last_bar() -> None:
    place = world()
    assert place.tick(at(100)) == {"done": 3}
    assert archived(place) == [at(n) for n in range(100 - HISTORY, 100)]
    assert heard_once(place) == [at(98), at(99)]
    assert {row["outcome"] for row in signals(place) if row["bar_close_ms"] < at(100)} == {"stale"}
    assert all(row["outcome"] != "stale" for row in signals(place) if row["bar_close_ms"] == at(100))
    assert place.desk().log[0][0] == "open"
    opened = place.desk().heard("open")[0]
    assert [each["symbol"] for each in opened["instruments"]] == ["S000", "S001", "S002"]
    assert opened["interval_ms"] == MINUTE_MS


def test_each_closed_bar_is_scanned_once_and_its_proposals_follow_its_bars() -> None:
    place = world()
    for n in range(100, 140):
        place.tick(at(n))
    assert archived(place) == [at(n) for n in range(50, 139)]
    assert heard_once(place) == [at(n) for n in range(98, 139)]
    proposed = [row for row in signals(place) if row["proposal"]]
    assert len(proposed) >= 5
    assert {row["outcome"] for row in proposed} == {"intended"}
    assert all(row["client_id"] for row in proposed)
    by_id = {row["id"]: row for row in proposed}
    newest = 0
    for what, body in place.desk().log[1:]:
        newest = body[-1][1] + MINUTE_MS if what == "bars" else newest
        assert what != "propose" or {by_id[each]["bar_close_ms"] for each in body} == {newest}
    points = place.db.all("SELECT market_ms FROM equity ORDER BY market_ms")
    assert [point["market_ms"] for point in points] == [at(n) for n in range(100, 140)]
    marks = place.db.all("SELECT DISTINCT open_time_ms, first_open_time_ms FROM watermarks")
    assert marks == [{"open_time_ms": at(138), "first_open_time_ms": at(50)}]


def test_a_tick_on_which_nothing_closed_costs_no_scan() -> None:
    place = world()
    place.tick(at(100))
    assert place.tick(at(100)) == {"done": 2}
    assert len(place.runs("scan")) == 1
    assert len(place.store.objects) == 1


def test_the_same_tick_five_times_at_once_runs_once() -> None:
    place = world()
    place.tick(at(100))
    place.venue.market_ms = at(101)
    place.clock.advance(MINUTE_MS)

    async def five() -> list[dict[str, int]]:
        return list(await asyncio.gather(*(minute(place.context()) for _ in range(5))))

    asyncio.run(five())
    asyncio.run(minute(place.context()))
    assert len(place.runs("ingest")) == 2
    assert len(place.runs("scan")) == 2
    assert len(archived(place)) == HISTORY + 1
    assert heard_once(place) == [at(98), at(99), at(100)]
    assert {run["state"] for run in place.runs("ingest")} == {"done"}


def test_a_crash_between_r2_and_d1_loses_nothing_and_is_swept() -> None:
    place = world()
    place.tick(at(100))

    def fail(sql: str) -> None:
        if "INTO archive_objects" in sql:
            raise StorageUnavailable("D1 did not answer")

    place.db.fail = fail
    place.tick(at(101))
    assert len(place.store.objects) == 2
    assert place.runs("ingest")[-1]["state"] == "failed"
    place.db.fail = lambda sql: None
    assert archived(place)[-1] == at(99), "an object without an index row is not read"
    place.tick(at(102))
    assert archived(place) == [at(n) for n in range(50, 102)]
    assert heard_once(place) == [at(n) for n in range(98, 102)]
    from shared.archive import compact

    day = keys.day_of(START_MS)
    asyncio.run(compact.compact(place.db, place.store, "us", Interval.M1, day, "c", 1))
    assert len(place.store.objects) == 1
    assert archived(place) == [at(n) for n in range(50, 102)]


@pytest.mark.parametrize("method", ["bars", "propose", "view"])
def test_a_desk_that_fails_is_brought_up_to_date_later(method: str) -> None:
    place, calm = world(), world()
    place.tick(at(100))
    calm.tick(at(100))

    def fail(called: str) -> None:
        if called == method:
            raise StorageUnavailable("the object did not answer")

    for n in range(101, 130):
        place.desk().fail = fail if n % 2 else lambda called: None
        place.tick(at(n))
        calm.tick(at(n))
    place.desk().fail = lambda called: None
    place.tick(at(130))
    calm.tick(at(130))
    assert heard_once(place) == heard_once(calm)
    assert {r["id"] for r in signals(place)} == {r["id"] for r in signals(calm)}
    assert {row["outcome"] for row in signals(place)} <= {"intended", "stale"}
    assert sorted(place.desk().intended) == sorted(calm.desk().intended)


def test_a_crash_between_the_desks_answer_and_d1_offers_the_same_ids_again() -> None:
    place = world()
    place.tick(at(100))

    def fail(sql: str) -> None:
        if sql.startswith("UPDATE signals"):
            raise StorageUnavailable("D1 did not answer")

    place.db.fail = fail
    n = 100
    while not place.desk().heard("propose")[1:]:
        n += 1
        place.tick(at(n))
    place.db.fail = lambda sql: None
    place.tick(at(n))
    outcomes = {row["outcome"] for row in signals(place)}
    assert "duplicate" in outcomes
    assert "pending" not in outcomes
    ids = [each for body in place.desk().heard("propose") for each in body]
    assert len(place.desk().intended) == len(set(ids)) < len(ids)


def test_a_crash_before_the_memory_is_stored_scans_the_same_bar_again() -> None:
    place, calm = world(), world()

    def fail(sql: str) -> None:
        if "INTO brain_state" in sql:
            raise StorageUnavailable("D1 did not answer")

    for n in range(100, 125):
        place.db.fail = fail if n % 3 == 0 else lambda sql: None
        place.tick(at(n))
        calm.tick(at(n))
    assert [row["id"] for row in signals(place)] == [row["id"] for row in signals(calm)]
    assert sorted(place.desk().intended) == sorted(calm.desk().intended)


def test_two_scans_of_one_desk_at_once_store_one_set_of_signals() -> None:
    place = world()
    for n in range(100, 105):
        place.tick(at(n))
    place.desk().fail = lambda called: (_ for _ in ()).throw(StorageUnavailable("down")) if called == "bars" else None
    place.tick(at(106))
    place.desk().fail = lambda called: None
    before = len(signals(place))

    async def both() -> None:
        await asyncio.gather(*(scan.run(place.context("alpha", f"r{i}")) for i in range(3)))

    asyncio.run(both())
    versions = place.db.all("SELECT version, as_of_ms FROM brain_state")
    assert versions == [{"version": 8, "as_of_ms": at(106)}]
    assert len({row["id"] for row in signals(place)}) == len(signals(place)) >= before


def test_a_race_that_is_lost_every_time_is_given_up_for_this_run(monkeypatch: pytest.MonkeyPatch) -> None:
    place = world()
    place.tick(at(100))

    async def lost(*_: Any) -> bool:
        return False

    monkeypatch.setattr("cron.memory.save", lost)
    place.tick(at(101))
    run = place.runs("scan")[-1]
    assert run["state"] == "failed"
    assert "lost_race" in run["error"]


def test_a_symbol_that_lists_mid_way_joins_from_its_first_bar() -> None:
    bars = symbols(2, 400)
    bars["FB"] = wave(at(120), MINUTE_MS, 200, 5)
    place = World(WireVenue(bars), settings(history_bars=HISTORY))
    place.venue.listed["FB"] = at(120)
    for n in range(100, 140):
        place.tick(at(n))
    assert archived(place, "FB") == [at(n) for n in range(120, 139 + 1) if n < 139]
    assert not place.db.all("SELECT * FROM gaps")
    heard = [at_ms for body in place.desk().heard("bars") for instrument, at_ms in body if instrument == "us:FB"]
    assert heard == [at(n) for n in range(120, 139)]


def test_a_symbol_that_came_late_gets_its_own_bars_and_the_others_none_twice() -> None:
    place = world()
    place.tick(at(100))

    def without_s001(query: dict[str, str], body: dict[str, Any]) -> httpx.Response:
        body["items"].pop("S001", None)
        return httpx.Response(200, json=body)

    place.venue.spoil = without_s001
    place.tick(at(101))
    assert "S001: the venue left it out" in place.runs("ingest")[-1]["error"]
    place.venue.spoil = lambda query, body: None
    place.tick(at(102))
    heard_once(place)
    heard = [at_ms for body in place.desk().heard("bars") for instrument, at_ms in body if instrument == "us:S001"]
    assert heard == [at(98), at(99), at(100), at(101)]
    assert not place.db.all("SELECT * FROM gaps")


def test_a_gap_is_found_asked_for_and_filled_or_given_up() -> None:
    place = world()
    place.tick(at(100))
    hidden = {"S000": {at(101)}, "S001": {at(101), at(102)}}

    def holes(query: dict[str, str], body: dict[str, Any]) -> httpx.Response:
        for symbol, times in hidden.items():
            rows = body["items"].get(symbol, [])
            body["items"][symbol] = [row for row in rows if row[0] not in times] if symbol in body["items"] else []
        body["items"] = {s: rows for s, rows in body["items"].items() if s in query["symbols"].split(",")}
        return httpx.Response(200, json=body)

    place.venue.spoil = holes
    place.tick(at(104))
    found = place.db.all("SELECT symbol, from_ms, to_ms, attempts, state FROM gaps ORDER BY symbol")
    assert [(row["symbol"], row["from_ms"], row["to_ms"]) for row in found] == [
        ("S000", at(101), at(101)),
        ("S001", at(101), at(102)),
    ]
    hidden["S000"] = set()
    hidden["S001"] = {at(102)}
    for n in range(105, 109):
        place.tick(at(n))
    found = place.db.all("SELECT symbol, from_ms, to_ms, attempts, state FROM gaps ORDER BY symbol, from_ms")
    assert [tuple(row.values()) for row in found] == [
        ("S000", at(101), at(101), 1, "filled"),
        ("S001", at(101), at(101), 1, "filled"),
        ("S001", at(102), at(102), 3, "empty"),
    ]
    assert at(101) in archived(place, "S001")
    assert at(102) not in archived(place, "S001")
    window = hot.from_bytes(place.hot.values[keys.hot_key("us", Interval.M1)], "us", Interval.M1, HISTORY)
    assert at(101) in window.series["S000"]


def test_a_session_venue_has_no_gap_where_nobody_traded() -> None:
    step = DAY_MS
    days = [n for n in range(60) if n % 7 < 5]
    bars = {s: [row for row in wave(START_MS, step, 60, i) if (row[0] - START_MS) // step in days] for i, s in
            enumerate("AB")}  # fmt: skip
    lost = bars["B"].pop(20)
    place = World(WireVenue(bars, step), settings("1d", "session", history_bars=30))
    for n in range(40, 55):
        place.tick(START_MS + n * step)
    gaps = place.db.all("SELECT symbol, from_ms, state FROM gaps")
    assert [tuple(gap.values()) for gap in gaps] == [("B", lost[0], "empty")]


def test_a_row_refused_once_is_asked_for_again_though_no_other_symbol_has_its_time() -> None:
    place = World(WireVenue({"EURUSD": wave(START_MS, MINUTE_MS, 400)}), settings(calendar="session", history_bars=50))
    place.tick(at(100))
    refused = {at(101), at(102), at(107)}

    def spoil(query: dict[str, str], body: dict[str, Any]) -> None:
        rows = [list(row) for row in body["items"]["EURUSD"]]
        body["items"]["EURUSD"] = [[row[0], "NaN", *row[2:]] if row[0] in refused else row for row in rows]

    place.venue.spoil = spoil
    place.tick(at(104))
    refused -= {at(101)}
    for n in range(105, 111):
        place.tick(at(n))
    for _ in range(2):
        place.tick(at(110))
    assert at(101) in archived(place, "EURUSD")
    assert set(archived(place, "EURUSD")) == {at(n) for n in range(110)} - refused
    gaps = place.db.all("SELECT from_ms, to_ms, attempts, state FROM gaps ORDER BY from_ms")
    assert [tuple(gap.values()) for gap in gaps] == [
        (at(101), at(101), 1, "filled"),
        (at(102), at(102), 3, "empty"),
        (at(107), at(107), 3, "empty"),
    ]
