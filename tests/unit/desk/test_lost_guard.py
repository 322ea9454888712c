"""A guard of which nobody can tell does not keep the desk from getting out; any other one does."""

from __future__ import annotations

from decimal import Decimal

import pytest

from shared.desk import commands
from shared.desk import events as ev
from shared.desk.context import Context
from shared.desk.decide import decide
from shared.desk.effects import Do, Effect, pending
from shared.desk.orders import fits, is_lost_guard
from shared.desk.state import DeskState
from shared.model import Cause, Order, OrderKind, OrderStatus, Side
from shared.venues.venue import Offers
from tests.simulation.model.test_rules import MARKET_MS, MARKS, NOW_MS, START, new_order

S = OrderStatus
NAMELESS = Offers(client_ids=False)
HELD = START.position("us:AAA").qty
GUARD: Order = new_order(Side.SELL).model_copy(
    update={
        "client_id": "c" * 32,
        "kind": OrderKind.STOP,
        "trigger_price": Decimal(90),
        "qty": HELD,
        "cause": Cause.STOP,
        "status": S.UNKNOWN,
    }
)
SALE: Order = new_order(Side.SELL).model_copy(update={"client_id": "d" * 32, "qty": HELD, "status": S.INTENDED})


def beside(guard: Order) -> DeskState:
    """All that is held is on its way out, and the guard still rests for it, or does not."""
    return START.but(orders={each.client_id: each for each in (guard, SALE)})


@pytest.mark.parametrize(
    ("changes", "offers", "lost"),
    [
        ({}, NAMELESS, True),
        ({"cause": Cause.TARGET, "kind": OrderKind.LIMIT, "limit_price": Decimal(120)}, NAMELESS, True),
        # it can be asked about: by its id, or by the venue's own name for it
        ({}, Offers(), False),
        ({"venue_order_id": "v1"}, NAMELESS, False),
        # its answer is still awaited, or it is known to be there
        ({"status": S.SENT}, NAMELESS, False),
        ({"status": S.CANCELLING}, NAMELESS, False),
        ({"status": S.ACKNOWLEDGED, "venue_order_id": "v1"}, NAMELESS, False),
        # a sale is no guard, whatever caused it
        ({"kind": OrderKind.MARKET, "trigger_price": None}, NAMELESS, False),
        ({"cause": Cause.MANUAL}, NAMELESS, False),
    ],
)
def test_only_a_guard_that_nobody_can_tell_of_is_out_of_the_way(
    changes: dict[str, object], offers: Offers, lost: bool
) -> None:
    order = GUARD.model_copy(update=changes)
    state = beside(order)
    assert is_lost_guard(order, offers) is lost
    assert fits(state, SALE, offers) is lost
    name = SALE.client_id
    event = ev.OrderSent(client_id=name) if lost else ev.OrderCancelled(client_id=name, reason="outgrown")
    context = Context(now_ms=NOW_MS, marks=MARKS, market_ms=MARKET_MS, offers=offers, prior=SALE)
    assert decide(state, commands.Sending(name), context) == [event]


def test_a_sale_waits_for_a_guard_that_may_still_be_heard_of_and_not_for_one_that_is_lost() -> None:
    place = Effect(Do.PLACE, SALE.client_id)
    assert place in pending(beside(GUARD), NAMELESS)
    for known in (GUARD.model_copy(update={"status": S.SENT}), GUARD.model_copy(update={"venue_order_id": "v1"})):
        assert place not in pending(beside(known), NAMELESS)
    assert place not in pending(beside(GUARD), Offers())


def test_one_that_is_lost_does_not_make_room_for_more_than_is_held() -> None:
    other = SALE.model_copy(update={"client_id": "e" * 32, "qty": Decimal(1), "status": S.SENT})
    state = beside(GUARD)
    assert not fits(state.but(orders={**state.orders, other.client_id: other}), SALE, NAMELESS)
