"""What was missed, lost or late: how cron comes back, and what may still be traded on."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from cron import scan
from cron.consumer import consume
from shared.archive import hot, keys
from shared.errors import StorageUnavailable
from shared.market.ingest import Budget
from shared.model import Interval
from tests.unit.cron.test_flow import HISTORY, archived, at, heard_once, signals, world
from tests.unit.cron.world import LIMITS, WireVenue, World, desk_json, settings, symbols


def test_a_missed_minute_is_caught_up_bar_by_bar() -> None:
    played, missed = world(), world()
    for n in range(100, 131):
        played.tick(at(n))
    for n in range(100, 131, 2):
        missed.tick(at(n))
    assert heard_once(missed) == heard_once(played)
    wanted = [(row["id"], row["outcome"], row["proposal"]) for row in signals(played)]
    assert [(row["id"], row["outcome"], row["proposal"]) for row in signals(missed)] == wanted
    assert missed.desk().log == played.desk().log


def test_a_missed_stretch_is_proposed_on_as_far_as_the_desk_takes_a_signals_age() -> None:
    for age in (1, 3):
        limits = LIMITS.replace("}", f',"max_signal_age_bars":{age}}}')
        desk = desk_json("alpha").replace(LIMITS, limits)
        played, missed = (world(count=9, desks=desk) for _ in range(2))
        for n in range(100, 126):
            played.tick(at(n))
        for n in range(100, 126, 5):
            missed.tick(at(n))
        assert heard_once(missed) == heard_once(played)
        late = {at(n) for n in range(101, 126) if -n % 5 > age}
        rows = [row for row in signals(missed) if row["bar_close_ms"] > at(100)]
        assert {row["bar_close_ms"] for row in rows if row["outcome"] == "stale"} == late & closes(rows)
        proposed = {row["id"] for row in signals(played) if row["proposal"] and row["bar_close_ms"] not in late}
        assert {row["id"] for row in signals(missed) if row["proposal"]} == proposed
        assert len(proposed) > 5


def closes(rows: list[dict[str, Any]]) -> set[int]:
    return {row["bar_close_ms"] for row in rows}


def test_after_a_long_outage_the_desk_has_every_bar_but_only_the_last_is_proposed_on() -> None:
    place = world()
    place.tick(at(100))
    place.tick(at(160))
    assert heard_once(place) == [at(n) for n in range(98, 160)]
    assert archived(place) == [at(n) for n in range(50, 160)]
    late = [row for row in signals(place) if at(100) < row["bar_close_ms"] < at(160)]
    assert late
    assert {row["outcome"] for row in late} == {"stale"}


def test_proposals_that_could_not_be_delivered_for_long_become_stale() -> None:
    place = world()
    place.tick(at(100))

    def fail(called: str) -> None:
        if called == "propose":
            raise StorageUnavailable("the object did not answer")

    place.desk().fail = fail
    n = 101
    while not (last := [row for row in signals(place) if row["proposal"] and row["bar_close_ms"] == at(n)]) or n < 130:
        n += 1
        place.tick(at(n))
    assert {row["outcome"] for row in last} == {"pending"}
    assert "propose to alpha" in place.runs("scan")[-1]["error"]
    place.tick(at(n + 1))
    place.tick(at(n + 2))
    rows = [row for row in signals(place) if row["proposal"] and at(100) < row["bar_close_ms"] <= at(n)]
    assert {(row["outcome"], row["code"]) for row in rows} == {("stale", "not_delivered")}


def test_a_proposal_that_the_desk_had_is_never_called_undelivered() -> None:
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
    offered = len(place.desk().heard("propose"))
    place.tick(at(n + 2))
    had = [row for row in signals(place) if row["proposal"] and at(100) < row["bar_close_ms"] <= at(n)]
    assert {row["outcome"] for row in had} == {"duplicate"}
    assert {row["client_id"] for row in had} <= set(place.desk().intended)
    assert len(place.desk().heard("propose")) <= offered + 2, "what is too old is asked for, not offered"


def test_d1_down_for_minutes_costs_nothing_but_time() -> None:
    place, calm = world(), world()
    place.tick(at(100))
    calm.tick(at(100))

    def fail(sql: str) -> None:
        raise StorageUnavailable("D1 did not answer")

    for n in range(101, 104):
        place.db.fail = fail
        assert place.tick(at(n)) == {"not_started": 2}
        calm.tick(at(n))
    place.db.fail = lambda sql: None
    place.tick(at(104))
    calm.tick(at(104))
    assert sorted(heard_once(place)) == heard_once(calm)
    assert archived(place) == archived(calm)
    assert [row["id"] for row in signals(place)] == [row["id"] for row in signals(calm)]


def test_kv_lost_stale_or_down_is_only_slower() -> None:
    place = world()
    place.tick(at(100))
    key = keys.hot_key("us", Interval.M1)
    place.hot.frozen = dict(place.hot.values)
    place.tick(at(101))
    place.tick(at(102))
    place.hot.frozen = None
    stale_safe = place.hot.values[key]
    place.hot.values.clear()
    place.tick(at(103))
    rebuilt = hot.from_bytes(place.hot.values[key], "us", Interval.M1, HISTORY)
    assert [len(series) for series in rebuilt.series.values()] == [HISTORY] * 3
    assert rebuilt.newest_ms("S000") == at(102)
    assert hot.from_bytes(stale_safe, "us", Interval.M1, HISTORY).newest_ms("S000") == at(101)
    place.hot.down = True
    place.tick(at(104))
    assert json.loads(place.runs("ingest")[-1]["counts"])["hot_failed"] == 1
    place.hot.down = False
    place.tick(at(105))
    assert heard_once(place) == [at(n) for n in range(98, 105)]


def test_after_a_lost_scan_the_bars_come_from_hot_or_the_archive() -> None:
    place = world()
    place.tick(at(100))
    for n, clear in ((101, False), (103, True)):
        place.brain.fail = lambda body: (_ for _ in ()).throw(StorageUnavailable("down"))
        place.tick(at(n))
        place.brain.fail = lambda body: None
        place.venue.spoil_other = lambda path: httpx.Response(500)
        if clear:
            place.hot.down = True
        place.tick()
        counts = json.loads(place.runs("scan")[-1]["counts"])
        assert counts["from_archive" if clear else "from_hot"] == 1
        place.venue.spoil_other = lambda path: None
    place.hot.down = False
    place.tick(at(104))
    assert sorted(set(heard_after_retries(place))) == [at(n) for n in range(98, 104)]


def heard_after_retries(place: World) -> list[int]:
    """With the brain failing after the desk had its bars, the desk gets them again: it knows them."""
    return [at_ms for bars in place.desk().heard("bars") for name, at_ms in bars if name == "us:S000"]


def test_a_new_desk_on_an_old_venue_begins_with_the_hot_history() -> None:
    place = world()
    place.tick(at(100))
    place.tick(at(101))
    both = ",".join([desk_json("alpha"), desk_json("beta", symbols='["S001"]')])
    place.settings = settings(history_bars=HISTORY, desks=both)
    place.tick(at(102))
    counts = json.loads(next(run for run in place.runs("scan") if run["scope"] == "beta")["counts"])
    assert counts["from_hot"] == 1
    assert counts["bars"] == HISTORY
    assert {name for bars in place.desk("beta").heard("bars") for name, _ in bars} == {"us:S001"}
    for n in range(103, 125):
        place.tick(at(n))
    shared = place.db.all("SELECT id FROM signals GROUP BY id HAVING count(*) = 2")
    assert shared, "one strategy on one venue says the same to two desks, and both are asked"


def test_a_backfill_over_the_budget_waits_with_scanning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.market.ingest.Budget", lambda: Budget(calls=2))
    place = world(bars=900, count=2)
    place.settings = settings(history_bars=400)
    place.tick(at(500))
    assert json.loads(place.runs("scan")[0]["counts"])["catching_up"] == 1
    assert not place.desk().heard("bars")
    place.tick(at(500))
    place.tick(at(501))
    assert archived(place) == [at(n) for n in range(100, 501)]
    assert heard_once(place)[-1] == at(500)


def test_history_of_many_symbols_goes_to_the_brain_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, parts = world(), world()
    whole.tick(at(100))
    monkeypatch.setattr(scan, "BRAIN_BARS", 60)
    parts.tick(at(100))
    assert len(parts.brain.scans) > len(whole.brain.scans)
    assert [row["id"] for row in signals(parts)] == [row["id"] for row in signals(whole)]


def scan_by_message(place: World, run_id: str) -> None:
    body = {"v": 1, "id": run_id, "job": "scan", "scope": "alpha", "requested_by": "edk", "queued_ms": 5}
    asyncio.run(consume(place.context(), json.dumps(body)))


def behind(monkeypatch: pytest.MonkeyPatch) -> World:
    """A cron that comes back after a day, and needs several runs to catch up."""
    monkeypatch.setattr("shared.market.ingest.Budget", lambda: Budget(calls=3))
    place = world(bars=3000)
    place.tick(at(100))
    place.tick(at(101))
    return place


def late_proposals(place: World) -> list[dict[str, Any]]:
    sql = "SELECT id FROM signals WHERE proposal IS NOT NULL AND bar_close_ms > ? AND bar_close_ms < ?"
    return place.db.all(sql, at(101), at(1499))


def test_a_scan_asked_for_while_ingest_is_behind_proposes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    place = behind(monkeypatch)
    for n in range(6):
        place.tick(at(1500))
        scan_by_message(place, f"m{n}")
    scans = [json.loads(run["counts"]) for run in place.runs("scan")]
    assert any(counts.get("catching_up") for counts in scans)
    assert heard_once(place)[-1] == at(1499)
    assert not late_proposals(place)


def test_a_failed_ingest_does_not_let_the_scan_trade_on_old_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    place = behind(monkeypatch)
    for _ in range(8):
        place.venue.spoil_other = lambda path: None
        place.tick(at(1500))
        place.venue.spoil_other = lambda path: httpx.Response(500) if path == "clock" else None
        place.tick(at(1500))
    assert heard_once(place)[-1] == at(1499)
    assert not late_proposals(place)


def test_a_desk_that_comes_back_while_the_venue_is_down_does_not_trade_on_what_was_new_then() -> None:
    place = world(count=9)
    for n in range(100, 110):
        place.tick(at(n))

    def down(method: str) -> None:
        raise StorageUnavailable("the object did not answer")

    place.desk().fail = down
    place.tick(at(110))
    place.venue.spoil_other = lambda path: httpx.Response(500)
    for _ in range(3):
        place.tick()
    place.desk().fail = lambda method: None
    place.tick()
    assert heard_once(place)[-1] == at(109)
    late = [row for row in signals(place) if row["bar_close_ms"] == at(110)]
    assert late
    assert {row["outcome"] for row in late} == {"stale"}


def test_before_the_first_ingest_a_scan_by_message_does_nothing() -> None:
    place = world()
    scan_by_message(place, "m1")
    assert json.loads(place.runs("scan")[0]["counts"])["catching_up"] == 1


def long_day() -> World:
    """More objects than one read may touch lie within reach of the hot window; no message was ever consumed."""
    place = World(WireVenue(symbols(1, 700)), settings(history_bars=200))
    for n in range(210, 640):
        place.tick(at(n))
    return place


def test_a_lost_hot_window_is_rebuilt_late_in_the_day() -> None:
    place = long_day()
    place.hot.values.clear()
    place.tick(at(640))
    body = place.hot.values[keys.hot_key("us", Interval.M1)]
    window = hot.from_bytes(body, "us", Interval.M1, 200)
    assert list(window.series["S000"]) == [at(n) for n in range(440, 640)]


def test_a_desk_far_behind_has_every_bar_in_order_however_many_objects_they_lie_in() -> None:
    place = World(WireVenue(symbols(2, 900)), settings(history_bars=200))
    for n in range(210, 220):
        place.tick(at(n))

    def down(method: str) -> None:
        if method == "bars":
            raise StorageUnavailable("the object did not answer")

    place.desk().fail = down
    for n in range(220, 600):
        place.tick(at(n))
    place.desk().fail = lambda method: None
    for n in range(600, 610):
        place.tick(at(n))
    heard = heard_once(place)
    assert heard[-390:] == [at(n) for n in range(219, 609)]
    assert {run["state"] for run in place.runs("scan")[-10:]} == {"done"}


@pytest.mark.parametrize("age", [1, 3, 5])
def test_a_brain_that_fails_for_long_keeps_no_bar_from_the_desk(age: int) -> None:
    limits = LIMITS.replace("}", f',"max_signal_age_bars":{age}}}')
    place = world(desks=desk_json("alpha").replace(LIMITS, limits))
    place.tick(at(100))
    assert place.desk().market_ms == at(100)

    def fail(_body: dict[str, Any]) -> None:
        raise RuntimeError("the brain is broken")

    place.brain.fail = fail
    for n in range(101, 115):
        place.tick(at(n))
        assert place.desk().market_ms == at(n)
    assert {run["state"] for run in place.runs("scan")[1:]} == {"failed"}
    place.brain.fail = lambda body: None
    for n in range(115, 125):
        place.tick(at(n))
        assert place.desk().market_ms == at(n)
    assert {run["state"] for run in place.runs("scan")[-10:]} == {"done"}
    assert [row for row in signals(place) if row["bar_close_ms"] > at(115)]
