"""The desk in memory over its store: drafts, commits, and when a snapshot is written."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from shared.desk import commands, log
from shared.desk.course import MOST_STEPS
from shared.desk.market import Market
from shared.desk.session import SNAPSHOT_EVERY, Session
from shared.errors import Halt
from shared.model import OrderKind, Side, ids
from shared.venues.venue import Offers
from tests.unit.desk.bench import NOW, Bench, candle
from tests.unit.desk.remote import far, held, look


@pytest.fixture
def bench() -> Bench:
    made = Bench()
    made.bars(candle("AAA", 0, "100"))
    return made


def snapshots(bench: Bench) -> list[int]:
    return [seq for (seq,) in bench.sql.rows("SELECT seq FROM snapshots ORDER BY seq")]


def fill_up(bench: Bench, seq: int) -> None:
    """One event at a time, up to `seq`."""
    if bench.state.status.value == "active":
        bench.call("halt", by="me", reason="x")
    while bench.state.seq < seq:
        bench.call("resume_request", by="me", reason="y")


def test_a_snapshot_is_written_with_every_256th_event(bench: Bench) -> None:
    assert SNAPSHOT_EVERY == 256
    fill_up(bench, 255)
    assert snapshots(bench) == []
    fill_up(bench, 256)
    assert snapshots(bench) == [256]
    fill_up(bench, 257)
    assert snapshots(bench) == [256]


def test_waking_after_a_long_way_writes_one(bench: Bench) -> None:
    for last, wanted in ((SNAPSHOT_EVERY, []), (SNAPSHOT_EVERY + 1, [SNAPSHOT_EVERY + 1])):
        fill_up(bench, last)
        bench.sql.rows("DELETE FROM snapshots")
        session = Session(bench.sql, Market(bench.sql))
        session.load()
        assert snapshots(bench) == wanted
        assert session.state == bench.state
        assert session.head == bench.desk.engine.session.head


def test_what_is_known_of_the_venue_before_anybody_said_so(bench: Bench) -> None:
    session = Session(bench.sql, Market(bench.sql))
    assert (session.state, session.head, session.offers) == (None, log.Head(), Offers())
    assert (session.reconciled, session.live_open) == (True, True)


def test_a_draft_knows_the_order_that_it_made_itself_and_one_that_is_over(bench: Bench) -> None:
    over = bench.place("AAA", "buy", "1")["client_id"]
    bench.bars(candle("AAA", 1, "100"))
    rests = bench.place("AAA", "buy", "1", kind="limit", limit_price="90")["client_id"]
    engine = bench.desk.engine
    draft = engine.session.draft(NOW)
    assert draft.order("0" * 32) is None
    assert draft.order(over).status.value == "filled"
    assert draft.order(rests) is bench.state.orders[rests]
    draft.decide(commands.Cancel(rests, "me"), rests)
    assert draft.order(rests).status.value == "cancelling"
    assert bench.state.orders[rests].status.value == "acknowledged"
    (line,) = draft.lines
    assert (line.event, line.order) == (draft.events[0], draft.order(rests))
    assert line.record.seq == draft.head.seq == bench.state.seq + 1


def test_an_open_order_is_not_read_from_the_table(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    rests = bench.place("AAA", "buy", "1", kind="limit", limit_price="90")["client_id"]

    def never(*_: Any) -> None:
        raise AssertionError("it is known")

    monkeypatch.setattr(bench.desk.engine.session.store, "order", never)
    assert bench.desk.engine.session.draft(NOW).order(rests) is bench.state.orders[rests]


def test_a_broken_end_is_named_by_the_first_event_that_is_missing(bench: Bench) -> None:
    last = bench.state.seq
    bench.sql.rows("DELETE FROM events WHERE seq = ?", last)
    with pytest.raises(Halt) as caught:
        bench.call("verify")
    assert (caught.value.error_code, caught.value.context["seq"]) == ("log_broken", last)
    assert f"ends at {last - 1}, the desk stands at {last}" in caught.value.detail


def test_a_state_that_is_not_the_logs_is_named_by_the_last_event(bench: Bench) -> None:
    session = bench.desk.engine.session
    session.state = bench.state.but(since_ms=5)
    with pytest.raises(Halt) as caught:
        bench.call("verify")
    assert caught.value.context["seq"] == bench.state.seq


def test_fills_are_kept_with_their_order_and_the_event_that_booked_them() -> None:
    bench = far()
    name = held(bench)
    bench.remote.trade("c" * 32, "AAA", "buy", "1", "100")
    look(bench)
    rows = bench.sql.rows("SELECT fill_id, client_id, kind FROM fills JOIN events USING (seq) ORDER BY seq")
    assert rows == [("fill-0", name, "order_filled"), ("fill-1", "0" * 32, "fill_found")]


def test_an_orders_row_tells_when_it_was_intended_and_changed_last(bench: Bench) -> None:
    name = bench.place("AAA", "buy", "1", kind="limit", limit_price="90")["client_id"]
    kinds = bench.kinds()
    (row,) = bench.sql.rows("SELECT client_id, status, intended_seq, updated_seq FROM orders")
    intended, sent = kinds.index("order_intended") + 1, kinds.index("order_acknowledged") + 1
    assert row == (name, "acknowledged", intended, sent)


def test_an_order_with_two_events_in_one_transaction_was_intended_by_the_first(bench: Bench) -> None:
    name = ids.digest("at once")
    limit: dict[str, Any] = {"kind": OrderKind.LIMIT, "limit_price": Decimal(90)}
    engine = bench.desk.engine
    draft = engine.session.draft(NOW)
    draft.decide(commands.Place(name, "me", "us:AAA", Side.BUY, qty=Decimal(1), **limit), name)
    draft.decide(commands.Cancel(name, "me"), name)
    own = [line.record.seq for line in draft.lines if line.order is not None]
    engine.commit(draft)
    (row,) = bench.sql.rows("SELECT client_id, intended_seq, updated_seq FROM orders")
    assert row == (name, own[0], own[-1])
    assert own[0] < own[-1]


def test_what_never_settles_is_a_bug_and_is_not_stored(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from shared.desk import course
    from shared.desk import events as ev

    calls = []

    def ever(*_: Any) -> list[ev.Event]:
        calls.append(1)
        return [ev.LevelsMoved(instrument="us:AAA", stop_price=None, target_price=None, trail_distance=None, by="x")]

    monkeypatch.setattr(course.upkeep, "after", ever)
    before = bench.kinds()
    with pytest.raises(RuntimeError, match="50 steps"):
        bench.call("halt", by="me", reason="x")
    assert (len(calls), MOST_STEPS) == (50, 50)
    assert bench.kinds() == before


def test_a_command_that_led_to_nothing_is_not_followed_up(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from shared.desk import course

    calls = []
    monkeypatch.setattr(course.upkeep, "after", lambda *_: calls.append(1) or [])
    draft = bench.desk.engine.session.draft(NOW)
    draft.decide(commands.ExpireResume())
    assert calls == []
    draft.decide(commands.Review())
    assert calls == [1]
