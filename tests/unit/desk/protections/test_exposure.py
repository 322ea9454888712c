"""How much may be at stake."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from shared.venues.venue import Offers
from tests.unit.desk.protections.core import Core

WIDE = {"max_order_notional": "90000", "max_symbol_notional": "90000", "max_total_notional": "90000"}
TECH = {"symbols": ["AAA", "BBB"], "max_notional": "5000"}


def test_the_order_alone() -> None:
    core = Core(**{**WIDE, "max_order_notional": "1000"})
    assert len(core.place("AAA", qty="10")) == 32
    assert core.place("AAA", qty="11") == "max_order_notional"


def test_the_instrument_with_what_is_held_at_its_mark_and_what_may_still_be_bought() -> None:
    core = Core(**{**WIDE, "max_symbol_notional": "3000"})
    core.hold("AAA", "10")
    core.place("AAA", qty="10", kind="limit", limit_price="90")
    core.mark("AAA", "110")
    assert core.place("AAA", qty="10", kind="limit", limit_price="100.01") == "max_symbol_notional"
    assert len(core.place("AAA", qty="10", kind="limit", limit_price="100")) == 32


def test_the_desk_in_all() -> None:
    core = Core(**{**WIDE, "max_total_notional": "3000"})
    core.hold("AAA", "10")
    core.place("BBB", qty="10")
    assert core.place("CCC", qty="11") == "max_total_notional"
    assert len(core.place("CCC", qty="10")) == 32


def test_the_count_of_positions_each_instrument_once() -> None:
    core = Core(max_open_positions=2)
    core.hold("AAA")
    core.place("BBB")
    assert core.place("CCC") == "max_open_positions"
    assert len(core.place("AAA")) == 32
    assert len(core.place("BBB")) == 32


def test_a_group_has_a_limit_of_its_own() -> None:
    core = Core({"exposure": {"groups": {"tech": TECH}}}, **WIDE)
    core.hold("AAA", "30")
    assert core.place("BBB", qty="21") == "max_group_notional"
    assert len(core.place("BBB", qty="20")) == 32
    assert len(core.place("CCC", qty="100")) == 32
    assert len(core.place("AAA", "sell", "30", reduce_only=True)) == 32


def test_a_group_may_have_so_many_positions() -> None:
    groups = {"tech": {"symbols": ["AAA", "BBB", "CCC"], "max_positions": 2}}
    core = Core({"exposure": {"groups": groups}}, max_open_positions=10)
    core.hold("AAA")
    core.hold("DDD")
    core.place("BBB")
    assert core.place("CCC") == "max_group_positions"
    assert len(core.place("AAA")) == 32


def test_an_open_buy_stop_counts_at_its_trigger() -> None:
    core = Core(**{**WIDE, "max_symbol_notional": "3000"})
    core.offers = Offers(resting_stops=True)
    assert len(core.place("AAA", qty="10", kind="stop", trigger_price="150")) == 32
    assert core.place("AAA", qty="16") == "max_symbol_notional"
    assert len(core.place("AAA", qty="15")) == 32


def test_what_is_sold_is_never_counted_against_it() -> None:
    core = Core(**WIDE)
    core.hold("AAA", "100")
    core.mark("AAA", "2000")
    assert core.place("BBB") == "max_total_notional"
    assert len(core.place("AAA", "sell", "100")) == 32


@given(st.lists(st.tuples(st.sampled_from(["AAA", "BBB", "CCC"]), st.integers(1, 60)), max_size=8))
def test_no_order_that_passes_carries_a_limit_past_it(orders: list[tuple[str, int]]) -> None:
    limits = {"max_order_notional": "4000", "max_symbol_notional": "6000", "max_total_notional": "9000"}
    core = Core({"exposure": {"groups": {"tech": TECH}}}, **limits)
    worth: dict[str, Decimal] = {}
    for symbol, qty in orders:
        if len(core.place(symbol, qty=str(qty))) == 32:
            assert qty * 100 <= 4000
            worth[symbol] = worth.get(symbol, Decimal(0)) + qty * 100
        assert all(each <= 6000 for each in worth.values())
        assert sum(worth.values()) <= 9000
        assert worth.get("AAA", 0) + worth.get("BBB", 0) <= 5000
