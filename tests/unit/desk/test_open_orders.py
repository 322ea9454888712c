"""The open orders are sorted as sorting them anew would, whichever way they came about; and a state keeps them so."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from shared.desk.held import held
from shared.desk.open_orders import OpenOrders
from shared.desk.promised import promised
from shared.desk.state import DeskState
from shared.model import Cause, Order, OrderKind, Position, Side, TimeInForce, ids
from tests.unit.desk.bench import Bench, candle

NAMES = ("us:AAA", "us:BBB")
KINDS = ((Cause.MANUAL, OrderKind.MARKET), (Cause.STOP, OrderKind.STOP), (Cause.STOP, OrderKind.MARKET))


@st.composite
def orders(draw: st.DrawFn) -> Order:
    cause, kind = draw(st.sampled_from(KINDS))
    till_ms = draw(st.sampled_from([None, 5]))
    return Order(
        client_id=ids.digest(draw(st.integers(0, 5))),
        instrument=draw(st.sampled_from(NAMES)),
        side=draw(st.sampled_from(Side)),
        kind=kind,
        qty=Decimal(draw(st.integers(1, 9))),
        trigger_price=Decimal(3) if kind is OrderKind.STOP else None,
        time_in_force=TimeInForce.GTC if till_ms is None else TimeInForce.GTD,
        good_till_ms=till_ms,
        cause=cause,
        by="me",
        reference_price=Decimal(7),
        market_ms=1,
        intended_ms=1,
    )


@given(st.lists(st.tuples(orders(), st.booleans(), st.booleans()), max_size=12))
def test_moved_order_by_order_they_are_sorted_as_if_anew(moves: list[tuple[Order, bool, bool]]) -> None:
    now, plain = OpenOrders(), dict[str, Order]()
    for order, comes, looked_at in moves:
        before, was = now, dict(now)
        if comes:
            now, plain = now.having(order), {**plain, order.client_id: order}
        else:
            now = now.without(order.client_id)
            plain = {name: each for name, each in plain.items() if name != order.client_id}
        assert before == was
        if looked_at:
            assert now.sorted == OpenOrders(plain).sorted
    assert list(now.items()) == list(plain.items())
    assert now.sorted == OpenOrders(plain).sorted
    for name in NAMES:
        own = [order for order in plain.values() if order.instrument == name]
        assert list(now.of(name)) == own
        assert now.sorted.bought.get(name, 0) == sum(order.side is Side.BUY for order in own)
        guards = [order for order in own if order.side is Side.SELL and order.kind is OrderKind.STOP]
        assert now.sorted.guarded.get(name, 0) == len(guards)
        assert (name in now.sorted.guarded) == bool(guards)
    assert now.sorted.timed == sum(order.good_till_ms is not None for order in plain.values())


@given(st.lists(st.tuples(orders(), st.booleans(), st.booleans()), max_size=12))
def test_what_is_promised_follows_each_of_their_moves(moves: list[tuple[Order, bool, bool]]) -> None:
    state = Bench().state
    for order, comes, asked in moves:
        state = state.but(orders=state.open.having(order) if comes else state.open.without(order.client_id))
        if asked:
            buys = [
                each.qty for each in state.orders.values() if each.side is Side.BUY and each.kind is OrderKind.MARKET
            ]
            stops = [
                each.qty for each in state.orders.values() if each.side is Side.BUY and each.kind is OrderKind.STOP
            ]
            assert promised(state).total == 7 * sum(buys) + 3 * sum(stops)


def test_a_state_has_them_sorted_whatever_it_was_made_of() -> None:
    bench = Bench()
    bench.bars(candle("AAA", 0, "100"))
    order = bench.place("AAA", "buy", "1", kind="limit", limit_price="90")
    state: DeskState = bench.state
    assert state.open is state.orders
    (own,) = state.open.of("us:AAA")
    assert own.client_id == order["client_id"]
    again = DeskState.parse(state.json_text())
    assert again == state
    assert type(again.orders) is OpenOrders
    put_in = state.but(orders=dict(state.orders))
    assert put_in.open_orders("us:AAA") == [own]
    assert not put_in.open_orders("us:AAA", Side.SELL)


def test_what_is_held_is_told_of_the_positions_asked_about() -> None:
    one, flat = Position(instrument="us:AAA", qty=Decimal(1)), Position(instrument="us:BBB")
    first, second = {"us:AAA": one, "us:BBB": flat}, {"us:BBB": flat}
    assert held(first) == (one,)
    assert held(second) == ()
    assert held(first) == (one,)
    assert held({**second, "us:AAA": one}) == (one,)
