"""Round trips, fills that no order asked for, and what is booked beside all fills."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from shared.desk import booking
from shared.desk import events as ev
from shared.desk.apply import apply
from shared.desk.state import DeskState
from shared.model import Cause, Fill, Money, OrderStatus, Position, Side, Trade
from tests.unit.desk.protections.core import MINUTE, START, Core

NAME = "us:AAA"
D = Decimal
ALIEN = "e" * 32


def filled(state: DeskState, side: Side, qty: str, price: str, ts_ms: int, fee: str = "0") -> DeskState:
    """By an order that the desk has long forgotten."""
    body: dict[str, Any] = {"fill_id": "f", "client_id": ALIEN, "instrument": NAME, "side": side, "qty": D(qty)}
    told = Fill(**body, price=D(price), fee=Money(amount=D(fee), asset="USD"), ts_ms=ts_ms)
    return apply(state, ev.OrderFilled(fill=told, value=D(qty) * D(price), status=OrderStatus.FILLED), 1)


def test_a_round_trip_is_what_it_made_after_fees_of_what_it_cost() -> None:
    state = filled(Core().known, Side.BUY, "10", "100", 1, fee="3")
    state = filled(state, Side.SELL, "4", "110", 2, fee="1")
    assert state.trades == ()
    state = filled(state, Side.SELL, "6", "90", 3, fee="2")
    (trade,) = state.trades
    assert trade == Trade(
        instrument=NAME, opened_ms=1, closed_ms=3, net=D(-26), cost=D(1000), cause=Cause.MANUAL, seq=state.seq
    )
    state = filled(filled(state, Side.BUY, "1", "100", 5), Side.SELL, "1", "101", 6)
    assert state.trades[1:] == (
        Trade(instrument=NAME, opened_ms=5, closed_ms=6, net=D(1), cost=D(100), cause=Cause.MANUAL, seq=state.seq),
    )
    assert state.positions[NAME].flat_net == D(-25)


def test_a_fill_that_turns_the_position_round_ends_a_trip_and_begins_one() -> None:
    state = filled(Core().known, Side.BUY, "10", "100", 1)
    state = filled(state, Side.SELL, "15", "110", 2)
    (trade,) = state.trades
    assert (trade.opened_ms, trade.closed_ms, trade.net, trade.cost) == (1, 2, 100, 1000)
    state = filled(state, Side.BUY, "2", "90", 3)
    assert len(state.trades) == 1
    state = filled(state, Side.BUY, "3.5", "90", 4)
    assert [(each.net, each.cost) for each in state.trades] == [(100, 1000), (100, 550)]
    assert state.positions[NAME].qty == D("0.5")


@pytest.mark.parametrize("first", [Side.BUY, Side.SELL])
def test_what_enlarges_a_position_ends_nothing(first: Side) -> None:
    state = filled(filled(Core().known, first, "0.5", "100", 1), first, "0.25", "100", 2)
    assert state.trades == ()
    assert abs(state.positions[NAME].qty) == D("0.75")
    assert state.positions[NAME].opened_ms == 1


def test_the_newest_two_hundred_trips_are_kept() -> None:
    old = Trade(instrument=NAME, opened_ms=0, closed_ms=0, net=D(0), cost=D(1), cause=Cause.STOP)
    trades = tuple(old.model_copy(update={"closed_ms": number}) for number in range(200))
    state = filled(filled(Core().known.but(trades=trades), Side.BUY, "1", "1", 900), Side.SELL, "1", "1", 901)
    assert [each.closed_ms for each in state.trades] == [*range(1, 200), 901]
    assert booking.TRADES_KEPT == 200


def test_the_cause_is_that_of_the_order_that_ended_it() -> None:
    core = Core()
    core.hold("AAA", stop_price="95")
    core.later(MINUTE)
    core.stopped("AAA", "95")
    core.trip("BBB", "1")
    stopped, by_hand = core.known.trades
    assert (stopped.cause, stopped.opened_ms, stopped.closed_ms) == (Cause.STOP, START, START + MINUTE)
    assert (by_hand.cause, by_hand.net, by_hand.cost) == (Cause.MANUAL, 10, 1000)


def found(**changes: Any) -> ev.FillFound:
    body: dict[str, Any] = {"fill_id": "x", "instrument": NAME, "side": Side.BUY, "qty": D(2), "price": D(100)}
    body |= {"fee": Money(amount=D("0.5"), asset="USD"), "ts_ms": 7, "value": D(200), "explanation": "by hand"}
    return ev.FillFound(**{**body, **changes})


def test_a_fill_that_no_order_asked_for_is_booked_like_any_other() -> None:
    state = apply(Core().known, found(), 1)
    assert (state.cash, state.fees) == ({"USD": D("99799.5")}, {"USD": D("0.5")})
    held = state.positions[NAME]
    assert (held.qty, held.cost, held.fees, held.opened_ms) == (2, 200, D("0.5"), 7)
    state = apply(state, found(side=Side.SELL, value=D(210), ts_ms=8), 1)
    (trade,) = state.trades
    assert (trade.net, trade.cause, trade.closed_ms) == (9, Cause.MANUAL, 8)
    assert state.cash == {"USD": D(100_009)}


def test_such_a_fill_stands_behind_no_order() -> None:
    told = booking.fill_of(found())
    wire = found().wire()
    assert told.wire() == {**{name: wire[name] for name in told.wire() if name in wire}, "client_id": "0" * 32}
    assert booking.NO_ORDER == "0" * 32


def test_money_that_is_adjusted_is_remembered_as_such() -> None:
    state = Core().known
    event = ev.LedgerAdjusted(asset="USD", amount=D("-1.5"), by="me", reason="interest")
    once = apply(state, event, 1)
    assert (once.cash["USD"], once.adjusted) == (D("99998.5"), {"USD": D("-1.5")})
    twice = apply(once, event.model_copy(update={"asset": "BNB"}), 1)
    assert (twice.cash, twice.adjusted) == (
        {"USD": D("99998.5"), "BNB": D("-1.5")},
        {"USD": D("-1.5"), "BNB": D("-1.5")},
    )
    assert twice.positions == {}


def test_a_quantity_that_is_adjusted_keeps_its_cost_in_the_sum() -> None:
    core = Core()
    core.hold("AAA", "10", stop_price="95", target_price="120")
    change = ev.LedgerAdjusted(instrument=NAME, qty=D(-4), cost=D(-400), by="me", reason="split")
    less = apply(core.known, change, 1)
    held = less.positions[NAME]
    assert (held.qty, held.cost, held.paid, held.stop_price, held.opened_ms) == (6, 600, 1000, 95, START)
    assert (less.cash, less.adjusted) == (core.known.cash, {"USD": D(-400)})
    flat = apply(less, change.model_copy(update={"qty": D(-6), "cost": D(-600)}), 1)
    gone = Position(instrument=NAME, realised=held.realised, fees=held.fees, flat_net=held.flat_net)
    assert flat.positions[NAME].wire() == gone.wire()
    assert flat.adjusted == {"USD": D(-1000)}


def test_what_is_taken_out_leaves_the_rest() -> None:
    assert booking.without({"a": 1, "b": 2}, "a") == {"b": 2}
    assert booking.without({"a": 1}, None) == {"a": 1}


@pytest.mark.parametrize(
    ("qty", "by", "cost", "paid"),
    [
        ("0.5", "0.25", "25", "75"),
        ("0.5", "-0.25", "-25", "50"),
        ("0.5", "-0.9", "-90", "40"),
        ("-0.5", "0.9", "90", "40"),
        ("-0.5", "-0.25", "-25", "75"),
        ("0", "0.5", "50", "50"),
        ("0.5", "-0.5", "-50", "0"),
        ("0.5", "-0.5", "-40", "0"),
    ],
)
def test_what_went_in_is_what_a_person_says_it_cost_where_it_turns_or_begins(
    qty: str, by: str, cost: str, paid: str
) -> None:
    before = Position(instrument=NAME, qty=D(qty), cost=D(qty) * 100, paid=abs(D(qty)) * 100, opened_ms=1)
    change = ev.LedgerAdjusted(instrument=NAME, qty=D(by), cost=D(cost), by="me", reason="x")
    after = apply(Core().known.but(positions={NAME: before}), change, 1).positions[NAME]
    assert (after.qty, after.cost, after.paid) == (D(qty) + D(by), D(qty) * 100 + D(cost), D(paid))
