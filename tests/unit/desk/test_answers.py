"""What the venue's answers about an order lead to, and what their absence does: the core alone, answer by answer."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from shared.desk import commands
from shared.desk import events as ev
from shared.desk.state import DeskStatus
from shared.model import Cause, Fill, Money, OrderStatus, Side
from shared.venues.venue import Offers, OrderReport
from tests.unit.desk.bench import DAY
from tests.unit.desk.protections.core import Core

S = OrderStatus
ALIEN = "f" * 32


def sent(core: Core, symbol: str = "AAA", side: str = "buy", qty: str = "10", **terms: Any) -> str:
    client_id = core.place(symbol, side, qty, **terms)
    core.run(commands.Sending(client_id), client_id)
    assert core.order(client_id).status is S.SENT
    return client_id


def fill(core: Core, client_id: str, qty: str, name: str = "f1") -> Fill:
    order = core.order(client_id)
    return Fill(
        fill_id=name,
        client_id=client_id,
        instrument=order.instrument,
        side=order.side,
        qty=Decimal(qty),
        price=Decimal(100),
        fee=Money(amount=Decimal(0), asset="USD"),
        ts_ms=core.market_ms,
    )


def report(core: Core, client_id: str, status: OrderStatus, *fills: Fill, **more: Any) -> list[ev.Event]:
    known = more.pop("known", frozenset())
    told = OrderReport(client_id, more.pop("venue_order_id", "v1"), status, fills, **more)
    return core.run(commands.Reported(told), client_id, known)


def kinds(found: list[ev.Event]) -> list[str]:
    return [event.kind for event in found]


def halted(core: Core) -> tuple[str, str, str]:
    (event,) = [event for event in core.events if isinstance(event, ev.Halted)]
    return event.by, event.code, event.reason


def test_an_answer_is_booked_once_however_often_it_comes() -> None:
    core = Core()
    client_id = sent(core)
    assert kinds(report(core, client_id, S.ACKNOWLEDGED)) == ["order_acknowledged"]
    assert report(core, client_id, S.ACKNOWLEDGED) == []
    part = fill(core, client_id, "4")
    assert kinds(report(core, client_id, S.PARTLY_FILLED, part)) == ["order_filled"]
    assert report(core, client_id, S.PARTLY_FILLED, part, known=frozenset({"f1"})) == []
    rest = fill(core, client_id, "6", "f2")
    found = report(core, client_id, S.FILLED, part, rest, known=frozenset({"f1"}))
    assert kinds(found) == ["order_filled"]
    assert (core.order(client_id).status, core.known.position("us:AAA").qty) == (S.FILLED, 10)
    assert core.known.orders == {}


def test_the_venues_own_name_is_noted_when_it_comes_or_changes() -> None:
    core = Core()
    client_id = sent(core)
    assert kinds(report(core, client_id, S.ACKNOWLEDGED, venue_order_id="v1")) == ["order_acknowledged"]
    assert kinds(report(core, client_id, S.ACKNOWLEDGED, venue_order_id="v2")) == ["order_acknowledged"]
    assert core.order(client_id).venue_order_id == "v2"
    core.run(commands.Cancel(client_id, "me"), client_id)
    assert report(core, client_id, S.ACKNOWLEDGED, venue_order_id="v2") == []
    assert kinds(report(core, client_id, S.ACKNOWLEDGED, venue_order_id="v3")) == ["order_acknowledged"]
    assert core.order(client_id).status is S.CANCELLING


def test_a_fill_tells_that_the_venue_has_it() -> None:
    core = Core()
    client_id = sent(core)
    found = report(core, client_id, S.FILLED, fill(core, client_id, "10"))
    assert kinds(found) == ["order_acknowledged", "order_filled"]
    (filled,) = [event for event in found if isinstance(event, ev.OrderFilled)]
    assert (filled.status, filled.value, filled.cause) == (S.FILLED, 1000, None)
    assert (filled.stop_price, filled.target_price, filled.trail_distance) == (None, None, None)


@pytest.mark.parametrize(
    ("status", "reason", "kind", "says"),
    [
        (S.REJECTED, "no_money", "order_rejected", "no_money"),
        (S.REJECTED, "", "order_rejected", "rejected_by_venue"),
        (S.CANCELLED, "self_trade", "order_cancelled", "self_trade"),
        (S.CANCELLED, "", "order_cancelled", ""),
        (S.EXPIRED, "day_over", "order_expired", "day_over"),
    ],
)
def test_an_end_keeps_the_venues_reason(status: OrderStatus, reason: str, kind: str, says: str) -> None:
    core = Core()
    client_id = sent(core)
    found = report(core, client_id, status, reason=reason)
    assert kinds(found) == [kind]
    assert (core.order(client_id).status, core.order(client_id).reason) == (status, says)
    assert report(core, client_id, status, reason=reason) == []


def test_a_cancel_that_was_asked_for_ends_with_the_reason_that_it_was_asked_for() -> None:
    core = Core()
    client_id = sent(core)
    core.run(commands.Cancel(client_id, "me", "bored"), client_id)
    report(core, client_id, S.CANCELLED)
    assert core.order(client_id).reason == "bored"


def test_a_late_fill_of_a_closed_order_is_booked_and_leaves_it_closed() -> None:
    core = Core()
    client_id = sent(core)
    report(core, client_id, S.CANCELLED)
    assert kinds(report(core, client_id, S.CANCELLED, fill(core, client_id, "4"))) == ["order_filled"]
    assert (core.order(client_id).status, core.known.position("us:AAA").qty) == (S.CANCELLED, 4)
    report(core, client_id, S.CANCELLED, fill(core, client_id, "6", "f2"))
    assert core.order(client_id).status is S.FILLED


def test_a_part_that_fills_while_it_is_cancelled_leaves_it_cancelling() -> None:
    core = Core()
    client_id = sent(core)
    core.run(commands.Cancel(client_id, "me"), client_id)
    report(core, client_id, S.ACKNOWLEDGED, fill(core, client_id, "4"))
    assert core.order(client_id).status is S.CANCELLING


def test_more_than_was_ordered_is_booked_and_halts() -> None:
    core = Core()
    other = core.place("BBB")
    client_id = sent(core)
    found = report(core, client_id, S.FILLED, fill(core, client_id, "10.5"))
    assert kinds(found)[:3] == ["order_acknowledged", "order_filled", "halted"]
    assert halted(core) == ("desk", "integrity", f"the venue filled more than was ordered of {client_id}")
    assert core.known.position("us:AAA").qty == Decimal("10.5")
    assert [event.client_id for event in found if isinstance(event, ev.OrderCancelRequested)] == [other]


def test_exactly_what_was_ordered_is_no_reason_to_halt() -> None:
    core = Core()
    client_id = sent(core)
    report(core, client_id, S.FILLED, fill(core, client_id, "4"), fill(core, client_id, "6", "f2"))
    assert core.status == "active"


@pytest.mark.parametrize("wrong", [{"client_id": ALIEN}, {"instrument": "us:BBB"}, {"side": Side.SELL}])
def test_a_fill_that_does_not_belong_to_the_order_is_not_booked_and_halts(wrong: dict[str, Any]) -> None:
    core = Core()
    client_id = sent(core)
    found = report(core, client_id, S.FILLED, fill(core, client_id, "10").model_copy(update=wrong))
    assert "order_filled" not in kinds(found)
    assert halted(core) == ("desk", "integrity", f"the venue's fill f1 does not belong to the order {client_id}")


def test_an_order_that_nobody_intended_halts_once() -> None:
    core = Core()
    assert kinds(report(core, ALIEN, S.ACKNOWLEDGED)) == ["halted"]
    assert halted(core) == ("desk", "integrity", f"the venue reports an order that the desk never intended: {ALIEN}")
    assert report(core, ALIEN, S.ACKNOWLEDGED) == []


def test_a_woken_desk_does_not_know_of_what_was_sent_and_knows_of_all_else() -> None:
    core = Core()
    placed = core.place("BBB")
    known = sent(core, "CCC")
    report(core, known, S.ACKNOWLEDGED)
    client_id = sent(core)
    assert kinds(core.run(commands.Wake())) == ["order_unknown"]
    assert (core.order(client_id).status, core.order(client_id).reason) == (S.UNKNOWN, "woke")
    assert (core.order(placed).status, core.order(known).status) == (S.INTENDED, S.ACKNOWLEDGED)


@pytest.mark.parametrize("asks", [True, False])
def test_what_was_being_cancelled_is_unknown_where_nobody_can_be_asked_what_to_cancel(asks: bool) -> None:
    for command in ("wake", "unanswered"):
        core = Core()
        client_id = sent(core)
        core.run(commands.Cancel(client_id, "me"), client_id)
        core.offers = Offers(client_ids=asks)
        told = commands.Wake() if command == "wake" else commands.Unanswered(client_id, "timeout")
        assert kinds(core.run(told, client_id)) == ([] if asks else ["order_unknown"])
        assert core.order(client_id).status is (S.CANCELLING if asks else S.UNKNOWN)


def test_no_answer_makes_what_was_sent_unknown_and_nothing_else() -> None:
    core = Core()
    client_id = core.place("AAA")
    assert core.run(commands.Unanswered(client_id, "timeout"), client_id) == []
    core.run(commands.Sending(client_id), client_id)
    assert kinds(core.run(commands.Unanswered(client_id, "timeout"), client_id)) == ["order_unknown"]
    assert core.order(client_id).reason == "timeout"
    assert core.run(commands.Unanswered(client_id, "timeout"), client_id) == []
    assert core.run(commands.Unanswered(ALIEN, "timeout"), ALIEN) == []


def test_a_no_is_told_with_its_code_and_detail_and_of_open_orders_only() -> None:
    core = Core()
    client_id = sent(core)
    (event,) = core.run(commands.TurnedDown(client_id, "lot", "too odd"), client_id)
    assert event == ev.OrderRejected(client_id=client_id, code="lot", detail="too odd")
    assert core.run(commands.TurnedDown(client_id, "lot", "too odd"), client_id) == []


@pytest.mark.parametrize(("bars_late", "extra_ms", "kind"), [(1, 0, "order_sent"), (1, 1, "order_expired")])
def test_an_entry_leaves_until_the_market_is_too_far_ahead(bars_late: int, extra_ms: int, kind: str) -> None:
    core = Core()
    client_id = core.place("AAA")
    core.market_ms += bars_late * DAY + extra_ms
    core.mark("AAA", "100")
    (event,) = core.run(commands.Sending(client_id), client_id)
    assert event.kind == kind
    if isinstance(event, ev.OrderExpired):
        assert event.reason == "stale_intent"
        assert core.run(commands.Sending(client_id), client_id) == []


def test_a_way_out_leaves_however_late_it_is() -> None:
    core = Core()
    core.hold("AAA")
    client_id = core.place("AAA", "sell", "10", reduce_only=True)
    core.market_ms += 9 * DAY
    core.mark("AAA", "100")
    assert kinds(core.run(commands.Sending(client_id), client_id)) == ["order_sent"]


@pytest.mark.parametrize("status", [DeskStatus.REDUCING, DeskStatus.HALTED])
@pytest.mark.parametrize("stored", [False, True])
def test_an_entry_of_a_stopped_desk_does_not_leave_though_it_was_stored_as_sent(
    status: DeskStatus, stored: bool
) -> None:
    core = Core()
    client_id = sent(core) if stored else core.place("AAA")
    core.state = core.known.but(status=status)
    found = core.run(commands.Sending(client_id), client_id)
    assert found[0] == ev.OrderCancelled(client_id=client_id, reason="halted")


def test_asked_again_before_it_leaves_it_is_sent_once() -> None:
    core = Core()
    client_id = sent(core)
    assert core.run(commands.Sending(client_id), client_id) == []
    report(core, client_id, S.ACKNOWLEDGED)
    assert core.run(commands.Sending(client_id), client_id) == []
    assert core.run(commands.Sending(ALIEN), ALIEN) == []


def test_a_sell_that_outgrew_the_position_does_not_leave() -> None:
    core = Core()
    core.hold("AAA", "10")
    first = core.place("AAA", "sell", "10", reduce_only=True)
    core.state = core.known.but(positions={"us:AAA": core.known.position("us:AAA").model_copy(update={"qty": 9})})
    (event,) = core.run(commands.Sending(first), first)
    assert event == ev.OrderCancelled(client_id=first, reason="outgrown")


def unknown(core: Core, **terms: Any) -> str:
    client_id = sent(core, **terms)
    core.run(commands.Unanswered(client_id, "timeout"), client_id)
    return client_id


def test_what_the_venue_never_saw_is_intended_again_unless_it_is_too_late() -> None:
    core = Core()
    client_id = unknown(core)
    assert kinds(core.run(commands.NotKnown(client_id), client_id)) == ["order_not_found"]
    assert core.order(client_id).status is S.INTENDED
    core = Core()
    client_id = unknown(core)
    core.market_ms += DAY + 1
    (event,) = core.run(commands.NotKnown(client_id), client_id)
    assert event == ev.OrderExpired(client_id=client_id, reason="stale_intent")


def test_what_the_venue_never_saw_and_was_to_be_cancelled_was_never_sent() -> None:
    core = Core()
    client_id = sent(core)
    core.run(commands.Cancel(client_id, "me"), client_id)
    (event,) = core.run(commands.NotKnown(client_id), client_id)
    assert event == ev.OrderCancelled(client_id=client_id, reason="never_sent")


def test_not_known_says_nothing_of_what_nobody_asked_about() -> None:
    core = Core()
    client_id = core.place("AAA")
    assert core.run(commands.NotKnown(client_id), client_id) == []
    assert core.run(commands.NotKnown(ALIEN), ALIEN) == []
    assert core.order(client_id).status is S.INTENDED


@pytest.mark.parametrize("known_by", ["name", "fill"])
def test_an_order_that_the_venue_had_and_has_no_more_is_lost_and_halts(known_by: str) -> None:
    core = Core()
    client_id = sent(core)
    if known_by == "name":
        report(core, client_id, S.ACKNOWLEDGED)
    else:
        report(core, client_id, S.PARTLY_FILLED, fill(core, client_id, "4"), venue_order_id=None)
    lost, halt, *rest = core.run(commands.NotKnown(client_id), client_id)
    assert lost == ev.OrderExpired(client_id=client_id, reason="lost_by_venue")
    assert halt.kind == "halted"
    assert rest == []
    reason = f"the venue does not know an order that it had acknowledged: {client_id}"
    assert halted(core) == ("desk", "integrity", reason)


def test_a_stop_that_fills_after_it_had_ended_is_a_stop_all_the_same() -> None:
    core = Core()
    core.offers = Offers(resting_stops=True)
    core.hold("AAA", "10")
    [stop] = [
        event.order
        for event in core.run(commands.SetLevels("us:AAA", "me", stop_price=Decimal(90)))
        if isinstance(event, ev.OrderIntended)
    ]
    core.run(commands.Sending(stop.client_id), stop.client_id)
    report(core, stop.client_id, S.CANCELLED)
    [late, *_] = report(core, stop.client_id, S.CANCELLED, fill(core, stop.client_id, "10"))
    assert isinstance(late, ev.OrderFilled)
    assert late.cause is Cause.STOP
    assert [trade.cause for trade in core.known.trades] == [Cause.STOP]


def test_a_fill_from_before_causes_were_kept_is_read_as_one_by_hand() -> None:
    core = Core()
    client_id = sent(core)
    report(core, client_id, S.CANCELLED)
    [now] = report(core, client_id, S.CANCELLED, fill(core, client_id, "4"))
    body = json.loads(now.json_text())
    entry = body.pop("entry")
    assert (entry["client_id"], entry["by"], entry["proposed"]) == (client_id, "me", False)
    assert ev.read("order_filled", 2, json.dumps(body)) == now.model_copy(update={"entry": None})
    assert body.pop("cause") == "manual"
    before = ev.read("order_filled", 1, json.dumps(body))
    assert before == now.model_copy(update={"cause": None, "entry": None})
