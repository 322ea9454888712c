"""The desk does not trade with itself."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.desk.protections.core import Core


def desk(sell_at: str = "105") -> Core:
    core = Core()
    core.hold("AAA", "20")
    assert len(core.place("AAA", "sell", "10", kind="limit", limit_price=sell_at)) == 32
    return core


def test_a_buy_that_would_meet_an_own_sell_is_refused() -> None:
    core = desk()
    assert core.place("AAA", kind="limit", limit_price="105") == "self_trade"
    assert len(core.place("AAA", kind="limit", limit_price="104.99")) == 32
    assert len(core.place("BBB", kind="limit", limit_price="105")) == 32


def test_a_market_buy_reaches_to_the_ask() -> None:
    core = desk()
    assert len(core.place("AAA")) == 32
    core.mark("AAA", "104.50", bid="104", ask="105")
    assert core.place("AAA") == "self_trade"
    core.mark("AAA", "105")
    assert core.place("AAA") == "self_trade"


def test_a_sell_that_would_meet_an_own_buy_is_refused_unless_it_only_reduces() -> None:
    core = Core()
    core.hold("AAA", "20")
    core.place("AAA", kind="limit", limit_price="98")
    assert core.place("AAA", "sell", "1", kind="limit", limit_price="98") == "self_trade"
    assert len(core.place("AAA", "sell", "1", kind="limit", limit_price="98.01")) == 32
    assert len(core.place("AAA", "sell", "1", kind="limit", limit_price="98", reduce_only=True)) == 32
    assert len(core.place("AAA", "sell", "1", reduce_only=True)) == 32


def test_orders_of_the_same_side_and_market_orders_do_not_meet() -> None:
    core = Core()
    core.hold("AAA", "20")
    core.place("AAA", "sell", "1", reduce_only=True)
    assert len(core.place("AAA")) == 32
    assert len(core.place("AAA", kind="limit", limit_price="99")) == 32


@given(st.integers(9_000, 11_000), st.integers(9_000, 11_000))
def test_two_own_limits_never_cross(sell: int, buy: int) -> None:
    core = desk(f"{sell // 100}.{sell % 100:02}")
    found = core.place("AAA", kind="limit", limit_price=f"{buy // 100}.{buy % 100:02}")
    assert (found == "self_trade") is (buy >= sell)
