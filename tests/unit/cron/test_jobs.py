"""Monitor, report, retention, compact, the table, and the memory's format."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
from typing import Any

import httpx
import pytest

from cron import compact, memory, monitor, outbox, report, retention
from cron.bars import ended_days
from cron.table import BY_NAME, JOBS, Tick, turned_units
from shared.archive import keys
from shared.errors import Conflict, Invalid, NotFound, StorageUnavailable, TooLarge
from tests.unit.cron.world import DAY_MS, MINUTE_MS, START_MS, WireVenue, World, desk_json, settings, symbols, wave
from tests.unit.native_ports import NativeDatabase

HOUR_MS = 3_600_000
LOUD, QUIET = {"quiet": False}, {"quiet": True}


def world(count: int = 3) -> World:
    return World(WireVenue(symbols(count, 400)), settings(history_bars=50))


def do(place: World, job: Any, scope: str = "", run: str = "run") -> dict[str, int]:
    counts: dict[str, int] = asyncio.run(job.run(place.context(scope, run))).counts
    return counts


def test_monitor_opens_a_desk_once_and_again_when_its_settings_change() -> None:
    place = world()
    assert do(place, monitor)["opened"] == 1
    assert do(place, monitor)["opened"] == 0
    place.settings = settings(history_bars=50, desks='"alpha":' + json.dumps(_desk(risk_per_trade_bps=99)))
    assert do(place, monitor)["opened"] == 1
    assert place.desk().heard("open")[-1]["limits"]["risk_per_trade_bps"] == 99
    rows = place.db.all("SELECT desk, venue, currency, mode FROM desks")
    assert rows == [{"desk": "alpha", "venue": "us", "currency": "USD", "mode": "paper"}]


def test_a_desk_is_opened_with_all_that_it_is_configured_to_be() -> None:
    protections = {"daily_loss": {"limit_bps": 100}}
    more = {"mode": "live", "trading": {"kind": "sandbox"}, "protections": protections, "rehearsed_as": "beta"}
    place = World(WireVenue(symbols(1, 9)))
    config = _desk() | more | {"rehearsal_days": 9}
    told = f'"alpha":{json.dumps(config)},{desk_json("beta")}'
    place.settings = settings(desks=told, trading_mode="live")
    do(place, monitor)
    (opened,) = place.desk().heard("open")
    assert {name: opened[name] for name in more} == more
    assert opened["rehearsal_days"] == 9
    (other,) = place.desk("beta").heard("open")
    assert (other["mode"], other["trading"], other["rehearsed_as"]) == ("paper", {"kind": "paper"}, None)
    modes = place.db.all("SELECT desk, mode FROM desks ORDER BY desk")
    assert [row["mode"] for row in modes] == ["live", "paper"]


def _desk(**limits: Any) -> dict[str, Any]:
    found: dict[str, Any] = settings().DESKS["alpha"].wire()
    found["limits"] |= limits
    return found


def test_monitor_opens_again_a_desk_that_has_forgotten() -> None:
    place = world()
    do(place, monitor)
    place.desk().is_open = False
    assert do(place, monitor)["desks_failed"] == 0
    assert place.desk().is_open


def test_a_desk_that_refuses_its_new_settings_goes_on_under_the_old_ones() -> None:
    place = world()
    do(place, monitor)
    called: list[str] = []

    def differs(method: str) -> None:
        called.append(method)
        if method == "open":
            raise Conflict("currency is USD and cannot become EUR", code="desk_differs")

    place.desk().fail = differs
    place.settings = settings(history_bars=50, desks='"alpha":' + json.dumps(_desk(risk_per_trade_bps=99)))
    done = asyncio.run(monitor.run(place.context()))
    assert done.counts["desks_failed"] == 1
    assert "desk alpha: desk_differs" in done.problems[0]
    assert called == ["open", "tick"]


def _status(place: World) -> list[dict[str, Any]]:
    return place.db.all("SELECT status, codes, status_ms FROM desks")


def test_monitor_notes_how_a_desk_stands_and_since_when() -> None:
    place = world()
    do(place, monitor)
    since = place.clock.now_ms()
    assert _status(place) == [{"status": "active", "codes": "[]", "status_ms": since}]
    place.clock.advance(MINUTE_MS)
    trips = place.db.trips
    assert (do(place, monitor)["desks_reducing"], _status(place)[0]["status_ms"]) == (0, since)
    quiet = place.db.trips - trips
    place.desk().status = ("reducing", ["daily_loss", "stale_data"])
    trips = place.db.trips
    counts = do(place, monitor)
    assert (counts["desks_reducing"], counts["desks_halted"]) == (1, 0)
    assert place.db.trips - trips == quiet + 1, "what has not changed is not written"
    now = place.clock.now_ms()
    assert _status(place) == [{"status": "reducing", "codes": '["daily_loss", "stale_data"]', "status_ms": now}]
    place.desk().status = ("halted", ["max_drawdown"])
    assert do(place, monitor)["desks_halted"] == 1


def test_a_desk_that_does_not_answer_is_noted_as_such() -> None:
    place = world()
    do(place, monitor)

    def fail(method: str) -> None:
        raise StorageUnavailable("gone", code="peer_unavailable")

    place.desk().fail = fail
    do(place, monitor)
    assert [(row["status"], row["codes"]) for row in _status(place)] == [("unreachable", '["peer_unavailable"]')]


def test_the_silence_of_a_market_that_has_ended_is_told_to_its_desks() -> None:
    place = World(WireVenue(symbols(1, 9)), settings(desks=f"{desk_json('alpha')},{desk_json('beta')}"))
    place.tick(START_MS + 5 * MINUTE_MS)
    place.tick(START_MS + 6 * MINUTE_MS)
    assert [place.desk(name).ticks for name in ("alpha", "beta")] == [[LOUD, LOUD], [LOUD, LOUD]]
    place.venue.ended = True
    place.tick()
    place.tick()
    assert place.desk().ticks[-2:] == [LOUD, QUIET], "known from the ingest before"
    place.venue.ended = False
    place.tick()
    place.tick()
    assert place.desk().ticks[-2:] == [QUIET, LOUD]


def test_while_d1_is_down_the_desks_hear_the_cron_all_the_same() -> None:
    place = World(WireVenue(symbols(1, 9)), settings(desks=f"{desk_json('alpha')},{desk_json('beta')}"))
    place.tick(START_MS + 5 * MINUTE_MS)

    def down(sql: str) -> None:
        raise StorageUnavailable("D1 did not answer")

    place.db.fail = down
    place.desk("alpha").is_open = False
    assert place.tick()["not_started"] >= 1
    assert place.desk("beta").ticks[-1] == {}, "whatever becomes of the others; of the market nothing is known"


def test_monitor_watches_every_book_in_shards_of_200() -> None:
    place = World(WireVenue({f"S{i:03d}": [] for i in range(250)}))
    counts = do(place, monitor)
    assert counts["shards"] == 2
    assert sorted(place.books.members) == ["us:0", "us:1"]
    watched = place.books.members["us:1"].watched[0]
    assert len(watched["symbols"]) == 50
    assert watched["url"] == "ws://venue/us/depth"
    assert watched["desks"] == ["alpha"]
    assert monitor.depth_url("https://v.example/", "fx") == "wss://v.example/fx/depth"


def test_monitor_tells_what_is_wrong_and_goes_on() -> None:
    place = world()
    do(place, monitor)

    def fail(method: str) -> None:
        raise StorageUnavailable("the object did not answer")

    place.desk().fail = fail
    place.books.members["us:0"].call = _failing
    done = asyncio.run(monitor.run(place.context()))
    assert (done.counts["desks_failed"], done.counts["shards_failed"]) == (1, 1)
    assert [problem.split(":")[0] for problem in done.problems] == ["desk alpha", "book us"]


async def _failing(method: str, body: Any) -> dict[str, Any]:
    raise StorageUnavailable("down")


def test_monitor_lists_new_instruments_every_hour_and_lives_without_the_venue() -> None:
    place = world(1)
    do(place, monitor)
    place.venue.bars["NEW"] = []
    place.venue.listed["NEW"] = 0
    place.clock.advance(5 * MINUTE_MS)
    do(place, monitor)
    assert len(place.db.all("SELECT * FROM instruments")) == 1
    place.clock.advance(55 * MINUTE_MS)
    place.venue.spoil_other = lambda path: httpx.Response(500)
    assert "instruments of us" in asyncio.run(monitor.run(place.context())).problems[0]
    place.venue.spoil_other = lambda path: None
    do(place, monitor)
    assert len(place.db.all("SELECT * FROM instruments")) == 2
    assert len(place.desk().heard("open")[-1]["instruments"]) == 2


def _fill(place: World, seq: int, ts_ms: int) -> None:
    place.db.change(
        "INSERT INTO fills VALUES ('alpha', ?, ?, 'c', 'us:S000', 'buy', '1', '10', '0', 'USD', ?)",
        seq,
        f"f{seq}",
        ts_ms,
    )
    body = json.dumps({"client_id": f"c{seq}", "market_ms": ts_ms})
    place.db.change(
        "INSERT INTO orders VALUES ('alpha', ?, 'us:S000', 'buy', 'filled', ?, ?, ?)", f"c{seq}", body, seq, seq
    )


def test_a_report_holds_the_days_orders_and_fills_and_an_equity_point() -> None:
    place = world()
    place.tick(START_MS + 100 * MINUTE_MS)
    for seq, ts_ms in enumerate((START_MS, START_MS + 1, START_MS + DAY_MS, START_MS + DAY_MS + 1)):
        _fill(place, seq, ts_ms)
    day = keys.day_of(START_MS)
    assert do(place, report, "alpha") == {"orders": 2, "fills": 2, "positions": 0}
    body = json.loads(place.store.objects[f"reports/v1/alpha/{day}.json"])
    assert [fill["seq"] for fill in body["fills"]] == [0, 1]
    assert [order["client_id"] for order in body["orders"]] == ["c1", "c2"]
    assert (body["v"], body["day"], body["as_of_seq"], body["view"]["equity"]) == (1, day, 0, "100000")
    assert do(place, report, f"alpha/{keys.day_of(START_MS + DAY_MS)}")["fills"] == 2
    assert len(place.db.all("SELECT * FROM equity")) == 1


def test_a_report_of_what_is_not_there_is_refused() -> None:
    place = world()
    place.tick(START_MS + 100 * MINUTE_MS)
    with pytest.raises(NotFound):
        do(place, report, "nobody")
    with pytest.raises(Invalid):
        do(place, report, "alpha/yesterday")


def test_a_report_of_a_desk_without_prices_has_no_equity_point() -> None:
    place = world()
    do(place, monitor)
    do(place, report, "alpha")
    assert list(place.store.objects) == ["reports/v1/alpha/1970-01-01.json"]
    assert not place.db.all("SELECT * FROM equity")


def test_retention_deletes_what_is_old_in_bounded_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "ROWS", 3)
    place = world()
    now = place.clock.now_ms()
    for i in range(10):
        at_ms = now - (31 if i < 8 else 29) * DAY_MS
        place.db.change("INSERT INTO job_runs (id, job, scope, state, requested_by, queued_ms)"
                        " VALUES (?, 'x', '', 'done', 'cron', ?)", str(i), at_ms)  # fmt: skip
        place.db.change("INSERT INTO idempotency VALUES (?, 'k', 'f', 200, '', ?)", str(i), at_ms)
        place.db.change("INSERT INTO leases VALUES (?, 'h', ?)", str(i), at_ms)
        outcome = "pending" if i == 0 else "stale"
        place.db.change("INSERT INTO signals VALUES (?, 'a', 'us', 'A', 's', 'enter', 'buy', 1, 5, '{}', NULL, ?, NULL,"
                        " NULL, ?)", str(i), outcome, at_ms)  # fmt: skip
        state = "open" if i == 0 else "filled"
        place.db.change("INSERT INTO gaps VALUES ('us', 'A', '1m', ?, ?, 1, ?, ?)", i, i, state, at_ms)
        # three points a day, the last one at midnight
        place.db.change("INSERT INTO equity VALUES ('a', ?, ?, '1', '1', 0)", (i + 1) * DAY_MS // 3, at_ms)
        due_ms = 1 if i == 0 else None
        place.db.change("INSERT INTO alerts (id, desk, severity, code, dedupe_key, body, at_ms, due_ms)"
                        " VALUES (?, '', 'info', 'x', 'x', '{}', ?, ?)", str(i), at_ms, due_ms)  # fmt: skip
        place.db.change("INSERT INTO alert_attempts VALUES (?, 'c', ?, 1, 200, '', NULL)", str(i), at_ms)
    counts = {"job_runs": 8, "idempotency": 8, "leases": 8, "signals": 7, "gaps": 7, "equity": 6}
    counts |= {"alerts": 7, "alert_attempts": 8, "backtests": 0}
    assert do(place, retention) == counts
    assert len(place.db.all("SELECT * FROM job_runs")) == 2
    assert {row["outcome"] for row in place.db.all("SELECT outcome FROM signals WHERE id = '0'")} == {"pending"}
    left = [row["market_ms"] * 3 // DAY_MS for row in place.db.all("SELECT market_ms FROM equity ORDER BY market_ms")]
    assert left == [3, 6, 9, 10]
    monkeypatch.setattr(retention, "ROUNDS", 1)
    assert do(place, retention) == dict.fromkeys(counts, 0)


def test_compact_takes_past_units_and_asks_for_itself_when_some_are_left() -> None:
    place = World(WireVenue({"A": wave(START_MS, HOUR_MS, 2400)}, HOUR_MS), settings("1h", history_bars=50))
    assert do(place, compact, "us")["steps"] == 0
    for n in range(0, 2200, 60):
        place.tick(START_MS + (n + 100) * HOUR_MS)
    before = place.db.all("SELECT count(*) AS n FROM archive_objects")[0]["n"]
    place.queue.sent.clear()
    counts = do(place, compact, "us", "c1")
    assert (counts["steps"], counts["more"]) == (2, 1)
    assert place.queue.sent[0]["job"] == "compact"
    assert do(place, compact, "us", "c2")["more"] == 0
    after = [row["key"] for row in place.db.all("SELECT key FROM archive_objects ORDER BY key")]
    assert len(after) < before
    assert sorted(place.store.objects) == after
    assert sum(key.endswith("month.ndjson.gz") for key in after) == 3


def test_days_and_units_that_turned_are_queued_once() -> None:
    place = World(WireVenue({"A": wave(START_MS, HOUR_MS, 800)}, HOUR_MS), settings("1h", history_bars=50))
    for n in range(47, 53):
        place.tick(START_MS + n * HOUR_MS)
        place.tick()
    reports = [sent["scope"] for sent in place.queue.sent if sent["job"] == "report"]
    assert reports == [f"alpha/{keys.day_of(START_MS + DAY_MS)}"]
    assert {sent["job"] for sent in place.queue.sent} <= {"report", "compact", "retention", "backtest"}
    assert len({sent["id"] for sent in place.queue.sent}) == len(place.queue.sent)
    queued = place.db.all("SELECT state FROM job_runs WHERE job = 'report'")
    assert queued == [{"state": "queued"}]


def send(place: World, key: str = "2024-10-04") -> bool:
    return asyncio.run(outbox.send(place.context(), "retention", "", key))


def test_a_message_that_was_lost_is_sent_again_after_ten_minutes() -> None:
    place = world()
    assert send(place)
    assert not send(place)
    place.clock.advance(600_000)
    assert send(place)
    assert [message["id"] for message in place.queue.sent] == [outbox.message_id("retention", "", "2024-10-04")] * 2


def test_a_message_that_could_not_be_sent_is_sent_when_it_is_asked_for_again() -> None:
    place = world()
    place.queue.down = True
    assert not send(place)
    place.queue.down = False
    assert send(place)
    assert not send(place)


def test_resending_takes_what_waits_too_long_and_reports_that_were_given_up() -> None:
    place = world()
    now = place.clock.now_ms()
    for number, (job, by, state, error, age_ms) in enumerate(
        [
            ("report", "cron", "queued", None, 600_000),
            ("report", "cron", "queued", None, 599_999),
            ("report", "edk_abc", "queued", None, 600_000),
            ("report", "cron", "failed", "gave up: try_again: no", 600_000),
            ("report", "cron", "failed", "malformed message", 600_000),
            ("compact", "cron", "failed", "gave up: try_again: no", 600_000),
            ("report", "cron", "done", None, 600_000),
        ]
    ):
        place.db.change(
            "INSERT INTO job_runs (id, job, scope, state, requested_by, queued_ms, error) VALUES (?, ?, 'a', ?, ?, ?, ?)",
            f"r{number}", job, state, by, now - age_ms, error,
        )  # fmt: skip
    assert asyncio.run(outbox.resend(place.context())) == 2
    assert {message["id"] for message in place.queue.sent} == {"r0", "r3"}
    assert asyncio.run(outbox.resend(place.context())) == 0
    place.db.fail = _no_d1
    assert asyncio.run(outbox.resend(place.context())) == 0


def _no_d1(sql: str) -> None:
    raise StorageUnavailable("D1 did not answer")


@pytest.mark.parametrize(
    ("before", "closes", "step", "days"),
    [
        (None, [DAY_MS], DAY_MS, []),
        (DAY_MS, [DAY_MS], DAY_MS, []),
        (DAY_MS, [], DAY_MS, []),
        (DAY_MS, [2 * DAY_MS], DAY_MS, ["1970-01-02"]),
        (23 * HOUR_MS, [24 * HOUR_MS], HOUR_MS, ["1970-01-01"]),
        (24 * HOUR_MS, [25 * HOUR_MS], HOUR_MS, []),
        (24 * HOUR_MS, [23 * HOUR_MS], HOUR_MS, []),
        (22 * HOUR_MS, [3 * DAY_MS - HOUR_MS], HOUR_MS, ["1970-01-01"]),
        (22 * HOUR_MS, [2 * DAY_MS], HOUR_MS, ["1970-01-01", "1970-01-02"]),
        (DAY_MS, [6 * DAY_MS, 2 * DAY_MS, 3 * DAY_MS], DAY_MS, ["1970-01-02", "1970-01-03", "1970-01-06"]),
    ],
)
def test_the_days_that_ended(before: int | None, closes: list[int], step: int, days: list[str]) -> None:
    assert ended_days(before, closes, step) == days


def test_the_table_names_every_job_once() -> None:
    assert list(BY_NAME) == ["alerts", "monitor", "ingest", "scan", "report", "compact", "retention", "backtest"]
    assert turned_units(Tick(0, settings())) == []
    assert all(job.lease_s > 0 for job in JOBS)


def test_a_small_memory_is_plain_json_and_a_large_one_packed() -> None:
    small = {"seen": {"A": 1}, "state": {"v": 1}}
    assert json.loads(memory.pack(small)) == small
    large = {"seen": {}, "state": {"closes": [i / 7 for i in range(9000)]}}
    text = memory.pack(large)
    assert text.startswith("gz:")
    assert len(text) < len(json.dumps(large))
    assert memory.unpack(text) == large
    noise = {"state": random.Random(1).randbytes(3_500_000).hex()}
    with pytest.raises(TooLarge):
        memory.pack(noise)
    assert gzip.decompress(gzip.compress(b"x")) == b"x"


def test_a_memory_that_fits_no_row_is_kept_in_several_and_those_left_over_go() -> None:
    db = NativeDatabase()

    async def go(lengths: list[int]) -> list[int]:
        rows = []
        for writer, length in enumerate(lengths):
            kept = await memory.load(db, "d")
            kept.as_of_ms = 5
            kept.state = {"noise": random.Random(length).randbytes(length).hex()}
            assert await memory.save(db, "d", kept, [], str(writer), 1)
            lost = memory.Memory(as_of_ms=5, state={"noise": random.Random(0).randbytes(2_100_000).hex()})
            assert not await memory.save(db, "d", lost, [], "late", 1)
            assert (await memory.load(db, "d")).state == kept.state
            rows.append(len(db.all("SELECT part FROM brain_state_rest WHERE scope = 'd'")))
        return rows

    assert asyncio.run(go([10, 2_000_000, 900_000, 10])) == [0, 3, 1, 0]


def test_memory_is_compare_and_set() -> None:
    db = NativeDatabase()

    async def go() -> tuple[bool, bool, bool]:
        one, two = await memory.load(db, "d"), await memory.load(db, "d")
        one.as_of_ms = two.as_of_ms = 5
        row = ["s1", "us", "A", "st", "enter", "buy", 1, 5, "{}", None, "stale", "x"]
        first = await memory.save(db, "d", one, [row], "w1", 1)
        lost = await memory.save(db, "d", two, [["s2", *row[1:]]], "w2", 1)
        again = await memory.save(db, "d", one, [row, ["s3", *row[1:]]], "w1", 2)
        return first, lost, again

    assert asyncio.run(go()) == (True, False, True)
    assert [row["id"] for row in db.all("SELECT id FROM signals ORDER BY id")] == ["s1", "s3"]
    assert asyncio.run(memory.load(db, "d")).version == 2
