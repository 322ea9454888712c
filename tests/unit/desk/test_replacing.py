"""An order takes the place of another one: when it is sent, for how much, and when it is not."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

import pytest

from shared.desk import commands
from shared.desk import events as ev
from shared.errors import Conflict, Invalid, NotFound
from shared.model import ids
from shared.venues.venue import Offers
from tests.unit.desk.bench import DAY, PAPER, T0, Bench, candle, opening, proposal, run
from tests.unit.desk.faulty import FaultyVenue

_numbers = itertools.count()


@pytest.fixture
def bench() -> Bench:
    made = Bench(venue=FaultyVenue)
    made.bars(candle("AAA", 0, "100"))
    return made


def resting(bench: Bench, side: str = "buy", qty: str = "10", price: str = "90", **terms: Any) -> str:
    name: str = bench.place("AAA", side, qty, kind="limit", limit_price=price, **terms)["client_id"]
    return name


def replace(bench: Bench, old: str, **changes: str) -> str:
    """What the desk's method does; the new order's id."""
    new = ids.digest("replacement", next(_numbers))
    engine = bench.desk.engine
    engine.ready()
    draft = engine.session.draft(engine.now_ms)
    numbers = {name: Decimal(value) for name, value in changes.items()}
    draft.decide(commands.Replace(old, new, "me", **numbers), old)
    engine.commit(draft)
    run(engine.settle())
    return new


def status(bench: Bench, name: str) -> tuple[str, str]:
    order = bench.order(name)
    return order["status"], order["reason"]


def test_the_old_order_ends_and_the_new_one_is_sent_then(bench: Bench) -> None:
    old = resting(bench)
    new = replace(bench, old, limit_price="91", qty="12")
    assert status(bench, old) == ("cancelled", "replaced")
    order = bench.order(new)
    assert (order["status"], order["limit_price"], order["qty"], order["replaces"]) == ("acknowledged", "91", "12", old)
    assert bench.venue.places == [old, new]
    assert bench.state.replacements == {}
    bench.bars(candle("AAA", 1, "91"))
    assert bench.state.position("us:AAA").qty == 12


def test_the_new_order_is_decided_on_the_newest_bar(bench: Bench) -> None:
    old = resting(bench)
    bench.bars(candle("AAA", 1, "100"))
    bench.venue.script.append("before")
    new = bench.order(replace(bench, old, limit_price="91"))
    assert (new["status"], new["market_ms"]) == ("created", T0 + 2 * DAY)
    assert bench.order(old)["market_ms"] == T0 + DAY


def test_the_new_order_waits_until_the_old_one_is_gone_also_through_a_restart(bench: Bench) -> None:
    old = resting(bench)
    bench.venue.script.append("before")
    new = replace(bench, old, limit_price="91")
    assert status(bench, new)[0] == "created"
    assert bench.venue.places == [old]
    bench.reborn()
    assert status(bench, new)[0] == "created"
    bench.clock.advance(2000)
    for _ in range(2):
        bench.fire()
        bench.call("heartbeat", quotes=[])
    assert (status(bench, old)[0], status(bench, new)[0]) == ("cancelled", "acknowledged")


@pytest.mark.parametrize(("volume", "filled", "left"), [("40", "4", "8"), ("100", "10", "2")])
def test_what_the_old_one_fills_before_it_ends_is_not_bought_again(
    bench: Bench, volume: str, filled: str, left: str
) -> None:
    old = resting(bench, price="100")
    bench.venue.script.append("before")
    new = replace(bench, old, limit_price="101", qty="12")
    bench.bars(candle("AAA", 1, "100", volume=volume))
    assert bench.order(old)["filled_qty"] == filled
    assert (bench.order(new)["status"], bench.order(new)["qty"]) == ("acknowledged", left)
    bench.bars(candle("AAA", 2, "100"))
    assert bench.state.position("us:AAA").qty == 12


def test_a_cancel_that_loses_to_the_fill_drops_the_new_one(bench: Bench) -> None:
    old = resting(bench, price="100")
    bench.venue.script.append("before")
    new = replace(bench, old, limit_price="101")
    bench.bars(candle("AAA", 1, "100"))
    assert status(bench, old)[0] == "filled"
    assert status(bench, new) == ("cancelled", "filled")
    assert bench.state.replacements == {}
    assert bench.venue.places == [old]


def test_part_of_it_had_filled_when_it_was_asked_for(bench: Bench) -> None:
    old = resting(bench, price="100")
    bench.bars(candle("AAA", 1, "100", volume="30"))
    with pytest.raises(Invalid, match="filled already, 3"):
        replace(bench, old, qty="3")
    new = replace(bench, old, qty="5")
    assert bench.order(new)["qty"] == "2"


def test_the_gates_judge_the_new_one_as_if_the_old_one_were_gone(bench: Bench) -> None:
    old = resting(bench, qty="400")
    assert status(bench, replace(bench, old, qty="500"))[0] == "acknowledged"
    other = resting(bench, qty="1")
    before = bench.kinds()
    for changes in ({"qty": "100000"}, {"limit_price": "90.001"}, {"qty": "0.5"}):
        replace(bench, other, **changes)
    assert bench.kinds()[len(before) :] == ["order_refused"] * 3
    assert status(bench, other)[0] == "acknowledged"


def test_the_gates_judge_it_once_more_before_it_is_sent(bench: Bench) -> None:
    old = resting(bench)
    bench.venue.script.append("before")
    new = replace(bench, old, limit_price="91")
    # the price is too old by then
    bench.clock.advance(61_000)
    bench.fire()
    assert status(bench, new) == ("cancelled", "stale_data")
    assert bench.venue.places == [old]


def test_a_halt_drops_the_replacement_of_an_entry_and_lets_one_of_an_exit_be(bench: Bench) -> None:
    bench.held("AAA", 1)
    sell = resting(bench, "sell", price="130", reduce_only=True)
    buy = resting(bench)
    bench.venue.script.extend(["before", "before"])
    new_buy, new_sell = replace(bench, buy, limit_price="91"), replace(bench, sell, limit_price="131")
    bench.call("halt", by="me", reason="x")
    assert status(bench, new_buy) == ("cancelled", "halted")
    bench.clock.advance(2000)
    bench.fire()
    assert status(bench, new_sell)[0] == "acknowledged"


def test_whoever_leaves_the_position_wants_no_replacement(bench: Bench) -> None:
    bench.held("AAA", 1)
    buy = resting(bench)
    bench.venue.script.append("before")
    new = replace(bench, buy, limit_price="91")
    bench.propose(proposal("AAA", 2, "100", action="exit", side="sell", stop_distance=None))
    assert status(bench, new) == ("cancelled", "exit")


def test_a_waiting_order_can_be_cancelled(bench: Bench) -> None:
    old = resting(bench)
    bench.venue.script.append("before")
    new = replace(bench, old, limit_price="91")
    bench.call("cancel", client_id=new, by="me", idempotency_key="c")
    assert status(bench, new) == ("cancelled", "cancelled")
    assert bench.state.replacements == {}
    assert bench.venue.places == [old]


def test_what_cannot_be_replaced(bench: Bench) -> None:
    market = bench.place("AAA", "buy", "1")["client_id"]
    done = resting(bench)
    bench.call("cancel", client_id=done, by="me", idempotency_key="c")
    waiting = resting(bench)
    bench.venue.script.append("before")
    new = replace(bench, waiting, limit_price="91")
    for name, code in ((market, "not_replaceable"), (done, "order_closed"), (waiting, "order_cancelling")):
        with pytest.raises(Conflict) as caught:
            replace(bench, name, qty="2")
        assert caught.value.error_code == code
    with pytest.raises(Conflict):
        replace(bench, new, qty="2")
    with pytest.raises(NotFound):
        replace(bench, "e" * 32, qty="2")
    with pytest.raises(Invalid, match="trigger_price"):
        replace(bench, resting(bench), trigger_price="2")


def test_a_report_about_an_order_that_waits_halts_the_desk(bench: Bench) -> None:
    from shared.model import OrderStatus
    from shared.venues.venue import OrderReport

    old = resting(bench)
    bench.venue.script.append("before")
    new = replace(bench, old, limit_price="91")
    bench.desk.engine.book(OrderReport(new, "v", OrderStatus.ACKNOWLEDGED))
    assert bench.state.halt_code == "integrity"
    assert status(bench, new) == ("cancelled", "halted")


def test_a_replacement_is_written_to_the_log_and_to_history(bench: Bench) -> None:
    old = resting(bench)
    replace(bench, old, limit_price="91")
    kinds = bench.kinds()
    assert kinds.index("replacement_intended") < kinds.index("order_cancelled") < len(kinds) - 1
    assert kinds.count("order_intended") == 2
    bench.call("tick")
    assert bench.call("verify")["checked"] == len(kinds) == len(bench.kinds())
    told = run(bench.d1.rows("SELECT status FROM orders ORDER BY intended_seq"))
    assert [row["status"] for row in told] == ["cancelled", "acknowledged"]
    assert ev.KINDS["replacement_dropped"].v == 1


@pytest.mark.parametrize("fault", ["before", "after"])
def test_an_unknown_order_is_replaced_only_once_the_venue_has_answered(bench: Bench, fault: str) -> None:
    bench.venue.script.extend([fault, "before"])
    old = resting(bench)
    assert status(bench, old)[0] == "unknown"
    bench.venue.script.append("before")
    new = replace(bench, old, limit_price="91")
    assert (status(bench, old)[0], status(bench, new)[0]) == ("cancelling", "created")
    assert bench.venue.places == [old]
    for _ in range(3):
        bench.clock.advance(2000)
        bench.fire()
    assert (status(bench, old)[0], status(bench, new)[0]) == ("cancelled", "acknowledged")
    assert bench.venue.places == [old, new]
    assert [report.client_id for report in run(bench.venue.open_orders())] == [new]


def test_a_replacement_lost_on_its_way_is_asked_for_and_then_placed_again(bench: Bench) -> None:
    old = resting(bench, price="100")
    bench.bars(candle("AAA", 1, "100", volume="30"))
    # the cancel is answered; then the new order and the first question about it are lost
    bench.venue.script.extend(["ok", "before", "before"])
    new = replace(bench, old, limit_price="99")
    order = bench.order(new)
    # nothing of the old one's clings to it: the venue may well not know it
    assert (order["status"], order["qty"], order["filled_qty"]) == ("unknown", "7", "0")
    assert (order["filled_value"], order["venue_order_id"]) == ("0", None)
    for _ in range(3):
        bench.clock.advance(2000)
        bench.fire()
    assert status(bench, new)[0] == "acknowledged"
    assert bench.state.halt_code == ""
    assert bench.venue.places == [old, new, new]


def test_without_client_ids_an_unknown_order_cannot_be_replaced() -> None:
    class Nameless(FaultyVenue):
        @property
        def offers(self) -> Offers:
            return Offers(client_ids=False)

    bench = Bench(venue=Nameless)
    bench.bars(candle("AAA", 0, "100"))
    bench.venue.script.append("before")
    old = resting(bench)
    with pytest.raises(Conflict) as caught:
        replace(bench, old, limit_price="91")
    assert caught.value.error_code == "order_unresolved"
    assert (status(bench, old)[0], bench.state.replacements) == ("unknown", {})


def test_a_stop_is_replaced_by_its_trigger_and_a_guard_never() -> None:
    bench = Bench(venue=FaultyVenue, opened=False)
    run(bench.desk.open(opening(paper={**PAPER, "resting_stops": True})))
    bench.held("AAA", 0, stop_price="95")
    (guard,) = bench.state.orders
    with pytest.raises(Conflict) as caught:
        replace(bench, guard, trigger_price="96")
    assert caught.value.error_code == "not_replaceable"
    old = bench.place("AAA", "buy", "1", kind="stop", trigger_price="110")["client_id"]
    order = bench.order(replace(bench, old, trigger_price="112"))
    assert (order["trigger_price"], order["reference_price"], order["status"]) == ("112", "112", "acknowledged")


def test_a_replacement_needs_an_id_of_its_own(bench: Bench) -> None:
    first, second = resting(bench), resting(bench, price="89")
    bench.venue.script.append("before")
    waiting = replace(bench, first, limit_price="91")
    engine = bench.desk.engine
    for taken in (second, waiting):
        with pytest.raises(Conflict) as caught:
            engine.session.draft(engine.now_ms).decide(commands.Replace(second, taken, "me", Decimal(2)), second)
        assert caught.value.error_code == "order_exists"
