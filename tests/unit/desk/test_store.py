"""The desk's tables: what is written comes back, however much of it, and what does not belong together is told apart."""

from __future__ import annotations

import itertools
import sqlite3
from decimal import Decimal
from typing import Any

import pytest

from shared.desk import commands, log
from shared.desk import events as ev
from shared.desk.log import Head
from shared.desk.orders import project
from shared.desk.store import SNAPSHOTS_KEPT, Store, StoredOrder
from shared.desk.upcast import UPCASTERS, Upcasters
from shared.errors import Halt
from shared.model import Cause, Order, OrderKind, OrderStatus, Side, ids
from tests.unit.desk.bench import Bench

MANY = 230
"""More than two statements can take."""


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def store(bench: Bench) -> Store:
    return bench.desk.engine.session.store


def order(number: int, **changes: Any) -> Order:
    fields: dict[str, Any] = {
        "client_id": ids.digest("store", number),
        "instrument": "us:AAA",
        "side": Side.BUY,
        "kind": OrderKind.MARKET,
        "qty": Decimal(number + 1),
        "reference_price": Decimal(100),
        "cause": Cause.MANUAL,
        "by": "me",
        "market_ms": 1,
        "intended_ms": 1,
    }
    return Order(**{**fields, **changes})


def test_any_number_of_orders_is_written_and_read_as_it_is(store: Store) -> None:
    written = [StoredOrder(order(number), 1000 + number, 2000 + number) for number in range(MANY)]
    store.put_orders(written)
    found = store.orders([each.order.client_id for each in written])
    assert {each.order.client_id: each for each in found} == {each.order.client_id: each for each in written}
    assert store.orders([]) == []
    assert store.order(ids.digest("nobody")) is None


def test_an_order_keeps_the_seq_that_intended_it(store: Store) -> None:
    first = order(1)
    store.put_orders([StoredOrder(first, 10, 10)])
    later = first.model_copy(update={"status": OrderStatus.FILLED})
    store.put_orders([StoredOrder(later, 20, 21)])
    assert store.orders([first.client_id]) == [(later, 10, 21)]
    assert store.order(first.client_id) == later


def test_any_number_of_fills_is_known(bench: Bench, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put_fills([(f"fill-{number}", ids.digest(number), number) for number in range(MANY)])
    asked = [f"fill-{number}" for number in range(0, 2 * MANY, 2)]
    known = {f"fill-{number}" for number in range(0, MANY, 2)}
    assert store.known_fills(asked) == store.known_fills(reversed(asked)) == known
    assert store.known_fills([]) == frozenset()
    count, rows = itertools.count(), bench.sql.rows
    monkeypatch.setattr(bench.sql, "rows", lambda *given: (next(count), rows(*given))[1])
    store.known_fills(asked)
    assert next(count) <= MANY // 90 + 1


def test_a_fill_cannot_be_booked_twice_and_takes_its_transaction_with_it(bench: Bench, store: Store) -> None:
    store.put_fills([("fill", ids.digest(1), 1)])

    def again() -> None:
        store.put_meta("something", "else")
        store.put_fills([("another", ids.digest(1), 2), ("fill", ids.digest(1), 2)])

    with pytest.raises(sqlite3.IntegrityError):
        bench.sql.transaction(again)
    assert store.known_fills(["fill", "another"]) == {"fill"}
    assert store.meta("something") is None


def test_any_number_of_events_is_appended_in_one_transaction(bench: Bench) -> None:
    session = bench.desk.engine.session
    head, records = session.head, []
    for _ in range(MANY):
        records.append(log.next_record(head, bench_event(), 5))
        head = Head(records[-1].seq, records[-1].hash, records[-1].at_ms)
    session.store.append(records)
    assert session.store.events(session.head.seq, MANY + 1) == records
    assert session.store.events(session.head.seq, 7) == records[:7]


def bench_event() -> Any:
    """What happened does not matter here."""
    return ev.ResumeExpired()


@pytest.fixture
def snapshots(bench: Bench) -> list[int]:
    """One more than are kept, each at a seq that a harmless event has."""
    session = bench.desk.engine.session
    head, seqs = session.head, []
    for number in range(SNAPSHOTS_KEPT + 1):
        record = log.next_record(head, bench_event(), 7000 + number)
        session.store.append([record])
        head = Head(record.seq, record.hash, max(head.at_ms, 7000 + number))
        session.store.write_snapshot(bench.state.but(seq=head.seq), head)
        seqs.append(head.seq)
    return seqs


def test_the_newest_snapshot_is_read_or_the_oldest_that_is_kept(store: Store, snapshots: list[int]) -> None:
    newest, oldest = store.snapshot(), store.snapshot(oldest=True)
    assert newest[0] is not None
    assert oldest[0] is not None
    assert (newest[1].seq, oldest[1].seq) == (snapshots[-1], snapshots[-SNAPSHOTS_KEPT])
    assert (newest[0].seq, oldest[0].seq) == (newest[1].seq, oldest[1].seq)
    last = store.events(newest[1].seq - 1, 1)[0]
    assert newest[1] == (last.seq, last.hash, last.at_ms)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("UPDATE snapshots SET body = body || ' '", "its snapshot was changed"),
        ("UPDATE snapshots SET hash = ''", "its snapshot belongs to another log"),
        ("DELETE FROM events", "its snapshot belongs to another log"),
    ],
)
def test_a_snapshot_that_does_not_belong_is_named(
    bench: Bench, store: Store, snapshots: list[int], change: str, says: str
) -> None:
    bench.sql.rows(change)
    with pytest.raises(Halt, match=says) as found:
        store.snapshot()
    assert (found.value.error_code, found.value.context) == ("log_broken", {"seq": snapshots[-1]})


def test_an_order_whose_row_cannot_be_read_is_made_anew_from_the_log(bench: Bench, store: Store) -> None:
    bench.held()
    names = [name for (name,) in bench.sql.rows("SELECT client_id FROM orders")]
    before = store.orders(names)
    bench.sql.rows("UPDATE orders SET body = '{}'")
    assert store.orders(names) == before
    bench.sql.rows("UPDATE orders SET intended_seq = updated_seq + 1, updated_seq = updated_seq + 1")
    with pytest.raises(Halt) as found:
        store.orders(names[:1])
    assert found.value.context["seq"] == before[0].updated_seq + 1


def test_a_row_that_can_be_read_needs_no_log(bench: Bench, store: Store) -> None:
    kept = order(3)
    store.put_orders([StoredOrder(kept, 10**6, 10**6)])
    assert store.order(kept.client_id) == kept


def test_a_step_that_no_upcaster_takes_is_named() -> None:
    lifts = Upcasters()
    lifts.register("x", 1)(lambda body: {**body, "b": 2})
    assert lifts.lift("x", 1, 2, {"a": 1}) == {"a": 1, "b": 2}
    assert lifts.lift("x", 2, 2, {"a": 1}) == {"a": 1}
    with pytest.raises(Halt) as found:
        lifts.lift("x", 1, 3, {})
    assert (found.value.error_code, found.value.context) == ("log_no_upcaster", {"kind": "x", "v": 2})
    again = lifts.register("x", 1)
    with pytest.raises(ValueError, match="already"):
        again(dict)
    assert isinstance(UPCASTERS, Upcasters)


def test_what_is_foreseen_is_read_at_once_and_told_as_ever(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.held()
    closed = bench.sql.rows("SELECT client_id FROM orders WHERE status = 'filled'")[0][0]
    session = bench.desk.engine.session
    asked = [closed, *(ids.digest(number) for number in range(MANY))]
    draft, plain = session.draft(1), session.draft(1)
    count = itertools.count()
    rows = bench.sql.rows
    monkeypatch.setattr(bench.sql, "rows", lambda *given: (next(count), rows(*given))[1])
    draft.foresee(asked)
    read = next(count)
    assert read <= MANY // 90 + 1
    told = [draft.order(name) for name in asked]
    assert next(count) == read + 1
    assert told == [plain.order(name) for name in asked]
    assert told[0] is not None


def test_a_foreseen_order_still_changes_within_the_draft(bench: Bench) -> None:
    session = bench.desk.engine.session
    name = ids.manual_order_id("alpha", "later")
    draft = session.draft(bench.clock.now_ms())
    draft.foresee([name])
    assert draft.order(name) is None
    bench.held()
    draft = session.draft(bench.clock.now_ms())
    draft.foresee([name])
    command = commands.Place(
        client_id=name, by="me", instrument="us:AAA", side=Side.BUY, kind=OrderKind.MARKET, qty=Decimal(1)
    )
    found = draft.decide(command, name)
    assert draft.order(name) == project(None, found[0])
