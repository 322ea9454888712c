"""Nothing is bought with money that is not there."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.desk.protections.core import Core

WIDE = {"max_order_notional": "900000", "max_symbol_notional": "900000", "max_total_notional": "900000"}


def test_a_limit_order_may_take_all_that_is_free_and_no_more() -> None:
    core = Core(**WIDE)
    core.hold("AAA", "500")
    core.place("BBB", qty="100", kind="limit", limit_price="100")
    assert core.place("CCC", qty="401", kind="limit", limit_price="100") == "free_balance"
    assert len(core.place("CCC", qty="400", kind="limit", limit_price="100")) == 32


def test_a_market_order_keeps_a_hundredth_for_the_price_to_move() -> None:
    core = Core(**WIDE)
    assert core.place("AAA", qty="991") == "free_balance"
    assert len(core.place("AAA", qty="990")) == 32


def test_selling_costs_nothing() -> None:
    core = Core(**WIDE)
    core.hold("AAA", "990")
    assert len(core.place("AAA", "sell", "1")) == 32
    assert len(core.place("AAA", "sell", "989", reduce_only=True)) == 32


@given(st.lists(st.integers(1, 700), max_size=6))
def test_open_buys_never_promise_more_than_there_is(quantities: list[int]) -> None:
    core = Core(**WIDE)
    promised = 0
    for qty in quantities:
        if len(core.place("AAA", qty=str(qty), kind="limit", limit_price="100")) == 32:
            promised += qty * 100
        assert promised <= 100_000
