"""Halting, the two steps back, and the sales of a halt: what each event says, and each refusal with its code."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from shared.desk import account, commands, flatten
from shared.desk import events as ev
from shared.desk.state import DeskStatus, Rejections
from shared.errors import Conflict, Forbidden
from shared.model import Cause, OrderKind, OrderStatus, Position, Side
from shared.venues.venue import Offers
from tests.unit.desk.protections.core import HOUR, START, Core

AAA = "us:AAA"
D = Decimal


def halted(core: Core, **changes: Any) -> Core:
    core.state = core.known.but(status=DeskStatus.HALTED, halt_code="asked", **changes)
    return core


def refused(core: Core, command: commands.Command) -> tuple[str, dict[str, Any]]:
    with pytest.raises((Conflict, Forbidden)) as caught:
        core.run(command)
    return caught.value.error_code, caught.value.context


ASK = commands.RequestResume("adm", "seen", "h")
CONFIRM = commands.ConfirmResume("adm", "h")


def test_a_halt_says_by_whom_and_why_and_cancels_what_must_not_live() -> None:
    core = Core()
    core.offers = Offers(resting_stops=True)
    core.hold("AAA", "20")
    entry = core.place("BBB")
    way_out = core.place("AAA", "sell", "1", reduce_only=True)
    stop = core.place("AAA", "sell", "1", kind="stop", trigger_price="90", reduce_only=True)
    entry_stop = core.place("CCC", kind="stop", trigger_price="110")
    resting = core.place("AAA", "sell", "1", kind="limit", limit_price="120", reduce_only=True)
    halt, *rest = core.run(commands.HaltDesk("me", "enough"))
    assert halt == ev.Halted(by="me", reason="enough", code="asked", hold_until_ms=0, flatten=False)
    asked = [event for event in rest if isinstance(event, ev.OrderCancelRequested)]
    assert [event.client_id for event in asked] == [entry, entry_stop, resting]
    assert {(event.by, event.reason) for event in asked} == {("desk", "halted")}
    assert set(core.known.orders) == {way_out, stop}


def test_a_second_halt_is_no_news_unless_somebody_began_to_resume_or_it_sells() -> None:
    core = Core()
    core.run(commands.HaltDesk("me", "enough"))
    assert core.run(commands.HaltDesk("you", "again")) == []
    core.run(ASK)
    (again,) = core.run(commands.HaltDesk("you", "no"))
    assert again == ev.Halted(by="you", reason="no", code="asked")
    (sells,) = core.run(commands.HaltDesk("you", "sell", flatten=True))
    assert sells == ev.Halted(by="you", reason="sell", code="asked", flatten=True)
    assert core.run(commands.HaltDesk("you", "sell", flatten=True)) == []
    assert core.run(commands.HaltDesk("you", "x")) == []


def test_a_halt_that_stands_keeps_its_code_and_the_longer_hold() -> None:
    core = halted(Core(), hold_until_ms=50)
    state = core.known.but(halt_code="daily_loss")
    for asked_ms, hold_ms in ((0, 50), (49, 50), (51, 51)):
        (halt,) = account.halting(state, "desk", "x", "other", asked_ms)
        assert halt == ev.Halted(by="desk", reason="x", code="daily_loss", hold_until_ms=hold_ms)
    (halt,) = account.halting(Core().known, "desk", "x", "other", 7, flatten=True)
    assert halt == ev.Halted(by="desk", reason="x", code="other", hold_until_ms=7, flatten=True)
    (halt,) = account.halting(Core().known, "desk", "x")
    assert halt == ev.Halted(by="desk", reason="x", code="asked", hold_until_ms=0, flatten=False)


def test_an_order_that_is_closed_already_is_not_cancelled() -> None:
    core = Core()
    first, second = core.place("AAA"), core.place("BBB")
    found = account.cancel_for_halt(core.known, first)
    assert {event.client_id for event in found if isinstance(event, ev.OrderCancelRequested)} == {second}
    assert len({event.client_id for event in account.cancel_for_halt(core.known)}) == 2  # type: ignore[attr-defined]


def test_each_step_back_is_refused_with_its_code() -> None:
    assert refused(Core(), ASK) == refused(Core(), CONFIRM) == ("not_halted", {})
    core = halted(Core())
    assert refused(core, CONFIRM) == ("no_resume_request", {})
    (asked,) = core.run(ASK)
    assert asked == ev.ResumeRequested(by="adm", reason="seen", confirm_hash="h", expires_ms=core.now_ms + 300_000)
    assert refused(core, commands.ConfirmResume("adm", "g")) == ("confirm_wrong", {})
    core.now_ms += 299_999
    assert core.run(commands.ExpireResume()) == []
    core.now_ms += 1
    assert refused(core, CONFIRM) == ("resume_expired", {})
    assert core.run(commands.ExpireResume()) == [ev.ResumeExpired()]
    assert core.run(commands.ExpireResume()) == []
    core.run(ASK)
    core.now_ms += 299_999
    (resumed,) = core.run(commands.ConfirmResume("boss", "h"))
    assert resumed == ev.Resumed(by="boss", reason="seen")


def test_a_hold_is_told_with_what_holds_it_and_until_when() -> None:
    core = Core()
    until_ms = core.now_ms + HOUR
    halted(core, hold_until_ms=until_ms)
    core.now_ms += HOUR - 1
    for command in (ASK, CONFIRM):
        with pytest.raises(Conflict, match="asked holds the halt for 1 ms more"):
            core.run(command)
        assert refused(core, command) == ("halt_holds", {"until_ms": until_ms})
    core.now_ms += 1
    assert core.run(ASK)[0].kind == "resume_requested"


def test_a_hold_is_of_a_halt_and_not_of_a_reduction() -> None:
    core = Core()
    core.state = core.known.but(status=DeskStatus.REDUCING, hold_until_ms=core.now_ms + HOUR)
    assert core.run(ASK)[0].kind == "resume_requested"


def selling(core: Core) -> Core:
    core.state = core.known.but(status=DeskStatus.HALTED, flattening=True)
    return core


def test_a_sale_of_a_halt_is_an_order_for_all_that_is_free() -> None:
    core = Core()
    core.hold("AAA", "10")
    core.mark("AAA", "90", market_ms=START + 7)
    selling(core)
    (event,) = flatten.due(core.known, core.context)
    assert isinstance(event, ev.OrderIntended)
    order = event.order
    assert (order.instrument, order.side, order.kind, order.qty) == (AAA, Side.SELL, OrderKind.MARKET, 10)
    assert (order.reduce_only, order.cause, order.by) == (True, Cause.FLATTEN, "desk")
    assert (order.reference_price, order.market_ms, order.intended_ms) == (90, START + 7, core.now_ms)
    assert (order.status, order.limit_price, order.signal_id) == (OrderStatus.INTENDED, None, None)
    again = flatten.due(core.known.but(seq=core.known.seq + 1), core.context)
    assert isinstance(again[0], ev.OrderIntended)
    assert again[0].order.client_id != order.client_id


def test_only_a_halt_that_sells_sells_and_only_what_is_long() -> None:
    core = Core()
    core.hold("AAA", "10")
    state = core.known
    assert flatten.due(state.but(flattening=True), core.context) == []
    assert flatten.due(state.but(status=DeskStatus.HALTED), core.context) == []
    for qty, cost in ((D(-3), D(-300)), (D(0), D(0))):
        positions = {AAA: Position(instrument=AAA, qty=qty, cost=cost, opened_ms=1)}
        assert flatten.due(selling(core).known.but(positions=positions), core.context) == []
    half = {AAA: Position(instrument=AAA, qty=D("0.5"), cost=D(50), opened_ms=1)}
    assert len(flatten.due(selling(core).known.but(positions=half), core.context)) == 1


@pytest.mark.parametrize(("count", "waits_ms"), [(1, 1000), (2, 2000), (9, 60_000)])
def test_a_sale_that_was_turned_down_waits_longer_each_time(count: int, waits_ms: int) -> None:
    core = Core()
    core.hold("AAA", "10")
    selling(core)
    core.state = core.known.but(rejected_exits={AAA: Rejections(count=count, at_ms=core.now_ms)})
    core.now_ms += waits_ms - 1
    assert flatten.due(core.known, core.context) == []
    core.now_ms += 1
    assert len(flatten.due(core.known, core.context)) == 1


def test_what_has_no_price_and_cost_nothing_is_not_sold_blindly() -> None:
    core = Core()
    free = {AAA: Position(instrument=AAA, qty=D(3), cost=D(0), opened_ms=1)}
    core.marks.clear()
    assert flatten.due(selling(core).known.but(positions=free), core.context) == []
    paid = {AAA: Position(instrument=AAA, qty=D(4), cost=D(2), opened_ms=1)}
    (event,) = flatten.due(core.known.but(positions=paid), core.context)
    assert isinstance(event, ev.OrderIntended)
    assert event.order.reference_price == D("0.5")


def test_a_sale_waits_until_what_rests_in_its_way_was_asked_to_go() -> None:
    core = Core()
    core.hold("AAA", "10")
    core.place("AAA", "sell", "4", kind="limit", limit_price="120", reduce_only=True)
    selling(core)
    found = flatten.due(core.known, core.context)
    assert found
    assert {event.kind for event in found} == {"order_cancel_requested", "order_cancelled"}
