"""The sums that are kept between states are those that counting anew gives, whatever state is asked about next."""

from __future__ import annotations

from decimal import Decimal
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.desk import balance, ledger
from shared.desk.promised import promised
from shared.desk.state import DeskState
from shared.model import Cause, Instrument, Order, OrderKind, Side, exact, ids
from tests.unit.desk.bench import Bench, instrument, opening

LISTED = [("AAA", "USD", "1"), ("BBB", "USD", "2.5"), ("CCC", "EUR", "1")]


@cache
def opened() -> DeskState:
    bench = Bench(opened=False)
    listed = [instrument(name, quote=quote, settle=quote, multiplier=multiplier) for name, quote, multiplier in LISTED]
    bench.call("open", **opening(instruments=listed))
    state: DeskState = bench.state
    return state


amounts = st.integers(1, 10**6).map(lambda n: Decimal(n) * Decimal("0.01"))


@st.composite
def orders(draw: st.DrawFn) -> Order:
    kind = draw(st.sampled_from([OrderKind.MARKET, OrderKind.LIMIT]))
    qty = draw(st.integers(2, 1000))
    return Order(
        client_id=ids.digest(draw(st.integers(0, 7))),
        instrument=f"us:{draw(st.sampled_from(LISTED))[0]}",
        side=draw(st.sampled_from(Side)),
        kind=kind,
        qty=Decimal(qty),
        filled_qty=Decimal(draw(st.integers(0, qty))),
        limit_price=draw(amounts) if kind is OrderKind.LIMIT else None,
        reference_price=draw(amounts),
        cause=Cause.MANUAL,
        by="me",
        market_ms=1,
        intended_ms=1,
    )


def counted(state: DeskState, quote: str | None = None, name: str | None = None) -> Decimal:
    total = exact.ZERO
    for order in state.orders.values():
        listed: Instrument = state.instruments[order.instrument]
        if order.side is Side.BUY and quote in (None, listed.quote) and name in (None, order.instrument):
            left = order.qty - order.filled_qty
            total += left * (order.limit_price or order.reference_price) * listed.multiplier
    return total


def holds(state: DeskState) -> None:
    assert promised(state).total == counted(state)
    assert ledger.total_exposure(state, {}) == counted(state)
    for name, _, _ in LISTED:
        assert ledger.symbol_exposure(state, {}, f"us:{name}") == counted(state, name=f"us:{name}")
    for quote in ("USD", "EUR"):
        by_kind = promised(state).by_kind
        assert sum(by_kind.get((quote, kind), exact.ZERO) for kind in OrderKind) == counted(state, quote=quote)
    # 10 bps of fee; 5 of slippage and 100 of movement for what is bought at market
    usd = {kind: promised(state).by_kind.get(("USD", kind), exact.ZERO) for kind in OrderKind}
    wanted = usd[OrderKind.MARKET] * Decimal("1.0115") + usd[OrderKind.LIMIT] * Decimal("1.001")
    assert balance.reserved(state, "USD") == wanted


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(orders(), max_size=4), max_size=5))
def test_sums_follow_the_orders_of_any_state_in_any_order(states: list[list[Order]]) -> None:
    for some in states:
        holds(opened().but(orders={order.client_id: order for order in some}))


def test_sums_are_those_of_the_instruments_as_they_are_now() -> None:
    order = Order(
        client_id=ids.digest("x"),
        instrument="us:BBB",
        side=Side.BUY,
        kind=OrderKind.LIMIT,
        qty=Decimal(4),
        limit_price=Decimal(10),
        reference_price=Decimal(11),
        cause=Cause.MANUAL,
        by="me",
        market_ms=1,
        intended_ms=1,
    )
    state = opened().but(orders={order.client_id: order})
    assert promised(state).total == 100
    changed = state.instruments["us:BBB"].model_copy(update={"multiplier": Decimal(3)})
    assert promised(state.but(instruments={**state.instruments, "us:BBB": changed})).total == 120
    assert promised(state).total == 100


def test_what_was_asked_before_is_not_counted_again() -> None:
    state = opened().but(orders=dict(opened().orders))
    assert promised(state) is promised(state.but(seq=state.seq + 1))
