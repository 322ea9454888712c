"""What a desk's state can be asked, and what one that was just opened, or stored by an older release, says."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from shared.desk.state import (
    STATE_V,
    ArmRequest,
    DeskState,
    DeskStatus,
    Reduction,
    Timebase,
    has_set_off,
    is_entry,
    is_guard,
    survives_halt,
    together,
)
from shared.model import Cause, Order, OrderKind, Position, Side
from tests.unit.desk.bench import LIMITS, PAPER
from tests.unit.desk.protections.core import Core

D = Decimal
AAA = "us:AAA"
MUST: dict[str, Any] = {"desk": "alpha", "mode": "paper", "venue": "us", "interval_ms": 60_000, "currency": "USD"}
MUST |= {"initial_cash": "9", "opened_ms": 1, "limits": LIMITS, "paper": PAPER, "since_ms": 2, "cash": {"USD": "9"}}
EMPTY: dict[str, Any] = {
    "trading": {"kind": "paper"},
    "rehearsed_as": None,
    "rehearsal_days": 30,
    "protections": {},
    "instruments": {},
    "delisted": [],
    "status": "active",
    "halt_reason": "",
    "halt_code": "",
    "hold_until_ms": 0,
    "flattening": False,
    "resume": None,
    "reductions": {},
    "fees": {},
    "orders": {},
    "replacements": {},
    "positions": {},
    "exits": {},
    "rejected_exits": {},
    "rejected_guards": {},
    "awaited": {},
    "recent_order_ms": [],
    "recent_error_ms": [],
    "venue_silent_ms": 0,
    "trades": [],
    "earlier_trades": [],
    "equity": None,
    "differences": {},
    "adjusted": {},
    "armed_until_ms": 0,
    "arm": None,
    "refused": {},
    "seq": 0,
}


def order(number: int = 1, **changes: Any) -> Order:
    body: dict[str, Any] = {"client_id": f"{number:032}", "instrument": AAA, "side": Side.SELL, "qty": D(4)}
    body |= {"kind": OrderKind.MARKET, "cause": Cause.MANUAL, "by": "me", "reference_price": D(1), "market_ms": 0}
    return Order(**{**body, "intended_ms": 0, **changes})


def limit(number: int, **changes: Any) -> Order:
    return order(number, kind=OrderKind.LIMIT, limit_price=D(9), **changes)


def stop(number: int, **changes: Any) -> Order:
    return order(number, kind=OrderKind.STOP, trigger_price=D(9), **changes)


def holding(*orders: Order, qty: str = "10") -> DeskState:
    positions = {AAA: Position(instrument=AAA, qty=D(qty), cost=D(qty), opened_ms=1)}
    return Core().known.but(positions=positions, orders={each.client_id: each for each in orders})


def test_a_state_that_says_no_more_than_it_must_is_that_of_a_desk_on_which_nothing_happened() -> None:
    found = DeskState.parse(json.dumps(MUST)).wire()
    assert {name: found[name] for name in EMPTY} == EMPTY
    assert set(found) == {*MUST, *EMPTY}


def test_a_state_survives_being_stored() -> None:
    core = Core({"cooldown": {}})
    core.hold("AAA", stop_price="95")
    core.place("BBB", kind="limit", limit_price="90")
    core.trip("CCC", "1")
    state = core.known
    assert DeskState.parse(state.json_text()) == state
    assert STATE_V >= 2


def test_a_reduction_and_a_request_say_what_they_must() -> None:
    assert Reduction(reason="x", by="me", since_ms=1).wire() == {
        "reason": "x",
        "by": "me",
        "since_ms": 1,
        "until_ms": None,
        "clock": "wall",
    }
    assert set(ArmRequest.model_fields) == {"by", "reason", "confirm_hash", "expires_ms", "until_ms"}
    assert [each.value for each in DeskStatus] == ["active", "reducing", "halted"]
    assert [each.value for each in Timebase] == ["market", "wall"]


def test_open_orders_are_those_of_the_instrument_and_the_side() -> None:
    sell, buy, other = order(1), order(2, side=Side.BUY), order(3, instrument="us:BBB")
    state = holding(sell, buy, other)
    assert state.open_orders(AAA) == [sell, buy]
    assert state.open_orders(AAA, Side.SELL) == [sell]
    assert state.open_orders(AAA, Side.BUY) == [buy]
    assert state.open_orders("us:CCC") == []


def test_held_is_what_is_not_flat() -> None:
    state = holding()
    flat = {**state.positions, "us:BBB": Position(instrument="us:BBB")}
    assert [each.instrument for each in state.but(positions=flat).held()] == [AAA]


@pytest.mark.parametrize(
    ("orders", "free"),
    [
        ([], "10"),
        ([order(1)], "6"),
        ([order(1), limit(2)], "2"),
        ([order(1), limit(2), stop(3)], "0"),
        ([order(1, side=Side.BUY)], "10"),
        ([order(1, instrument="us:BBB")], "10"),
        ([stop(1, cause=Cause.STOP), limit(2, cause=Cause.TARGET)], "10"),
        ([order(1, cause=Cause.STOP), order(2, cause=Cause.FLATTEN)], "2"),
        ([limit(1, oco="a" * 32), stop(2, oco="a" * 32, qty=D(5))], "5"),
        ([order(1, filled_qty=D(3))], "9"),
    ],
)
def test_free_is_what_no_sell_but_a_guard_has_promised(orders: list[Order], free: str) -> None:
    assert holding(*orders).free_qty(AAA) == D(free)


def test_nothing_is_free_of_what_is_not_held() -> None:
    assert holding(order(1)).free_qty("us:BBB") == 0


@pytest.mark.parametrize(
    ("orders", "leaving"),
    [
        ([limit(1), stop(2)], "0"),
        ([order(1), limit(2)], "4"),
        ([order(1, side=Side.BUY)], "0"),
        ([stop(1, filled_qty=D(1))], "3"),
        ([limit(1, filled_qty=D(1))], "0"),
    ],
)
def test_leaving_is_what_goes_at_the_next_price(orders: list[Order], leaving: str) -> None:
    assert holding(*orders).leaving_qty(AAA) == D(leaving)


def test_of_a_group_only_the_largest_can_fill() -> None:
    one, two = "a" * 32, "b" * 32
    orders = [order(1, qty=D(3), oco=one), order(2, qty=D(5), oco=one), order(3, qty=D(2), oco=one)]
    assert together(orders) == 5
    assert together([*orders, order(4, qty=D(7), oco=two), order(5), order(6)]) == 20
    assert together([]) == 0


def test_a_guard_rests_for_a_stop_or_a_target() -> None:
    assert is_guard(stop(1, cause=Cause.STOP))
    assert is_guard(limit(1, cause=Cause.TARGET))
    assert not is_guard(order(1, cause=Cause.STOP))
    assert not is_guard(limit(1))
    assert not is_guard(limit(1, cause=Cause.FLATTEN))


def test_a_stop_has_set_off_when_it_began_to_fill() -> None:
    assert has_set_off(stop(1, filled_qty=D(1)))
    assert not has_set_off(stop(1))
    assert not has_set_off(order(1, filled_qty=D(1)))


@pytest.mark.parametrize(
    ("kind", "survives"), [("market", True), ("stop", True), ("limit", False), ("stop_limit", False)]
)
def test_a_halt_lets_live_what_can_only_lower_the_risk_at_any_price(kind: str, survives: bool) -> None:
    terms: dict[str, Any] = {"kind": OrderKind(kind)}
    terms |= {"limit_price": D(9)} if "limit" in kind else {}
    terms |= {"trigger_price": D(9)} if "stop" in kind else {}
    assert survives_halt(order(1, reduce_only=True, **terms)) is survives
    assert survives_halt(order(1, **terms)) is False
    assert is_entry(order(1, **terms)) is True
    assert is_entry(order(1, reduce_only=True, **terms)) is False
