"""What trading and holding costs in a backtest, and that all symbols share one account."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from brain.backtest.plan import Carry, Outcome
from brain.backtest.trade import ClosedTrade
from tests.unit.brain.backtest.test_engine import BUY, DAY, SELL, flat, told

STILL = flat([100] * 8)
NEAR = BUY._replace(stop_distance=0.6)
"""One percent of the account at so near a stop asks for more than the cash buys."""


def round_trip(bars: Sequence[Any] = STILL, **paper: Any) -> ClosedTrade:
    """200 bought at the second open and sold at the fifth."""
    [trade] = told({0: BUY, 3: SELL}, {"AAA": bars}, paper=paper).trades
    return trade


def test_half_the_spread_is_paid_on_each_way() -> None:
    trade = round_trip(spread_bps="40")
    assert (trade.entry_price, trade.exit_price, trade.pnl) == (100.2, 99.8, -80.0)


def test_slippage_is_paid_on_each_way() -> None:
    trade = round_trip(slippage_bps="40")
    assert (trade.entry_price, trade.exit_price, trade.pnl) == (100.4, 99.6, -160.0)


def test_the_fee_is_of_both_fills_and_stands_apart() -> None:
    trade = round_trip(fee_bps="40")
    assert (trade.entry_price, trade.exit_price, trade.fees, trade.pnl) == (100.0, 100.0, 160.0, -160.0)


def test_what_a_bar_cannot_fill_waits_for_the_next() -> None:
    """Of the 200, a bar that trades 150 fills 150, and the rest is paid what the next one asks, in and out."""
    prices = [100, 100, 102, 102, 104, 106, 106, 106]
    thin = [bar._replace(volume=150.0) for bar in flat(prices)]
    found = told({0: BUY, 3: SELL}, {"AAA": thin})
    [trade] = found.trades
    assert trade.qty == 200.0
    assert trade.entry_price == (150 * 100 + 50 * 102) / 200
    assert trade.exit_price == (150 * 104 + 50 * 106) / 200
    assert trade.pnl == 200 * (trade.exit_price - trade.entry_price)
    # 150 are held at the second close, 200 at the third, and 50 at the fifth
    assert list(found.equity)[1:5] == [100_000.0, 100_300.0, 100_300.0, 100_700.0]


def test_an_order_takes_no_more_than_its_share_of_a_bar() -> None:
    bars = [bar._replace(volume=1000.0) for bar in STILL]
    found = told({0: BUY}, {"AAA": bars}, paper={"volume_share_bps": 500})
    # five percent of 1000 on each of four bars, never more
    assert found.traded_notional == 200 * 100
    assert told({0: BUY}, {"AAA": bars[:3]}, paper={"volume_share_bps": 500}).traded_notional == 100 * 100


def holding(**rates: float) -> Outcome:
    """All of the cash in a price that stands still, over four days."""
    return told({0: NEAR}, {"AAA": flat([100] * (4 * DAY))}, carry=Carry(**rates))


def test_borrowing_is_paid_on_the_cash_that_funding_has_taken() -> None:
    held = holding(funding_bps=300.0).traded_notional
    assert 95_000 < held < 100_000
    funding, owed, interest = 0.0, held - 100_000, 0.0
    for _ in range(4):
        # of what is missing before the day's own funding
        cost = max(0.0, owed) * 0.01
        funding, interest = funding + held * 0.03, interest + cost
        owed += held * 0.03 + cost
    assert interest > 50
    assert holding(funding_bps=300.0).carry == pytest.approx(-funding)
    assert holding(funding_bps=300.0, borrow_bps=100.0).carry == pytest.approx(-funding - interest)
    assert holding(borrow_bps=100.0).carry == 0.0, "no cash is missing"


def test_a_funding_below_zero_is_received() -> None:
    paid, received = holding(funding_bps=20.0), holding(funding_bps=-20.0)
    assert received.carry == -paid.carry > 0
    assert received.equity[-1] > 100_000 > paid.equity[-1]


def test_all_symbols_share_one_account() -> None:
    both = told({0: NEAR}, {"AAA": STILL, "BBB": STILL})
    alone = told({0: NEAR}, {"BBB": STILL})
    assert list(alone.open_symbols) == ["BBB"]
    assert list(both.open_symbols) == ["AAA"], "the first has taken the cash"
    assert both.traded_notional == alone.traded_notional <= 100_000
    assert [(each.symbol, each.code) for each in both.refused] == [("BBB", "free_balance")]
    half = BUY._replace(stop_distance=2.5)
    found = told({0: half}, {"AAA": flat([100, 100, 103]), "BBB": flat([100, 100, 104])})
    # 400 of each: what both made is one equity
    assert list(found.equity) == [100_000.0, 100_000.0, 100_000.0 + 400 * 3 + 400 * 4]
    assert told({0: half}, {"AAA": STILL, "BBB": STILL}, limits={"max_open_positions": 1}).open_symbols == ["AAA"]
