"""D1 gets everything, in order, however often it fails; timers and marks on the side."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from shared.desk.outbox import inserts
from tests.unit.desk.bench import DAY, NOW, T0, Bench, candle, quote, run
from tests.unit.desk.faulty import Crash


@pytest.fixture
def bench() -> Bench:
    made = Bench()
    made.bars(*[candle(symbol, 0, "100") for symbol in ("AAA", "BBB", "CCC", "DDD")])
    return made


def d1(bench: Bench, sql: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = run(bench.d1.rows(sql))
    return found


def test_what_happened_reaches_d1_by_the_alarm(bench: Bench) -> None:
    bench.held("AAA", 1)
    assert bench.alarm.at_ms == NOW + 500
    bench.clock.advance(500)
    bench.fire()
    assert [row["kind"] for row in d1(bench, "SELECT kind FROM journal ORDER BY seq")] == bench.kinds()
    (order,) = d1(bench, "SELECT * FROM orders")
    assert (order["status"], order["intended_seq"] < order["updated_seq"]) == ("filled", True)
    (fill,) = d1(bench, "SELECT * FROM fills")
    assert (fill["qty"], fill["price"], fill["fee"], fill["fee_asset"]) == ("10", "100.05", "1.0005", "USD")
    (desk,) = d1(bench, "SELECT * FROM desks")
    assert desk["as_of_seq"] == bench.state.seq == bench.call("view")["outbox_seq"]
    assert not bench.desk.engine.timers.has("outbox")


def test_d1_failing_loses_nothing_and_drains_in_order_after(bench: Bench) -> None:
    bench.d1.down = True
    for n in range(60):
        bench.held("AAA", 1 + 2 * n)
        bench.place("AAA", "sell", "10", reduce_only=True)
        bench.clock.advance(1000)
        bench.fire()
    assert d1_is_empty(bench)
    tick = bench.call("tick")
    assert tick["outbox_lag"] == bench.state.seq > 300
    bench.d1.down = False
    seen: list[int] = []
    bench.d1.after_commit = lambda: seen.append(d1_max(bench))
    bench.clock.advance(60_000)
    bench.fire()
    assert seen == sorted(seen)
    assert len(seen) == -(-bench.state.seq // 100)
    assert max(bench.d1.batches) <= 50
    rows = d1(bench, "SELECT seq, kind FROM journal ORDER BY seq")
    assert [row["kind"] for row in rows] == bench.kinds()
    mine = dict(bench.sql.rows("SELECT client_id, body FROM orders"))
    assert {row["client_id"]: row["body"] for row in d1(bench, "SELECT * FROM orders")} == mine


def d1_is_empty(bench: Bench) -> bool:
    return d1_max(bench) == 0


def d1_max(bench: Bench) -> int:
    found = bench.d1._db.execute("SELECT coalesce(max(seq), 0) FROM journal").fetchone()
    return int(found[0])


def test_a_crash_between_d1_and_the_watermark_sends_again_without_harm(bench: Bench) -> None:
    bench.held("AAA", 1)

    def crash() -> None:
        raise Crash

    bench.d1.after_commit = crash
    with pytest.raises(Crash):
        bench.call("tick")
    bench.d1.after_commit = None
    bench.reborn()
    assert bench.call("tick")["outbox_lag"] == 0
    assert [row["kind"] for row in d1(bench, "SELECT kind FROM journal ORDER BY seq")] == bench.kinds()


def test_an_older_order_never_replaces_a_newer_one_in_d1(bench: Bench) -> None:
    bench.held("AAA", 1)
    bench.call("tick")
    bench.desk.engine.session.store.put_meta("outbox_seq", "0")
    bench.d1._db.execute("UPDATE orders SET updated_seq = 999, body = 'newer'")
    bench.reborn().call("tick")
    assert d1(bench, "SELECT body FROM orders") == [{"body": "newer"}]


def test_two_flushes_at_once_are_one(bench: Bench) -> None:
    async def both() -> None:
        await asyncio.gather(bench.desk.engine.flush(), bench.desk.engine.flush())

    asyncio.run(both())
    assert len(bench.d1.batches) == 1


def test_statements_stay_under_a_hundred_parameters() -> None:
    found = inserts("INSERT INTO t (a, b, c)", [(n, n, n) for n in range(70)])
    assert [len(each.params) for each in found] == [99, 99, 12]
    assert inserts("INSERT INTO t (a)", []) == []


def test_a_tick_arms_an_alarm_that_was_lost(bench: Bench) -> None:
    bench.alarm.at_ms = None
    answer = bench.call("tick")
    assert bench.alarm.at_ms == answer["next_alarm_ms"] is not None


def test_a_broken_timer_is_logged_and_stops_no_other(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    engine = bench.desk.engine

    async def broken(*_: Any) -> list[int]:
        raise RuntimeError("a bug")

    engine.timers.put("settle", NOW)
    engine.timers.put("forgotten", NOW)
    original, bench.d1.batch = bench.d1.batch, broken  # type: ignore[method-assign, assignment]
    bench.clock.advance(500)
    bench.fire()
    assert engine.faults["timer_outbox"] == 1
    assert "timer_failed" in caplog.text
    assert not engine.timers.has("settle")
    assert not engine.timers.has("forgotten")
    assert bench.alarm.at_ms == bench.clock.now_ms() + 1000
    bench.d1.batch = original  # type: ignore[method-assign]
    bench.clock.advance(1000)
    bench.fire()
    assert bench.call("tick")["outbox_lag"] == 0


def test_a_firing_alarm_stands_again_before_anything_else(bench: Bench) -> None:
    stood: list[int | None] = []
    bench.d1.after_commit = lambda: stood.append(bench.alarm.at_ms)
    bench.clock.advance(500)
    bench.fire()
    assert stood == [NOW + 500 + 60_000]


def test_a_rolled_back_transaction_leaves_no_trace_in_memory(bench: Bench) -> None:
    engine = bench.desk.engine
    bench.call("tick")
    before, seq = bench.kinds(), bench.state.seq

    def fail(*_: Any) -> None:
        raise OSError("disk")

    original, engine.answers.keep = engine.answers.keep, fail  # type: ignore[method-assign, assignment]
    with pytest.raises(OSError, match="disk"):
        bench.place("AAA", "buy", "1", key="k")
    engine.answers.keep = original  # type: ignore[method-assign]
    assert (bench.kinds(), bench.state.seq, engine.timers.has("outbox")) == (before, seq, False)
    assert bench.place("AAA", "buy", "1", key="k")


def test_old_bars_and_old_quotes_are_ignored(bench: Bench) -> None:
    bench.bars(candle("AAA", 1, "101"))
    assert bench.bars(candle("AAA", 0, "90"), candle("ZZZ", 5, "1"))["market_ms"] == T0 + 2 * DAY
    marks = bench.desk.engine.market.marks
    assert marks["us:AAA"].price == 101
    bench.call("heartbeat", quotes=[quote("AAA", "89", "90", T0 + DAY)])
    assert marks["us:AAA"].price == 101
    bench.call("heartbeat", quotes=[quote("AAA", "102", "103", T0 + 2 * DAY + 9, received_ms=NOW + 99)])
    assert (marks["us:AAA"].price, marks["us:AAA"].received_ms) == (Decimal("102.5"), NOW)
    # a quote from after the bar's close keeps its price; the bar is noted
    bench.call("heartbeat", quotes=[quote("AAA", "104", "105", T0 + 3 * DAY + 9)])
    bench.bars(candle("AAA", 2, "99"))
    assert (marks["us:AAA"].price, marks["us:AAA"].bar_close_ms) == (Decimal("104.5"), T0 + 3 * DAY)


def test_marks_are_stored_at_bars_and_else_every_ten_seconds(bench: Bench) -> None:
    def stored() -> str:
        return str(bench.sql.rows("SELECT body FROM marks")[0][0])

    first = stored()
    bench.clock.advance(9_999)
    bench.call("heartbeat", quotes=[quote("AAA", "102", "103", T0 + DAY + 9)])
    assert stored() == first
    bench.clock.advance(1)
    bench.call("heartbeat", quotes=[])
    assert stored() != first
    before = dict(bench.desk.engine.market.marks)
    bench.reborn()
    assert bench.call("view")["market_ms"] == T0 + DAY
    assert bench.desk.engine.market.marks == before
    assert bench.call("view")["marks_age_ms"] == 10_000


def test_a_desk_without_any_price_has_no_age() -> None:
    view = Bench().call("view")
    assert (view["marks_age_ms"], view["market_ms"], view["equity"]) == (None, 0, "100000")
