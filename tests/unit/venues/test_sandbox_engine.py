"""The sandbox's matching engine: what holds for any orders, and price-time priority."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.model import OrderKind, Side, TimeInForce, exact
from tests.sandbox.account import Account
from tests.sandbox.checks import Refusal
from tests.sandbox.engine import Engine
from tests.sandbox.market import Market
from tests.sandbox.order import Fill, Order, Status, Terms
from tests.sandbox.setup import listed

D = Decimal
AAA = listed("AAA")
CASH = D(20_000)


class Place:
    """Two clients, the market, and a record of every fill."""

    def __init__(self, seed: int = 1, depth: int = 20) -> None:
        self.told: list[tuple[str, Order, Fill | None]] = []
        self.now_ms = 1000
        self.engine = Engine([AAA], lambda: self.now_ms, lambda *what: self.told.append(what))
        self.a = Account("a", {"USD": CASH}, {"AAA": D(50)}, maker_bps=D(2), taker_bps=D("10.5"))
        self.b = Account("b", {"USD": CASH}, {"AAA": D(50)}, maker_bps=D(2), taker_bps=D("10.5"), fee_asset="FEE")
        self.engine.accounts |= {"a": self.a, "b": self.b}
        self.market = Market(self.engine, seed, depth)

    def limit(self, account: Account, side: Side, qty: str, price: str, **more: object) -> Order:
        return self.engine.place(account, Terms("AAA", side, OrderKind.LIMIT, D(qty), D(price), **more))  # type: ignore[arg-type]

    def sums(self) -> tuple[dict[str, Decimal], Decimal]:
        """All money of each asset, and all of the instrument."""
        money: dict[str, Decimal] = {}
        held = exact.ZERO
        for account in self.engine.accounts.values():
            for asset, amount in account.cash.items():
                money[asset] = exact.add(money.get(asset, exact.ZERO), amount)
            held = exact.add(held, account.positions.get("AAA", exact.ZERO))
        return money, held


def no_crossed_book(place: Place) -> None:
    book = place.engine.books["AAA"]
    bid, ask = book.best(Side.BUY), book.best(Side.SELL)
    if bid is not None and ask is not None:
        assert bid.terms.limit_price is not None
        assert ask.terms.limit_price is not None
        assert bid.terms.limit_price < ask.terms.limit_price


def nothing_was_lost(place: Place) -> None:
    money, held = place.sums()
    assert held == 100
    assert money["USD"] == 2 * CASH
    assert not money.get("FEE")


def orders_are_sound(place: Place) -> None:
    for account in (place.a, place.b):
        for order in account.orders.values():
            filled = exact.ZERO
            for fill in order.fills:
                filled = exact.add(filled, fill.qty)
                limit = order.terms.limit_price
                if limit is not None:
                    assert order.crosses(fill.price), f"{order} was filled beyond its limit"
            assert filled == order.filled <= order.terms.qty
            assert (order.status is Status.FILLED) == (filled == order.terms.qty)
            if order.is_open and not order.waits:
                resting = list(place.engine.books["AAA"].of(order.terms.side))
                assert order in resting
        assert account.positions["AAA"] >= 0
        ids = [fill.fill_id for order in account.orders.values() for fill in order.fills]
        assert len(set(ids)) == len(ids)


PRICES = st.integers(9500, 10500).map(lambda cents: D(cents) / 100)
ACTION = st.one_of(
    st.tuples(st.just("move"), PRICES),
    st.tuples(st.just("trade"), st.sampled_from(Side), st.integers(1, 30), PRICES),
    st.tuples(
        st.just("place"),
        st.sampled_from("ab"),
        st.sampled_from(Side),
        st.sampled_from(OrderKind),
        st.integers(1, 60),
        PRICES,
        PRICES,
        st.sampled_from([TimeInForce.GTC, TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK]),
        st.booleans(),
        st.booleans(),
        st.sampled_from([None, None, "g1", "g2"]),
    ),
    st.tuples(st.just("cancel"), st.sampled_from("ab"), st.integers(0, 30)),
    st.tuples(st.just("later"), st.integers(1, 500)),
)


def act(place: Place, action: tuple) -> None:  # type: ignore[type-arg]
    match action:
        case ("move", price):
            place.market.move("AAA", price)
        case ("trade", side, qty, price):
            place.market.trade("AAA", side, D(qty), price)
        case ("place", name, side, kind, qty, price, trigger, time, post, reduce, group):
            limit = price if kind.has_limit else None
            level = trigger if kind.has_trigger else None
            account = place.engine.accounts[name]
            terms = Terms("AAA", side, kind, D(qty), limit, level, time, None, post, reduce, group)
            try:
                place.engine.place(account, terms)
            except Refusal:
                return
            place.engine.trigger("AAA")
        case ("cancel", name, number):
            orders = list(place.engine.accounts[name].orders.values())
            if number < len(orders):
                place.engine.cancel(orders[number])
        case ("later", ms):
            place.now_ms += ms
            place.engine.expire()


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 1000), st.lists(ACTION, max_size=25))
def test_whatever_happens_nothing_is_lost_and_the_book_is_not_crossed(seed: int, actions: list[tuple]) -> None:  # type: ignore[type-arg]
    place = Place(seed)
    place.market.move("AAA", D(100))
    for action in actions:
        act(place, action)
        no_crossed_book(place)
        nothing_was_lost(place)
        orders_are_sound(place)


def test_the_same_seed_makes_the_same_market() -> None:
    walks = []
    for _ in range(2):
        place = Place(seed=5)
        place.market.move("AAA", D(100))
        walks.append((place.market.walk("AAA", 20, 50), place.engine.trades))
    assert walks[0] == walks[1]
    assert len(set(walks[0][0])) > 5


def fills_of(orders: Iterable[Order]) -> list[str]:
    return [exact.text(order.filled) for order in orders]


@given(st.permutations(["99", "100", "101", "100"]), st.integers(1, 40))
def test_the_better_price_goes_first_and_within_a_price_the_older(prices: list[str], wanted: int) -> None:
    place = Place()
    asks = [place.limit(place.a, Side.SELL, "10", price) for price in prices]
    place.limit(place.b, Side.BUY, str(wanted), "101", time_in_force=TimeInForce.IOC)
    left = wanted
    for order in sorted(asks, key=lambda ask: (ask.terms.limit_price, ask.entry)):
        assert order.filled == min(10, left)
        left -= min(10, left)


def test_the_price_is_that_of_the_order_that_rested() -> None:
    place = Place()
    place.limit(place.a, Side.SELL, "10", "99")
    taker = place.limit(place.b, Side.BUY, "10", "105")
    assert taker.fills[0].price == 99
    assert place.b.cash == {"USD": CASH - 990, "FEE": D("-1.0395")}
    assert place.a.cash == {"USD": CASH + 990 - D("0.198")}


def test_nobody_trades_with_himself() -> None:
    place = Place()
    mine = place.limit(place.a, Side.SELL, "10", "99")
    theirs = place.limit(place.b, Side.SELL, "10", "100")
    taker = place.limit(place.a, Side.BUY, "10", "105")
    assert (mine.status, mine.reason) == (Status.CANCELLED, "self_trade")
    assert fills_of((mine, theirs, taker)) == ["0", "10", "10"]


def test_a_group_is_reserved_once_and_traded_once() -> None:
    place = Place()
    group = [place.limit(place.a, Side.SELL, "50", price, oco="g") for price in ("105", "110")]
    with pytest.raises(Refusal) as refused:
        place.limit(place.a, Side.SELL, "1", "105")
    assert refused.value.code == "insufficient_position"
    place.limit(place.b, Side.BUY, "20", "105")
    assert [exact.text(order.remaining) for order in group] == ["30", "30"]
    place.limit(place.b, Side.BUY, "30", "105")
    assert [(order.status, order.reason) for order in group] == [(Status.FILLED, ""), (Status.CANCELLED, "oco")]


@pytest.mark.parametrize(
    ("code", "terms"),
    [
        ("tick", {"limit_price": D("99.001")}),
        ("lot", {"qty": D("1.5")}),
        ("min_notional", {"qty": D(1), "limit_price": D(9)}),
        ("insufficient_balance", {"qty": D(1000)}),
        ("reduce_only", {"reduce_only": True}),
        ("bad_terms", {"trigger_price": D(9)}),
        ("bad_terms", {"good_till_ms": 5000}),
        ("good_till_past", {"good_till_ms": 1000, "time_in_force": TimeInForce.GTD}),
        ("bad_terms", {"post_only": True, "time_in_force": TimeInForce.IOC}),
        ("unknown_instrument", {"symbol": "ZZZ"}),
    ],
)
def test_what_cannot_be_taken_is_refused_by_its_code_and_changes_nothing(code: str, terms: dict[str, object]) -> None:
    place = Place()
    plain = {"symbol": "AAA", "side": Side.BUY, "kind": OrderKind.LIMIT, "qty": D(10), "limit_price": D(99)}
    with pytest.raises(Refusal) as refused:
        place.engine.place(place.a, Terms(**{**plain, **terms}))  # type: ignore[arg-type]
    assert refused.value.code == code
    assert not place.a.orders
    nothing_was_lost(place)


def test_what_is_filled_only_in_part_at_once_goes_on_when_released() -> None:
    place = Place()
    place.market.move("AAA", D(100))
    terms = Terms("AAA", Side.BUY, OrderKind.MARKET, D(10))
    order = place.engine.place(place.a, terms, at_once=D(4))
    assert (order.status, order.filled) == (Status.PARTLY_FILLED, D(4))
    place.engine.release()
    assert (order.status, order.filled) == (Status.FILLED, D(10))
