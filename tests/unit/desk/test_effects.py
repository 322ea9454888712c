"""What goes out to the venue, what comes back or does not, and what a crash in between leads to."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import Any

import pytest

from shared.desk import commands
from shared.desk import events as ev
from shared.desk.context import Context
from shared.desk.decide import decide
from shared.desk.effects import Do, Effect
from shared.desk.orders import project
from shared.desk.state import DeskStatus
from shared.desk.timers import backoff_ms
from shared.errors import Refused
from shared.model import Candle, Fill, Money, OrderStatus, Side
from shared.venues.venue import OrderReport
from tests.unit.desk.bench import DAY, T0, Bench, candle, proposal
from tests.unit.desk.faulty import FaultyVenue


@pytest.fixture
def bench() -> Bench:
    made = Bench(venue=FaultyVenue)
    made.bars(*[candle(symbol, 0, "100") for symbol in ("AAA", "BBB", "CCC", "DDD")])
    return made


def entry(bench: Bench, *script: str) -> str:
    bench.venue.script.extend(script)
    (result,) = bench.propose(proposal("AAA", 0, "100"))
    assert result["outcome"] == "intended"
    client_id: str = result["client_id"]
    return client_id


def status(bench: Bench, client_id: str) -> str:
    found: str = bench.order(client_id)["status"]
    return found


def fire_until_settled(bench: Bench, most: int = 10) -> None:
    for _ in range(most):
        if not bench.desk.engine.timers.has("settle"):
            return
        bench.clock.advance(60_000)
        bench.fire()
    raise AssertionError("never settled")


def test_an_order_lost_on_the_way_there_is_asked_for_and_then_placed_again(bench: Bench) -> None:
    name = entry(bench, "before")
    # the venue was asked at once and did not know it; it is not sent again in the same breath
    assert status(bench, name) == "intended"
    assert bench.venue.places == [name]
    (unknown,) = bench.sql.rows("SELECT json_extract(body, '$.reason') FROM events WHERE kind = 'order_unknown'")
    assert unknown == ("venue_unavailable",)
    fire_until_settled(bench)
    assert status(bench, name) == "acknowledged"
    kinds = bench.kinds()
    assert [kind for kind in kinds if kind.startswith("order_")] == [
        "order_intended",
        "order_sent",
        "order_unknown",
        "order_not_found",
        "order_sent",
        "order_acknowledged",
    ]
    assert bench.venue.places == [name, name]
    assert len(bench.venue.sent[name]) == 1


def test_an_order_whose_answer_was_lost_is_taken_over_and_never_sent_again(bench: Bench) -> None:
    name = entry(bench, "after", "before")
    assert status(bench, name) == "unknown"
    fire_until_settled(bench)
    assert status(bench, name) == "acknowledged"
    assert bench.venue.places == [name]


def test_an_unknown_order_is_asked_about_with_backoff(bench: Bench) -> None:
    entry(bench, *["before"] * 8)
    waits = []
    for _ in range(5):
        due = bench.desk.engine.timers.next_ms
        assert due is not None
        waits.append(min(due, bench.alarm.at_ms or due) - bench.clock.now_ms())
        bench.clock.advance(max(0, due - bench.clock.now_ms()))
        bench.fire()
    assert [backoff_ms(n) for n in (0, 1, 5, 6, 50)] == [1000, 2000, 32_000, 60_000, 60_000]
    assert bench.desk.engine.timers.has("settle")


def test_a_refusal_by_the_venue_rejects_the_order(bench: Bench) -> None:
    name = entry(bench, "no")
    order = bench.order(name)
    assert (order["status"], order["reason"]) == ("rejected", "venue_says_no")
    assert bench.call("orders")["items"] == []


def test_a_cancel_that_the_venue_refuses_leads_to_a_question(bench: Bench) -> None:
    name = entry(bench)
    bench.venue.script.append("no")
    bench.call("cancel", client_id=name, by="me", idempotency_key="c")
    assert status(bench, name) == "cancelling"
    fire_until_settled(bench)
    assert status(bench, name) == "cancelled"


class TooLate(FaultyVenue):
    """Has filled the order and will not cancel it, as real venues say."""

    async def cancel(self, client_id: str, venue_order_id: str | None = None) -> OrderReport:
        raise Refused("it is filled", code="too_late")

    async def order(self, client_id: str, venue_order_id: str | None = None) -> OrderReport | None:
        return OrderReport(client_id, "v1", OrderStatus.FILLED, (fill(client_id, "10"),))


def test_a_refused_cancel_of_a_filled_order_books_the_fill() -> None:
    late = Bench(venue=TooLate)
    late.bars(candle("AAA", 0, "100"))
    name = late.place("AAA", "buy", "10", kind="limit", limit_price="90")["client_id"]
    late.call("cancel", client_id=name, by="me", idempotency_key="c")
    assert status(late, name) == "filled"
    assert late.kinds().count("order_filled") == 1
    assert late.desk.engine.effects.waiting() == []


def test_an_order_being_cancelled_is_asked_about_first_after_waking(bench: Bench) -> None:
    name = entry(bench)
    bench.venue.script.append("before")
    bench.call("cancel", client_id=name, by="me", idempotency_key="c")
    bench.reborn()
    assert bench.desk.engine.ready().orders[name].status is OrderStatus.CANCELLING
    assert bench.desk.engine.effects.waiting() == [Effect(Do.ASK, name)]
    fire_until_settled(bench)
    assert status(bench, name) == "cancelled"


def test_a_cancel_without_an_answer_is_tried_again(bench: Bench) -> None:
    name = entry(bench)
    bench.venue.script.extend(["before"])
    bench.call("cancel", client_id=name, by="me", idempotency_key="c")
    assert status(bench, name) == "cancelling"
    fire_until_settled(bench)
    assert status(bench, name) == "cancelled"


def test_a_fill_beats_the_cancel(bench: Bench) -> None:
    name = entry(bench)
    bench.venue.script.append("before")
    bench.call("cancel", client_id=name, by="me", idempotency_key="c")
    bench.bars(candle("AAA", 1, "100", volume="50"))
    # a part came while it was being cancelled; the rest is cancelled all the same
    order = bench.order(name)
    assert (order["status"], order["filled_qty"]) == ("cancelled", "5")
    assert bench.call("positions")["items"][0]["qty"] == "5"


def test_a_whole_fill_while_cancelling_is_a_fill(bench: Bench) -> None:
    name = entry(bench)
    bench.venue.script.extend(["before"])
    bench.call("cancel", client_id=name, by="me", idempotency_key="c")
    bench.bars(candle("AAA", 1, "100"))
    assert status(bench, name) == "filled"


def test_an_unknown_entry_is_not_sent_by_a_halted_desk(bench: Bench) -> None:
    name = entry(bench, "before", "before", "before")
    bench.call("halt", by="me", reason="x")
    fire_until_settled(bench)
    order = bench.order(name)
    assert (order["status"], order["reason"]) == ("cancelled", "never_sent")
    assert bench.venue.places == [name]


def test_an_unknown_entry_is_not_sent_when_the_market_has_moved_on(bench: Bench) -> None:
    name = entry(bench, *["before"] * 2)
    bench.venue.script.extend(["before"] * 2)
    bench.bars(candle("AAA", 1, "100"))
    bench.bars(candle("AAA", 2, "100"))
    fire_until_settled(bench)
    order = bench.order(name)
    assert (order["status"], order["reason"]) == ("expired", "stale_intent")


def test_everything_open_is_asked_about_after_waking(bench: Bench) -> None:
    name = entry(bench)
    # the venue fills while the desk is gone
    bench.venue.on_bars([_candle(1)])
    bench.reborn()
    assert status(bench, name) == "acknowledged"
    assert bench.alarm.at_ms == bench.clock.now_ms()
    bench.fire()
    assert status(bench, name) == "filled"
    bench.bars(candle("AAA", 1, "100"))
    assert bench.kinds().count("order_filled") == 1


def _candle(day: int) -> Any:
    return Candle.parse(json.dumps(candle("AAA", day, "100")))


def test_an_acknowledged_order_that_the_venue_lost_halts_the_desk(bench: Bench) -> None:
    name = entry(bench)
    other = bench.place("BBB", "buy", "1")["client_id"]
    bench.sql.rows("DELETE FROM paper_orders WHERE client_id = ?", name)
    bench.reborn()
    bench.fire()
    order = bench.order(name)
    assert (order["status"], order["reason"]) == ("expired", "lost_by_venue")
    assert bench.call("view")["status"] == "halted"
    assert status(bench, other) == "cancelled"


def report(bench: Bench, name: str, *fills: Fill, state: OrderStatus = OrderStatus.FILLED) -> None:
    bench.desk.engine.book(OrderReport(name, "v1", state, fills))


def fill(name: str, qty: str, fill_id: str = "f1", **changes: Any) -> Fill:
    fields = {
        "fill_id": fill_id,
        "client_id": name,
        "instrument": "us:AAA",
        "side": Side.BUY,
        "qty": Decimal(qty),
        "price": Decimal(100),
        "fee": Money(amount=Decimal(1), asset="USD"),
        "ts_ms": T0 + DAY,
    }
    return Fill(**{**fields, **changes})


def test_a_fill_is_booked_once_whoever_reports_it(bench: Bench) -> None:
    name = entry(bench)
    for _ in range(3):
        report(bench, name, fill(name, "5"), state=OrderStatus.PARTLY_FILLED)
    assert bench.kinds().count("order_filled") == 1
    assert bench.state.position("us:AAA").qty == 5


def test_a_late_fill_of_a_cancelled_order_is_booked_with_its_stop(bench: Bench) -> None:
    name = entry(bench)
    bench.call("cancel", client_id=name, by="me", idempotency_key="c")
    report(bench, name, fill(name, "5"), state=OrderStatus.CANCELLED)
    order = bench.order(name)
    assert (order["status"], order["filled_qty"]) == ("cancelled", "5")
    assert bench.state.position("us:AAA").stop_price == 95


def test_too_large_a_fill_is_booked_and_halts(bench: Bench) -> None:
    name = entry(bench)
    other = bench.place("BBB", "buy", "1")["client_id"]
    report(bench, name, fill(name, "300"))
    assert bench.state.position("us:AAA").qty == 300
    assert status(bench, name) == "filled"
    assert "filled more" in bench.call("view")["halt_reason"]
    assert bench.state.orders[other].status is OrderStatus.CANCELLING
    bench.reborn()
    assert bench.state.position("us:AAA").qty == 300


@pytest.mark.parametrize("changes", [{"instrument": "us:BBB"}, {"side": Side.SELL}, {"client_id": "b" * 32}])
def test_a_fill_that_does_not_belong_halts_and_is_not_booked(bench: Bench, changes: dict[str, Any]) -> None:
    name = entry(bench)
    report(bench, name, fill(name, "5", **changes))
    assert bench.call("view")["status"] == "halted"
    assert bench.kinds().count("order_filled") == 0


def test_a_report_of_an_order_that_was_never_intended_halts_once(bench: Bench) -> None:
    for _ in range(2):
        report(bench, "e" * 32)
    assert bench.kinds().count("halted") == 1


@pytest.mark.parametrize(("state", "wanted"), [(OrderStatus.REJECTED, "rejected"), (OrderStatus.EXPIRED, "expired")])
def test_the_venue_may_end_an_order(bench: Bench, state: OrderStatus, wanted: str) -> None:
    name = entry(bench)
    report(bench, name, state=state)
    assert status(bench, name) == wanted
    report(bench, name, state=state)
    assert bench.kinds()[-1] == f"order_{wanted}"


def test_one_order_is_worked_on_by_one_request_at_a_time(bench: Bench) -> None:
    inside = 0

    class Slow(FaultyVenue):
        async def place(self, order: Any) -> OrderReport:
            nonlocal inside
            inside += 1
            assert inside == 1
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            found = await super().place(order)
            inside -= 1
            return found

    slow = Bench(venue=Slow)
    slow.bars(candle("AAA", 0, "100"))

    async def interleaved() -> None:
        engine = slow.desk.engine
        body = {"proposals": [proposal("AAA", 0, "100")]}
        halt = {"by": "me", "reason": "x"}
        await asyncio.gather(slow.desk.propose(body), engine.settle(), slow.desk.halt(halt), engine.settle())

    asyncio.run(interleaved())
    slow.fire()
    assert len(slow.venue.places) == 1
    assert slow.call("orders")["items"] == []
    assert slow.kinds()[-1] == "order_cancelled"


def test_a_bug_in_an_adapter_never_leads_to_a_second_sending(bench: Bench) -> None:
    class Buggy(FaultyVenue):
        broken = True

        async def place(self, order: Any) -> OrderReport:
            found = await super().place(order)
            if self.broken:
                self.broken = False
                raise KeyError("a bug")
            return found

    buggy = Bench(venue=Buggy)
    buggy.bars(candle("AAA", 0, "100"))
    with pytest.raises(KeyError):
        buggy.propose(proposal("AAA", 0, "100"))
    fire_until_settled(buggy)
    assert len(buggy.venue.places) == 1
    assert buggy.call("orders")["items"][0]["status"] == "acknowledged"


def test_a_halted_desk_never_answers_not_found_with_a_second_sending(bench: Bench) -> None:
    name = entry(bench, "after", "before")
    state = bench.state
    assert state.orders[name].status is OrderStatus.UNKNOWN
    context = Context(now_ms=1, marks={})
    for frozen in (DeskStatus.HALTED, DeskStatus.REDUCING):
        (event,) = decide(state.but(status=frozen), commands.NotKnown(name), context)
        assert event == ev.OrderCancelled(client_id=name, reason="halted")
    assert [event.kind for event in decide(state, commands.NotKnown(name), context)] == ["order_not_found"]


def test_answers_about_orders_that_are_closed_change_nothing(bench: Bench) -> None:
    context = Context(now_ms=1, marks={})
    gone = "f" * 32
    for command in (commands.NotKnown(gone), commands.Unanswered(gone, "x"), commands.TurnedDown(gone, "x", "y")):
        assert decide(bench.state, command, context) == []
    name = entry(bench)
    assert decide(bench.state, commands.Unanswered(name, "x"), context) == []
    with pytest.raises(ValueError, match="never intended"):
        project(None, ev.OrderUnknown(client_id=name, reason="x"))


def test_a_fill_that_could_not_be_stored_is_asked_for_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    name = entry(bench)

    def fail(*_: Any) -> None:
        raise OSError("disk")

    with monkeypatch.context() as patch:
        patch.setattr(bench.desk.engine.session.store, "put_fills", fail)
        with pytest.raises(OSError, match="disk"):
            bench.bars(candle("AAA", 1, "100"))
    assert status(bench, name) == "acknowledged"
    bench.call("tick")
    assert status(bench, name) == "filled"
