"""Prices and quantities that nobody can mean."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model import exact
from tests.unit.desk.protections.core import Core

BIG = {"max_order_notional": "900000000", "max_symbol_notional": "900000000", "max_total_notional": "900000000"}


@pytest.mark.parametrize(
    ("side", "price", "code"),
    [
        ("buy", "120", ""),
        ("buy", "120.01", "price_absurd"),
        ("buy", "10", ""),
        ("buy", "9.99", "price_absurd"),
        ("sell", "80", ""),
        ("sell", "79.99", "price_absurd"),
        ("sell", "1000", ""),
        ("sell", "1000.01", "price_absurd"),
    ],
)
@pytest.mark.parametrize("reduce_only", [False, True])
def test_a_limit_through_the_market_or_far_away_is_a_mistake(
    side: str, price: str, code: str, reduce_only: bool
) -> None:
    if reduce_only and side == "buy":
        return
    core = Core()
    core.hold("AAA", "100")
    found = core.place("AAA", side, "1", kind="limit", limit_price=price, reduce_only=reduce_only)
    assert found == code if code else len(found) == 32


def test_the_band_is_a_setting() -> None:
    core = Core({"price_band": {"wrong_side_bps": 100, "span": 2}})
    assert len(core.place("AAA", kind="limit", limit_price="101")) == 32
    assert core.place("AAA", kind="limit", limit_price="101.01") == "price_absurd"
    assert core.place("AAA", kind="limit", limit_price="49.99") == "price_absurd"


def test_a_quantity_beyond_all_measure_is_refused() -> None:
    core = Core(**BIG)
    assert core.place("AAA", qty="1000000000001") == "qty_absurd"


@pytest.mark.parametrize(
    ("price", "code"), [("149.99", ""), ("150", "price_jump"), ("50", "price_jump"), ("50.01", "")]
)
def test_nobody_enters_right_after_a_flash(price: str, code: str) -> None:
    core = Core()
    core.hold("AAA")
    core.mark("AAA", price, before="100")
    found = core.place("AAA")
    assert found == code if code else len(found) == 32
    assert len(core.place("AAA", "sell", "10", reduce_only=True)) == 32
    assert len(core.place("BBB")) == 32
    core.mark("AAA", price, before=price)
    assert len(core.place("AAA")) == 32


@given(st.decimals("0.01", "5000", places=2), st.integers(1, 9000), st.sampled_from(["buy", "sell"]))
def test_what_passes_lies_within_the_band(price: Decimal, bps: int, side: str) -> None:
    core = Core({"price_band": {"wrong_side_bps": bps}}, **BIG)
    core.hold("AAA", "1")
    found = core.place("AAA", side, "1", kind="limit", limit_price=exact.text(price))
    worse = (price - 100) * (1 if side == "buy" else -1)
    absurd = worse * 100 > bps or price > 1000 or price < 10
    assert (found == "price_absurd") is absurd
