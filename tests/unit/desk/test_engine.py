"""The engine between calls: which timers a waking and a commit leave behind, and what it still knows afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from shared.desk import chores, deadman, looking
from shared.desk.engine import OUTBOX_AFTER_MS
from shared.desk.timers import backoff_ms
from shared.errors import NotFound
from shared.model import OrderStatus
from shared.venues.venue import Offers, OrderReport
from tests.unit.desk.bench import NOW, Bench, candle, opening, run
from tests.unit.desk.faulty import FaultyVenue
from tests.unit.desk.remote import Remote, down, far, look
from tests.unit.desk.test_effects import fill


def timers(bench: Bench) -> dict[str, int]:
    """Their due times, from now."""
    rows = bench.sql.rows("SELECT name, due_ms FROM timers")
    return {name: due_ms - bench.clock.now_ms() for name, due_ms in rows}


@pytest.fixture
def bench() -> Bench:
    made = Bench(venue=FaultyVenue)
    made.bars(candle("AAA", 0, "100"))
    return made


def test_a_desk_that_was_never_opened_is_not_found() -> None:
    with pytest.raises(NotFound) as caught:
        Bench(opened=False).call("view")
    assert caught.value.error_code == "desk_not_open"


def test_a_commit_calls_for_the_outbox_soon_and_for_the_pruning_in_a_day() -> None:
    bench = Bench(opened=False)
    run(bench.desk.open(opening()))
    found = timers(bench)
    assert OUTBOX_AFTER_MS == 500
    assert (found["outbox"], found[chores.TIMER], found[looking.TIMER]) == (500, 86_400_000, 0)
    bench.clock.advance(100)
    bench.call("halt", by="me", reason="x")
    # what stands is not put off
    assert (timers(bench)["outbox"], timers(bench)[chores.TIMER]) == (400, 86_399_900)
    assert bench.alarm.at_ms == bench.clock.now_ms() - 100


def test_an_answer_that_changes_nothing_is_kept_without_the_outbox(bench: Bench) -> None:
    run(bench.desk.engine.flush())
    assert "outbox" not in timers(bench)
    name = bench.place("AAA", "buy", "1", kind="limit", limit_price="90")["client_id"]
    bench.call("cancel", client_id=name, by="me", idempotency_key="c1")
    run(bench.desk.engine.flush())
    again = bench.call("cancel", client_id=name, by="me", idempotency_key="c2")
    assert again["order"]["status"] == "cancelled"
    assert "outbox" not in timers(bench)
    assert bench.sql.rows("SELECT count(*) FROM idempotency WHERE key = 'c2'") == [(1,)]


def test_a_resume_that_was_asked_for_is_timed_by_its_end(bench: Bench) -> None:
    bench.call("halt", by="me", reason="x")
    told = bench.call("resume_request", by="me", reason="y")
    assert timers(bench)["resume"] == told["expires_ms"] - NOW == 300_000
    bench.call("resume_confirm", by="me", confirm=told["confirm"])
    assert timers(bench)[looking.TIMER] == 0


def test_waking_asks_about_every_open_order_at_once(bench: Bench) -> None:
    name = bench.place("AAA", "buy", "1", kind="limit", limit_price="90")["client_id"]
    bench.sql.rows("DELETE FROM timers")
    bench.clock.advance(7)
    bench.reborn()
    assert bench.state.orders.keys() == bench.desk.engine.effects.suspects == {name}
    assert (timers(bench)["settle"], timers(bench)["outbox"]) == (0, 0)
    assert bench.alarm.at_ms == bench.clock.now_ms()


def test_waking_with_nothing_open_and_nothing_to_write_asks_for_neither(bench: Bench) -> None:
    run(bench.desk.engine.flush())
    bench.sql.rows("DELETE FROM timers")
    bench.reborn().state  # noqa: B018 - it wakes
    assert timers(bench).keys() == {looking.TIMER, deadman.TIMER}


def test_waking_leaves_timers_that_stand_as_they_are(bench: Bench) -> None:
    bench.place("AAA", "buy", "1", kind="limit", limit_price="90")
    rows = [(name, NOW + n, 3) for n, name in enumerate(("settle", "outbox"), 5)]
    bench.sql.rows("DELETE FROM timers")
    for row in rows:
        bench.sql.rows("INSERT INTO timers (name, due_ms, attempt) VALUES (?, ?, ?)", *row)
    bench.reborn().state  # noqa: B018 - it wakes
    found = bench.sql.rows(
        "SELECT name, due_ms, attempt FROM timers WHERE name IN ('settle', 'outbox') ORDER BY due_ms"
    )
    assert found == rows


def silent() -> Bench:
    """Its venue has not answered for longer than `venue_down.after_s`."""
    bench = far()
    bench.remote.trouble.extend(down(2))
    assert not look(bench)
    bench.clock.advance(600_000)
    assert not look(bench)
    assert bench.state.venue_silent_ms == NOW
    return bench


def test_a_silence_outlasts_the_object() -> None:
    bench = silent()
    bench.reborn()
    assert bench.state.venue_silent_ms == NOW
    assert bench.desk.engine.venue.silent_ms == NOW
    assert bench.call("reconciliation")["venue_silent_ms"] == NOW


def test_a_silence_that_was_too_short_to_be_told_does_not() -> None:
    bench = far()
    bench.remote.trouble.extend(down())
    look(bench)
    assert bench.call("reconciliation")["venue_silent_ms"] == NOW
    assert bench.reborn().call("reconciliation")["venue_silent_ms"] == 0


def test_a_venue_that_answers_ends_the_silence() -> None:
    bench = silent()
    look(bench)
    assert bench.state.venue_silent_ms == bench.desk.engine.venue.silent_ms == 0


@pytest.mark.parametrize("wrong", ["store", "also"])
def test_what_could_not_be_stored_leaves_no_timer_behind(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    engine = bench.desk.engine
    run(engine.flush())
    before, seq = timers(bench), bench.state.seq

    def fail(*_: Any) -> None:
        engine.timers.put("outbox", 1)
        raise OSError("disk")

    monkeypatch.setattr(*{"store": (engine.session.store, "append"), "also": (engine.answers, "keep")}[wrong], fail)
    with pytest.raises(OSError, match="disk"):
        bench.call("halt", by="me", reason="x", idempotency_key="h")
    monkeypatch.undo()
    assert timers(bench) == before
    assert not engine.timers.has("outbox")
    assert bench.state.seq == seq
    bench.call("halt", by="me", reason="x")
    assert timers(bench)["outbox"] == OUTBOX_AFTER_MS


def test_an_outbox_that_d1_does_not_take_is_tried_again(bench: Bench) -> None:
    engine = bench.desk.engine
    engine.timers.clear("outbox")
    assert engine.outbox.lag > 0
    bench.d1.down = True
    assert run(engine.flush()) is False
    assert timers(bench)["outbox"] == backoff_ms(0) == 1000
    assert bench.alarm.at_ms is not None
    assert bench.alarm.at_ms <= NOW + 1000
    bench.d1.down = False
    assert run(engine.flush()) is True
    assert "outbox" not in timers(bench)


def test_what_is_not_settled_is_tried_again(bench: Bench) -> None:
    bench.venue.script.extend(["before", "before"])
    bench.place("AAA", "buy", "1", kind="limit", limit_price="90")
    assert timers(bench)["settle"] == backoff_ms(0)
    bench.clock.advance(10)
    run(bench.desk.engine.settle())
    assert "settle" not in timers(bench)


def test_booking_counts_fills_that_are_new(bench: Bench) -> None:
    name = bench.place("AAA", "buy", "10", kind="limit", limit_price="90")["client_id"]
    engine = bench.desk.engine
    engine.effects.suspects.add(name)
    report = OrderReport(name, "v", OrderStatus.PARTLY_FILLED, (fill(name, "3", "f1"), fill(name, "4", "f2")))
    assert engine.book(report) == 2
    assert name not in engine.effects.suspects
    assert engine.book(report) == 0
    assert bench.state.position("us:AAA").qty == 7


def test_a_paper_desk_trades_by_its_own_rules_also_after_they_changed(bench: Bench) -> None:
    paper = {"fee_bps": "0", "slippage_bps": "0", "volume_share_bps": 10_000}
    run(bench.desk.open(opening(paper=paper)))
    bench.place("AAA", "buy", "10")
    bench.bars(candle("AAA", 1, "100", volume="10"))
    assert bench.call("view")["cash"] == "99000"
    assert bench.desk.engine.market.step_ms == 86_400_000


def test_a_venue_elsewhere_is_made_once_and_tells_what_it_offers() -> None:
    made: list[Any] = []
    remote = Remote()

    def elsewhere(state: Any) -> Remote:
        made.append(state.trading.kind)
        return remote

    bench = Bench(shell={"elsewhere": elsewhere, "ceiling": "live"}, mode="demo", trading={"kind": "sandbox"})
    bench.call("halt", by="me", reason="x")
    run(bench.desk.open(opening(mode="demo", trading={"kind": "sandbox"}, instruments=opening("AAA")["instruments"])))
    assert made == ["sandbox"]
    assert bench.desk.engine.session.offers is remote.offers


def test_what_a_person_says_is_there_is_asked_about() -> None:
    bench = far()
    bench.remote.offers = Offers(client_ids=False)
    bench.desk.engine._configure()
    bench.remote.trouble.extend(down())
    name = bench.place("AAA", "buy", "1", kind="limit", limit_price="90")["client_id"]
    assert bench.order(name)["status"] == "unknown"
    bench.remote.trouble.extend(down())
    bench.call(
        "resolve", client_id=name, placed=True, venue_order_id="far-9", reason="seen", by="me", idempotency_key="r"
    )
    assert bench.desk.engine.effects.suspects == {name}
