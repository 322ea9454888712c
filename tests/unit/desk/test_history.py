"""What D1 is given of a desk, column by column, and in how many pieces."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from shared.desk import events as ev
from shared.desk import outbox
from shared.desk.outbox import inserts
from shared.model import Money, Side
from tests.unit.desk.bench import DAY, NOW, T0, Bench, candle, run


def d1(bench: Bench, sql: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = run(bench.d1.rows(sql))
    return found


def held() -> Bench:
    bench = Bench()
    bench.bars(candle("AAA", 0, "100"))
    bench.place("AAA", "buy", "10")
    bench.bars(candle("AAA", 1, "100"))
    return bench


@pytest.mark.parametrize(
    ("width", "rows", "sizes"),
    [(1, 100, [100]), (1, 101, [100, 1]), (4, 25, [100]), (4, 26, [100, 4]), (7, 14, [98]), (7, 15, [98, 7])],
)
def test_a_statement_takes_a_hundred_parameters_and_no_more(width: int, rows: int, sizes: list[int]) -> None:
    found = inserts("INSERT INTO t", [tuple(range(n, n + width)) for n in range(rows)])
    assert [len(each.params) for each in found] == sizes
    assert [value for each in found for value in each.params] == [v for n in range(rows) for v in range(n, n + width)]


def test_a_statement_is_its_head_its_rows_and_its_tail() -> None:
    (found,) = inserts("INSERT INTO t (a, b)", [(1, "x"), (2, None)], " ON CONFLICT DO NOTHING")
    assert found.sql == "INSERT INTO t (a, b) VALUES (?, ?), (?, ?) ON CONFLICT DO NOTHING"
    assert found.params == (1, "x", 2, None)
    (plain,) = inserts("INSERT INTO t (a)", [(1,)])
    assert plain.sql == "INSERT INTO t (a) VALUES (?)"


def test_the_journal_is_the_log() -> None:
    bench = held()
    bench.call("tick")
    columns = "seq, v, at_ms, kind, body, hash"
    kept = [tuple(row.values()) for row in d1(bench, f"SELECT {columns} FROM journal ORDER BY seq")]
    assert kept == [tuple(row) for row in bench.sql.rows(f"SELECT {columns} FROM events ORDER BY seq")]
    assert {row["desk"] for row in d1(bench, "SELECT desk FROM journal")} == {"alpha"}


def test_an_order_and_its_fill_are_told_with_all_that_is_searched_by() -> None:
    bench = held()
    bench.call("tick")
    (order,) = d1(bench, "SELECT * FROM orders")
    (mine,) = bench.sql.rows("SELECT client_id, body, intended_seq, updated_seq FROM orders")
    assert (order["client_id"], order["body"], order["intended_seq"], order["updated_seq"]) == tuple(mine)
    assert (order["desk"], order["instrument"], order["side"], order["status"]) == ("alpha", "us:AAA", "buy", "filled")
    (fill,) = d1(bench, "SELECT * FROM fills")
    (seq,) = (seq for seq, kind in enumerate(bench.kinds(), start=1) if kind == "order_filled")
    assert (fill["desk"], fill["seq"], fill["client_id"]) == ("alpha", seq, order["client_id"])
    assert (fill["instrument"], fill["side"], fill["qty"], fill["price"]) == ("us:AAA", "buy", "10", "100.05")
    assert (fill["fee"], fill["fee_asset"], fill["ts_ms"]) == ("1.0005", "USD", T0 + DAY)
    assert fill["fill_id"]


def test_the_desk_is_told_with_how_far_its_history_goes_and_never_less() -> None:
    bench = held()
    bench.call("tick")
    seq = bench.state.seq
    (desk,) = d1(bench, "SELECT * FROM desks")
    assert (desk["desk"], desk["venue"], desk["currency"], desk["mode"]) == ("alpha", "us", "USD", "paper")
    assert (desk["opened_ms"], desk["as_of_seq"]) == (NOW, seq)
    bench.d1._db.execute("UPDATE desks SET as_of_seq = 9999")
    bench.call("halt", by="me", reason="x")
    bench.call("tick")
    assert d1(bench, "SELECT as_of_seq FROM desks") == [{"as_of_seq": 9999}]


def test_a_fill_that_no_order_asked_for_is_a_fill_too() -> None:
    fee = Money(amount=Decimal("0.50"), asset="BNB")
    body: dict[str, Any] = {"fill_id": "x", "instrument": "us:AAA", "side": Side.SELL, "qty": Decimal("2.0")}
    told = ev.FillFound(**body, price=Decimal(9), fee=fee, ts_ms=7, value=Decimal(18), explanation="by hand")
    (statement,) = outbox._fills("alpha", [(4, ev.VenueBack()), (5, told)])
    assert statement.params == ("alpha", 5, "x", "0" * 32, "us:AAA", "sell", "2", "9", "0.5", "BNB", 7)
    assert outbox._fills("alpha", [(4, ev.VenueBack())]) == []


def test_a_flush_sends_a_hundred_events_at_once_and_fifty_times_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    assert outbox.EVENTS_AT_ONCE == 100
    bench = held()
    for number in range(60):
        bench.call("halt", by="me", reason=str(number))
        confirm = bench.call("resume_request", by="me", reason="x")["confirm"]
        bench.call("resume_confirm", by="me", confirm=confirm)
    flush = bench.desk.engine.outbox
    monkeypatch.setattr(outbox, "EVENTS_AT_ONCE", 1)
    before = flush.lag
    assert before > 100
    assert asyncio.run(flush.flush()) is False
    assert flush.lag == before - 50
    monkeypatch.setattr(outbox, "EVENTS_AT_ONCE", 100)
    assert asyncio.run(flush.flush()) is True
    assert (flush.lag, asyncio.run(flush.flush())) == (0, True)


def test_what_d1_does_not_take_stays_and_is_said_so() -> None:
    bench = held()
    bench.d1.down = True
    sending = bench.desk.engine.outbox
    lag = sending.lag
    assert asyncio.run(sending.flush()) is False
    assert sending.lag == lag > 0
    bench.d1.down = False
    assert asyncio.run(sending.flush()) is True
    assert sending.watermark == bench.state.seq


def test_what_a_person_should_not_wait_for_is_handed_over_once() -> None:
    bench = held()
    sending = bench.desk.engine.outbox
    asyncio.run(sending.flush())
    assert sending.urgent() is None
    bench.call("halt", by="me", reason="one")
    asyncio.run(sending.flush())
    confirm = bench.call("resume_request", by="me", reason="x")["confirm"]
    bench.call("resume_confirm", by="me", confirm=confirm)
    asyncio.run(sending.flush())
    urgent = sending.urgent()
    assert urgent is not None
    assert (urgent.code, urgent.detail) == ("halted", "one")
    assert sending.urgent() is None
    bench.call("halt", by="me", reason="two")
    confirm = bench.call("resume_request", by="me", reason="x")["confirm"]
    bench.call("resume_confirm", by="me", confirm=confirm)
    bench.call("halt", by="me", reason="three")
    asyncio.run(sending.flush())
    urgent = sending.urgent()
    assert urgent is not None
    assert urgent.detail == "three"
