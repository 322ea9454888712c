from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.book.features import imbalance, microprice, mid, spread_bps
from shared.book.ladder import Top

TOP = Top("99", "3", "101", "1")


def test_each_by_hand() -> None:
    assert mid(TOP) == 100
    assert spread_bps(TOP) == 200
    assert imbalance([3], [1]) == 0.5
    assert microprice(TOP) == pytest.approx((99 * 1 + 101 * 3) / 4)


def test_nothing_on_either_side_is_balanced() -> None:
    assert imbalance([], []) == 0
    assert microprice(Top("99", "0", "101", "0")) == 100


@given(st.lists(st.floats(0, 1e9)), st.lists(st.floats(0, 1e9)))
def test_imbalance_is_bounded_and_antisymmetric(bids: list[float], asks: list[float]) -> None:
    assert -1 <= imbalance(bids, asks) <= 1
    assert imbalance(bids, asks) == -imbalance(asks, bids)


@given(st.integers(1, 10**6), st.integers(1, 1000), st.integers(1, 10**6), st.integers(1, 10**6))
def test_the_microprice_lies_within_the_spread(bid: int, width: int, bid_qty: int, ask_qty: int) -> None:
    top = Top(str(bid), str(bid_qty), str(bid + width), str(ask_qty))
    assert bid * (1 - 1e-12) <= microprice(top) <= (bid + width) * (1 + 1e-12)
