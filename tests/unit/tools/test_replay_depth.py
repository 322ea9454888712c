"""The depth rule: on tick, not crossed, sized by volume, along the bar's path."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.replay.bar import INTERVALS_MS, Bar
from tools.replay.depth import depth, message, path
from tools.replay.instrument import Instrument

pytestmark = pytest.mark.native

DAY = 86_400_000
bars = st.builds(
    lambda prices, up, volume: Bar(
        DAY,
        str(prices[1 if up else 2]),
        str(prices[3]),
        str(prices[0]),
        str(prices[2 if up else 1]),
        str(volume),
    ),
    st.lists(st.decimals("0.01", 10**9, places=2), min_size=4, max_size=4).map(sorted),
    st.booleans(),
    st.integers(0, 10**12),
)


def instrument(tick: str = "0.01", lot: str = "1", min_qty: str = "1") -> Instrument:
    return Instrument("A", "A", "USD", tick, lot, min_qty, "1", "1", 0, ("1d",))


@pytest.mark.parametrize(
    ("close", "order"), [("12.00", "10 9 13 12"), ("8.50", "10 13 8 8.50"), ("10.00", "10 9 13 10")]
)
def test_the_path_follows_the_direction_of_the_bar(close: str, order: str) -> None:
    low = "8" if close == "8.50" else "9"
    points = path(Bar(DAY, "10", "13", low, close, "1"), DAY)
    assert [Decimal(point.price) for point in points] == list(map(Decimal, order.split()))
    assert [point.ts_ms for point in points] == [DAY + DAY // 4 * quarter for quarter in (1, 2, 3, 4)]


def test_the_rule_by_example() -> None:
    bids, asks = depth(instrument(), "130.31", "9616100")
    assert bids == [
        ("130.29", "9616"),
        ("130.27", "19232"),
        ("130.25", "28848"),
        ("130.23", "38464"),
        ("130.21", "48080"),
    ]
    assert [price for price, _ in asks] == ["130.33", "130.35", "130.37", "130.39", "130.41"]
    assert depth(instrument("0.00001"), "1.05227", "143539993").bids[0] == ("1.05216", "143539")


def test_an_empty_bar_quotes_the_least_quantity() -> None:
    bids, _ = depth(instrument(lot="0.001", min_qty="0.01"), "5.00", "0")
    assert {qty for _, qty in bids} == {"0.010"}


def test_no_bid_is_zero_or_less() -> None:
    assert depth(instrument(), "0.01", "1").bids == []
    assert [price for price, _ in depth(instrument(), "0.03", "1").bids] == ["0.02", "0.01"]


@given(bars)
def test_a_book_is_never_crossed_and_always_on_its_steps(bar: Bar) -> None:
    for point in path(bar, DAY):
        bids, asks = depth(instrument(), point.price, bar.volume)
        price = Decimal(point.price)
        bid_prices, ask_prices = [Decimal(p) for p, _ in bids], [Decimal(p) for p, _ in asks]
        assert bid_prices == sorted(set(bid_prices), reverse=True)
        assert ask_prices == sorted(set(ask_prices))
        assert len(asks) == 5
        assert all(0 < bid < price for bid in bid_prices)
        assert ask_prices[0] > price
        half = ask_prices[0] - price
        assert half == Decimal("0.01") or half - Decimal("0.01") < price / 10_000 <= half
        assert all(p == p.quantize(Decimal("0.01")) for p in (*bid_prices, *ask_prices))
        assert all(int(qty) >= 1 for _, qty in (*bids, *asks))
        assert all("E" not in text for level in (*bids, *asks) for text in level)


@given(bars, st.sampled_from(sorted(INTERVALS_MS.values())), st.integers(1, 10**6))
def test_time_stays_inside_the_bar_and_seq_rises_by_one(bar: Bar, interval_ms: int, closed: int) -> None:
    messages = [
        message(instrument(), bar, number, point) for number in (closed, closed + 1) for point in path(bar, interval_ms)
    ]
    seqs = [one["seq"] for one in messages]
    assert seqs == list(range(4 * closed - 3, 4 * closed + 5))
    times = [point.ts_ms for point in path(bar, interval_ms)]
    assert times == sorted(set(times))
    assert times[0] > bar.open_time_ms
    assert times[-1] == bar.open_time_ms + interval_ms
    assert {point.price for point in path(bar, interval_ms)} == set(bar[1:5])
