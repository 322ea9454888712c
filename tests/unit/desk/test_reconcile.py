"""Ledger against venue: what is asked, what is booked, what counts as a difference, and what a person takes over."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from shared.desk import looking
from shared.errors import Conflict, Refused
from shared.model import OrderStatus, ids
from shared.venues.venue import AccountView
from tests.unit.desk.bench import NOW, Bench, opening, run
from tests.unit.desk.remote import Remote, bodies, conserved, down, far, held, look, no

D = Decimal


def code_of(bench: Bench, symbol: str = "BBB") -> str:
    with pytest.raises(Refused) as caught:
        bench.place(symbol, "buy", "1")
    return caught.value.error_code


# --- when it looks ---


def test_nothing_is_entered_before_the_first_look_of_a_waking() -> None:
    bench = far()
    bench.reborn()
    assert not bench.desk.engine.session.reconciled or not bench.desk.engine._awake
    bench.remote.calls.clear()
    assert bench.place("AAA", "buy", "1")["status"] == "intended"
    assert bench.remote.calls[0] == "account"


def test_entries_are_refused_until_the_look_of_this_waking_was_clean_and_exits_never() -> None:
    bench = far()
    held(bench)
    bench.reborn()
    bench.remote.trouble.extend(down())
    assert code_of(bench) == "reducing"
    assert bench.state.reductions.keys() == {"unreconciled"}
    bench.remote.trouble.clear()
    assert bench.place("AAA", "sell", "1", reduce_only=True)["status"] == "intended"


def test_a_look_that_is_not_clean_yet_refuses_by_its_own_code() -> None:
    bench = far()
    bench.remote.stranger()
    bench.place("AAA", "buy", "1", kind="limit", limit_price="90")
    bench.reborn()
    # seen once with an order open: it may be in flight, so nothing is recorded, and nothing is trusted
    assert code_of(bench) == "not_reconciled"
    assert bench.state.differences == {}


def test_waking_looks_at_once_and_then_every_few_minutes() -> None:
    bench = far()
    bench.reborn().call("view")
    assert bench.alarm.at_ms == NOW
    bench.fire()
    engine = bench.desk.engine
    assert engine.session.reconciled
    assert engine.timers._timers[looking.TIMER].due_ms == NOW + looking.EVERY_MS


def test_the_venue_being_back_looks_at_once() -> None:
    bench = far()
    engine = bench.desk.engine
    name = bench.place("AAA", "buy", "1", kind="limit", limit_price="90")["client_id"]
    bench.remote.trouble.extend(down(100))
    bench.call("cancel", client_id=name, by="me", idempotency_key="c")
    for _ in range(8):
        bench.clock.advance(60_000)
        bench.fire()
    assert bench.state.venue_silent_ms
    assert bench.call("reconciliation")["venue_silent_ms"] > 0
    bench.remote.trouble.clear()
    bench.call("tick")
    assert (bench.state.venue_silent_ms, "venue_back" in bench.kinds()) == (0, True)
    assert engine.timers._timers[looking.TIMER].due_ms <= engine.now_ms


def test_a_resume_looks_at_once() -> None:
    bench = far()
    bench.call("halt", by="me", reason="x")
    engine = bench.desk.engine
    assert engine.timers._timers[looking.TIMER].due_ms > engine.now_ms
    confirm = bench.call("resume_request", by="me", reason="y")["confirm"]
    bench.call("resume_confirm", by="me", confirm=confirm)
    assert engine.timers._timers[looking.TIMER].due_ms == engine.now_ms


def test_two_that_ask_share_one_look() -> None:
    bench = far()
    bench.remote.calls.clear()

    async def both() -> list[bool]:
        return await asyncio.gather(bench.desk.engine.looking.look(), bench.desk.engine.looking.look())

    assert run(both()) == [True, True]
    assert bench.remote.calls == ["account"]


# --- a look that fails ---


@pytest.mark.parametrize("failure", [*down(), no()], ids=["no answer", "a no"])
def test_a_look_that_failed_never_reads_as_none(failure: Exception) -> None:
    bench = far()
    held(bench)
    position = bench.state.position("us:AAA")
    bench.remote.trouble.append(failure)
    assert not look(bench)
    assert bench.state.position("us:AAA") == position
    assert bench.state.differences == {}
    assert bodies(bench, "reduced")[-1]["code"] == "unreconciled"
    assert code_of(bench) == "reducing"
    told = bench.call("reconciliation")
    assert (told["clean"], told["failing"]) == (False, str(failure))
    # tried again soon, and lifted by the first clean look
    due_ms = bench.desk.engine.timers._timers[looking.TIMER].due_ms
    assert 0 < due_ms - bench.clock.now_ms() <= 2000
    bench.clock.advance(2000)
    bench.fire()
    assert bench.kinds()[-1] == "reduction_lifted"
    assert bench.place("BBB", "buy", "1")["status"] == "intended"


def test_looks_that_keep_failing_come_ever_later_and_say_so_once() -> None:
    bench = far()
    bench.remote.trouble.extend(down(5))
    waits = []
    for _ in range(5):
        look(bench)
        waits.append(bench.desk.engine.timers._timers[looking.TIMER].due_ms - bench.clock.now_ms())
    assert waits == [1000, 2000, 4000, 8000, 16_000]
    assert bench.kinds().count("reduced") == 1
    assert look(bench)
    assert bench.desk.engine.timers._timers[looking.TIMER].due_ms == NOW + looking.EVERY_MS


def test_a_desk_without_a_venue_can_be_looked_at_and_halted_but_not_traded() -> None:
    bench = far()
    bench._shell["elsewhere"] = lambda _: None
    bench.reborn()
    assert code_of(bench) == "reducing"
    assert "not set up" in bench.call("reconciliation")["failing"]
    assert bench.call("halt", by="me", reason="x")["status"] == "halted"


# --- what is booked ---


def test_a_fill_that_was_never_told_is_booked_by_the_look() -> None:
    bench = far()
    name = bench.place("AAA", "buy", "10")["client_id"]
    bench.remote.fill(name, "101", "4")
    assert look(bench)
    assert (bench.order(name)["status"], bench.order(name)["filled_qty"]) == ("partly_filled", "4")
    assert bench.state.position("us:AAA").qty == 4
    conserved(bench.state)


def test_a_late_fill_of_a_closed_order_is_booked_too() -> None:
    bench = far()
    name = bench.place("AAA", "buy", "10", kind="limit", limit_price="90")["client_id"]
    bench.call("cancel", client_id=name, by="me", idempotency_key="c")
    assert bench.order(name)["status"] == "cancelled"
    bench.remote.trade(name, "AAA", "buy", "3", "90")
    assert look(bench)
    assert (bench.order(name)["status"], bench.order(name)["filled_qty"]) == ("cancelled", "3")
    conserved(bench.state)


def test_an_open_order_that_the_venue_does_not_list_is_asked_about_and_never_assumed_gone() -> None:
    bench = far()
    name = bench.place("AAA", "buy", "10", kind="limit", limit_price="90")["client_id"]
    bench.remote.hidden.add(name)
    bench.remote.calls.clear()
    look(bench)
    assert bench.remote.calls.count("order") == 1
    assert bench.order(name)["status"] == "acknowledged"
    bench.remote.orders[name] = bench.remote.orders[name]._replace(status=OrderStatus.CANCELLED)
    look(bench)
    assert bench.order(name)["status"] == "cancelled"


def test_a_fill_of_no_order_is_booked_explained_and_kept_in_the_journal() -> None:
    bench = far()
    bench.remote.trade(ids.digest("by hand"), "AAA", "buy", "7", "99.5")
    assert look(bench)
    assert bench.kinds()[-3:] == ["difference_found", "fill_found", "difference_resolved"]
    found, resolved = bodies(bench, "difference_found")[-1], bodies(bench, "difference_resolved")[-1]
    assert (found["difference"], found["subject"], found["theirs"]) == ("foreign_fill", "us:AAA", "buy 7 at 99.5")
    assert (resolved["id"], resolved["how"], resolved["by"]) == (found["id"], "explained", "desk")
    assert (bench.state.position("us:AAA").qty, bench.state.cash["USD"]) == (7, D("99302.5"))
    conserved(bench.state)
    before = bench.kinds()
    assert look(bench)
    bench.reborn()
    assert look(bench)
    assert bench.kinds() == before
    bench.call("tick")
    assert run(bench.d1.rows("SELECT fill_id FROM fills")) == [{"fill_id": "fill-0"}]


def test_fills_are_asked_for_from_the_last_clean_look_on_and_never_from_before_the_desk() -> None:
    bench = far()
    assert bench.remote.since == [NOW]
    held(bench)
    late_ms = NOW + 10 * looking.OVERLAP_MS
    bench.remote.trade(ids.digest("by hand"), "AAA", "buy", "1", "100", ts_ms=late_ms)
    assert look(bench)
    look(bench)
    assert bench.remote.since[-1] == late_ms - looking.OVERLAP_MS
    bench.reborn()
    look(bench)
    assert bench.remote.since[-1] == late_ms - looking.OVERLAP_MS


def test_after_a_look_that_was_not_clean_fills_are_asked_for_from_where_they_were() -> None:
    bench = far()
    bench.remote.positions["us:BBB"] = D(3)
    bench.remote.trade(ids.digest("by hand"), "AAA", "buy", "1", "100", ts_ms=NOW + 10 * looking.OVERLAP_MS)
    assert not look(bench)
    look(bench)
    assert bench.remote.since[-1] == NOW


# --- what differs ---


def test_a_position_that_differs_reduces_the_desk_until_it_agrees_again() -> None:
    bench = far()
    bench.remote.positions["us:BBB"] = D(3)
    assert not look(bench)
    (difference,) = bench.call("reconciliation")["differences"]
    about = {name: difference[name] for name in ("kind", "subject", "ours", "theirs", "detail")}
    assert about == {
        "kind": "position",
        "subject": "us:BBB",
        "ours": "0",
        "theirs": "3",
        "detail": "the venue has 3 more",
    }
    assert bench.call("view")["unresolved"] == 1
    assert bench.kinds()[-2:] == ["difference_found", "reduced"]
    assert code_of(bench) == "reducing"
    before = bench.kinds()
    look(bench)
    assert bench.kinds() == before
    # looked at more often than a desk that agrees
    assert bench.desk.engine.timers._timers[looking.TIMER].due_ms == NOW + looking.STANDING_MS
    bench.remote.positions.clear()
    assert look(bench)
    assert bench.kinds()[-2:] == ["difference_resolved", "reduction_lifted"]
    assert bodies(bench, "difference_resolved")[-1]["how"] == "agreed"


def test_while_an_order_is_open_a_difference_counts_when_it_is_seen_twice() -> None:
    bench = far()
    bench.place("AAA", "buy", "1", kind="limit", limit_price="90")
    look(bench)
    bench.remote.balances["USD"] += 5
    assert not look(bench)
    assert bench.state.differences == {}
    assert bench.desk.engine.timers._timers[looking.TIMER].due_ms == NOW + looking.AGAIN_MS
    bench.clock.advance(looking.AGAIN_MS)
    bench.fire()
    assert [each.kind for each in bench.state.differences.values()] == ["balance"]


def test_what_stays_in_flight_is_looked_at_ever_later() -> None:
    bench = far()
    name = bench.place("AAA", "buy", "1", kind="limit", limit_price="90")["client_id"]
    bench.remote.trouble.extend(down())
    bench.call("cancel", client_id=name, by="me", idempotency_key="c")
    waits = []
    for _ in range(6):
        bench.remote.trouble.extend([*down(), None])
        assert not look(bench)
        waits.append(bench.desk.engine.timers._timers[looking.TIMER].due_ms - NOW)
    assert waits == [2000, 4000, 8000, 16_000, 30_000, 30_000]
    assert look(bench)


def test_opening_looks_at_once() -> None:
    bench = Bench(opened=False)
    run(bench.desk.open(opening()))
    assert bench.alarm.at_ms == NOW
    bench.fire()
    assert bench.desk.engine.session.reconciled


def test_what_moves_during_the_look_is_left_for_the_next_one() -> None:
    bench = far()
    name = bench.place("AAA", "buy", "10")["client_id"]
    engine = bench.desk.engine
    bench.remote.positions["us:BBB"] = D(1)

    def fill() -> None:
        bench.remote.fill(name, "100")
        engine.book(bench.remote.orders[name])

    bench.remote.during = fill
    assert not look(bench)
    # of AAA nothing is said, nor of any balance; BBB was not touched
    look(bench)
    assert [each.subject for each in bench.state.differences.values()] == ["us:BBB"]


def test_an_order_of_somebody_else_is_a_difference_until_it_is_gone() -> None:
    bench = far()
    name = bench.remote.stranger()
    look(bench)
    (found,) = bench.state.differences.values()
    assert (found.kind, found.subject) == ("foreign_order", "far-0")
    with pytest.raises(Conflict) as caught:
        bench.call("accept", difference=next(iter(bench.state.differences)), reason="x", by="me", idempotency_key="a")
    assert caught.value.error_code == "not_acceptable"
    run(bench.remote.cancel(name, None))
    assert look(bench)


def test_an_order_that_is_over_here_and_open_there_is_a_difference() -> None:
    bench = far()
    name = bench.place("AAA", "buy", "1", kind="limit", limit_price="90")["client_id"]
    bench.call("cancel", client_id=name, by="me", idempotency_key="c")
    bench.remote.orders[name] = bench.remote.orders[name]._replace(status=OrderStatus.ACKNOWLEDGED)
    look(bench)
    assert [(each.kind, each.ours) for each in bench.state.differences.values()] == [("closed_order", "cancelled")]


def test_an_order_that_ended_during_the_look_is_no_difference() -> None:
    bench = far()
    name = bench.place("AAA", "buy", "1", kind="limit", limit_price="90")["client_id"]
    engine = bench.desk.engine

    def end() -> None:
        ended = bench.remote.orders[name]._replace(status=OrderStatus.CANCELLED)
        engine.book(ended)
        bench.remote.orders[name] = ended

    bench.remote.during = end
    look(bench)
    assert (bench.order(name)["status"], bench.state.differences) == ("cancelled", {})
    assert look(bench)


def test_where_no_positions_are_told_what_is_held_is_looked_for_among_the_balances() -> None:
    class Plain(Remote):
        async def account(self, since_ms: int) -> AccountView:
            view = await super().account(since_ms)
            held = {name.partition(":")[2]: qty for name, qty in (view.positions or {}).items()}
            return view._replace(positions=None, balances={**(view.balances or {}), **held})

    bench = far(Plain())
    held(bench)
    bench.remote.positions["us:AAA"] -= 1
    assert not look(bench)
    (difference,) = bench.state.differences.values()
    told = (difference.kind, difference.subject, difference.ours, difference.theirs)
    assert told == ("balance", "AAA", "10", "9")


def test_what_the_desk_does_not_trade_is_not_its_own() -> None:
    bench = far()
    bench.remote.positions["us:ZZZ"] = D(5)
    bench.remote.balances["DOGE"] = D(12)
    assert look(bench)


def test_resuming_does_not_make_a_difference_go_away() -> None:
    bench = far()
    bench.remote.positions["us:BBB"] = D(3)
    look(bench)
    bench.call("halt", by="me", reason="x")
    confirm = bench.call("resume_request", by="me", reason="y")["confirm"]
    bench.call("resume_confirm", by="me", confirm=confirm)
    assert bench.call("view")["status"] == "reducing"
    assert bench.kinds()[-2:] == ["resumed", "reduced"]


def test_a_remote_that_is_not_touched_by_anybody_always_agrees() -> None:
    remote = Remote()
    bench = far(remote)
    for qty, price in (("10", "100"), ("3", "101.25"), ("7", "99")):
        name = bench.place("AAA", "buy", qty)["client_id"]
        remote.fill(name, price)
        assert look(bench)
    sold = bench.place("AAA", "sell", "20", reduce_only=True)["client_id"]
    remote.fill(sold, "104")
    assert look(bench)
    assert "difference_found" not in bench.kinds()
    conserved(bench.state)
