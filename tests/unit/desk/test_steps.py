"""One step of an order at a time: what each status calls for, who has to wait, and what a move leaves of the order."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from shared.desk import events as ev
from shared.desk import orders
from shared.desk.effects import Do, Effect, pending
from shared.desk.orders import cancelled, client_id_of, dropped, ended, fits, is_lost_guard, out_of_reach, project
from shared.desk.state import DeskState
from shared.model import Cause, Order, OrderKind, OrderStatus, Side
from shared.venues.venue import Offers
from tests.unit.desk.protections.core import Core
from tests.unit.desk.test_orders import fill, order
from tests.unit.desk.test_state import AAA, stop
from tests.unit.desk.test_state import order as sell

D = Decimal
S = OrderStatus
BARE = Offers(client_ids=False)


def state(*open_: Order) -> DeskState:
    core = Core()
    core.hold("AAA", "10")
    return core.known.but(orders={each.client_id: each for each in open_})


@pytest.mark.parametrize(
    ("status", "do", "without_ids"),
    [
        (S.INTENDED, Do.PLACE, Do.PLACE),
        (S.SENT, Do.ASK, Do.ASK),
        (S.UNKNOWN, Do.ASK, None),
        (S.CANCELLING, Do.CANCEL, Do.ASK),
        (S.ACKNOWLEDGED, None, None),
        (S.PARTLY_FILLED, None, None),
    ],
)
def test_what_a_status_calls_for(status: S, do: Do | None, without_ids: Do | None) -> None:
    one = order(status)
    for offers, wanted in ((Offers(), do), (BARE, without_ids)):
        assert pending(state(one), offers) == ([] if wanted is None else [Effect(wanted, one.client_id)])
    named = one.model_copy(update={"venue_order_id": "v"})
    assert pending(state(named), BARE) == ([] if do is None else [Effect(do, one.client_id)])


def guard(number: int, status: S = S.ACKNOWLEDGED, **changes: Any) -> Order:
    return stop(number, **{"cause": Cause.STOP, "status": status, "qty": D(10), **changes})


@pytest.mark.parametrize(
    ("resting", "waits"),
    [
        ([], False),
        ([guard(2)], True),
        ([guard(2, S.CANCELLING)], True),
        ([guard(2, S.INTENDED)], False),
        ([guard(2, instrument="us:BBB")], False),
        ([guard(2, qty=D(6))], False),
        ([guard(2, qty=D(7))], True),
    ],
)
def test_a_sell_waits_for_guards_that_hold_what_it_sells(resting: list[Order], waits: bool) -> None:
    out = sell(1, status=S.INTENDED)
    found = [each for each in pending(state(out, *resting)) if each.client_id == out.client_id]
    assert found == ([] if waits else [Effect(Do.PLACE, out.client_id)])
    # neither a buy nor a guard waits for anybody
    for other in (order(), guard(9, S.INTENDED)):
        assert Effect(Do.PLACE, other.client_id) in pending(state(other, *resting))


def test_a_guard_of_which_nobody_can_tell_is_not_waited_for() -> None:
    lost, out = guard(2, S.UNKNOWN), sell(1, status=S.INTENDED)
    assert is_lost_guard(lost, BARE)
    assert not is_lost_guard(lost, Offers())
    assert not is_lost_guard(guard(2, S.SENT), BARE)
    assert not is_lost_guard(sell(2, status=S.UNKNOWN), BARE)
    assert pending(state(out, lost), BARE) == [Effect(Do.PLACE, out.client_id)]
    assert Effect(Do.PLACE, out.client_id) not in pending(state(out, lost))
    # beside another guard that is there, the lost one does not count either
    there = guard(3, venue_order_id="v", qty=D(6))
    assert fits(state(out, lost, there), out, BARE)
    assert Effect(Do.PLACE, out.client_id) in pending(state(out, lost, there), BARE)
    assert not fits(state(out, lost, there), out, Offers())


def test_a_sell_fits_beside_those_that_have_left() -> None:
    one, other = sell(1, qty=D(6)), sell(2, qty=D(4), status=S.SENT)
    assert fits(state(one, other), one, Offers())
    assert not fits(state(one, other.model_copy(update={"qty": D(5)})), one, Offers())
    assert fits(state(one, other.model_copy(update={"qty": D(9), "status": S.INTENDED})), one, Offers())


@pytest.mark.parametrize("status", list(S))
def test_only_what_left_without_an_answer_is_out_of_reach(status: S) -> None:
    reached = status not in (S.SENT, S.UNKNOWN, S.CANCELLING)
    assert out_of_reach(order(status), BARE) is not reached
    assert not out_of_reach(order(status), Offers())
    assert not out_of_reach(order(status, venue_order_id="v"), BARE)


# --- what a move leaves ---

NAME = order().client_id


def moved(before: Order, **update: Any) -> Order:
    return before.model_copy(update=update)


@pytest.mark.parametrize(
    ("status", "event", "update"),
    [
        (S.INTENDED, ev.OrderSent(client_id=NAME), {"status": S.SENT}),
        (S.SENT, ev.OrderAcknowledged(client_id=NAME, venue_order_id="v"), {"status": S.ACKNOWLEDGED}),
        (S.CANCELLING, ev.OrderAcknowledged(client_id=NAME, venue_order_id="v"), {"reason": "before"}),
        (S.SENT, ev.OrderUnknown(client_id=NAME, reason="r"), {"status": S.UNKNOWN, "reason": "r"}),
        (S.UNKNOWN, ev.OrderNotFound(client_id=NAME), {"status": S.INTENDED, "reason": ""}),
        (S.SENT, ev.OrderRejected(client_id=NAME, code="c", detail="d"), {"status": S.REJECTED, "reason": "c"}),
        (S.SENT, ev.OrderCancelled(client_id=NAME, reason="r"), {"status": S.CANCELLED, "reason": "r"}),
        (S.SENT, ev.OrderExpired(client_id=NAME, reason="r"), {"status": S.EXPIRED, "reason": "r"}),
        (
            S.SENT,
            ev.OrderCancelRequested(client_id=NAME, by="b", reason="r"),
            {"status": S.CANCELLING, "reason": "r"},
        ),
        (
            S.CREATED,
            ev.ReplacementDropped(client_id="f" * 32, order_id=NAME, code="c", detail="d"),
            {"status": S.CANCELLED, "reason": "c"},
        ),
    ],
)
def test_a_move_changes_status_and_reason_and_nothing_else(status: S, event: ev.Event, update: dict[str, Any]) -> None:
    before = order(status, reason="before")
    if isinstance(event, ev.OrderAcknowledged):
        update = {"reason": "", "venue_order_id": "v", **update}
    assert project(before, event) == moved(before, **update)
    assert client_id_of(event) == NAME


def test_an_answer_that_names_no_venue_order_keeps_the_one_that_is_known() -> None:
    event = ev.OrderAcknowledged(client_id=NAME, venue_order_id=None)
    assert project(order(S.ACKNOWLEDGED, venue_order_id="v"), event).venue_order_id == "v"
    part = order(S.UNKNOWN, filled_qty=D(4), filled_value=D(400), reason="r")
    assert project(part, event) == moved(part, status=S.PARTLY_FILLED, reason="")


def test_fills_add_up_and_never_to_more_than_the_order() -> None:
    def filled(before: Order, qty: str, status: S) -> Order:
        return project(before, ev.OrderFilled(fill=fill(qty), value=D(qty) * 100, status=status))

    part = filled(order(S.ACKNOWLEDGED, reason="r"), "4", S.PARTLY_FILLED)
    assert (part.filled_qty, part.filled_value, part.status, part.reason) == (4, 400, S.PARTLY_FILLED, "r")
    whole = filled(part, "8", S.FILLED)
    assert (whole.filled_qty, whole.filled_value, whole.status) == (10, 1200, S.FILLED)


def test_an_intended_order_is_as_the_event_has_it() -> None:
    made = order(S.ACKNOWLEDGED)
    assert project(None, ev.OrderIntended(order=made)) == moved(made, status=S.INTENDED)
    assert project(None, ev.ReplacementIntended(client_id="f" * 32, order=made)) == moved(made, status=S.CREATED)
    assert client_id_of(ev.OrderIntended(order=made)) == NAME
    assert client_id_of(ev.ReplacementIntended(client_id="f" * 32, order=made)) == NAME
    assert client_id_of(ev.OrderFilled(fill=fill(), value=D(1), status=S.FILLED)) == NAME
    assert client_id_of(ev.VenueBack()) is None


def test_a_move_that_cannot_be_says_what_came_to_what() -> None:
    with pytest.raises(ValueError, match=f"order_sent cannot come to an order that is filled: {NAME}"):
        project(order(S.FILLED), ev.OrderSent(client_id=NAME))
    with pytest.raises(ValueError, match=f"order_sent cannot come to an order that was never intended: {NAME}"):
        project(None, ev.OrderSent(client_id=NAME))


def test_a_wish_to_cancel_ends_at_once_what_never_left() -> None:
    assert cancelled(order(S.CANCELLING), "me", "r") == []
    asked = ev.OrderCancelRequested(client_id=NAME, by="me", reason="r")
    assert cancelled(order(S.SENT), "me", "r") == [asked]
    assert cancelled(order(), "me", "r") == [asked, ev.OrderCancelled(client_id=NAME, reason="never_sent")]
    over = cancelled(order(), "desk", orders.GOOD_TILL)
    assert over[1] == ev.OrderExpired(client_id=NAME, reason="good_till")
    assert ended(order(S.CANCELLING, reason="good_till"), "x") == over[1]
    assert ended(order(S.CANCELLING, reason="r"), "x") == ev.OrderCancelled(client_id=NAME, reason="x")


def test_what_waits_is_dropped_under_the_order_it_waits_for() -> None:
    waits = order(S.CREATED, replaces="f" * 32)
    wanted = ev.ReplacementDropped(client_id="f" * 32, order_id=NAME, code="c", detail="d")
    assert dropped(waits, "c", "d") == wanted
    assert dropped(moved(waits, replaces=None), "c", "d").client_id == NAME


def test_a_buy_is_no_guard_whatever_rests() -> None:
    bought = order(kind=OrderKind.MARKET, side=Side.BUY)
    assert pending(state(bought, guard(2))) == [Effect(Do.PLACE, bought.client_id)]
    assert bought.instrument == AAA
