"""The same strategies on the same bars as backtesting.py give the same trades; and where they do not, why: natively only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cache
from typing import Any

import pytest

from brain.backtest.engine import run
from brain.backtest.plan import Outcome
from brain.bar import Bar
from shared.model import Interval
from tests.unit.brain.backtest.support import HOUR, instrument, plan, walk
from tests.unit.brain.backtest.test_engine import BUY, SELL, told

pytestmark = pytest.mark.oracle
pytest.importorskip("backtesting", reason="backtesting.py only runs natively")
pytest.importorskip("talib", reason="TA-Lib only runs natively")

from tests.unit.brain.backtest import theirs  # noqa: E402 - only where its packages are
from tools.replay.sources.fx import fx_market  # noqa: E402
from tools.replay.sources.us import us_market  # noqa: E402

FINE = "0.0000001"
"""Finer than the prices: a bar whose extreme just touches a target is then rare; what becomes of one stands below."""
FAR = {"stop_atr": 20.0}
STOP = {"stop_atr": 1.5}
BRACKET = {"stop_atr": 1.5, "target_atr": 2.0}


def ours(
    name: str, params: dict[str, Any], bars: Sequence[Bar], fee_bps: str, interval: Interval, risk_bps: int
) -> Outcome:
    chosen = [{"name": name, "params": params}]
    made = plan({"AAA": bars}, chosen, limits={"risk_per_trade_bps": risk_bps}, paper={"fee_bps": fee_bps})
    opening = replace(made.opening, instruments=(instrument("AAA", tick=FINE),), interval_ms=interval.ms)
    return run(made._replace(opening=opening, interval=interval))


def opened_ms(outcome: Outcome, bars: Sequence[Bar], interval: Interval) -> list[theirs.Told]:
    """Trades with the bars that filled them: a fill at the open has its time, any other that of the close."""
    opens = {bar.open_time_ms: bar for bar in bars}
    found = []
    for trade in outcome.trades:
        leave = trade.exit_ms
        before = opens.get(leave - interval.ms)
        if trade.reason != "proposal" and before is not None and before.low <= trade.exit_price <= before.high:
            now = opens.get(leave)
            at_open = now is not None and trade.exit_price == pytest.approx(now.open, rel=1e-12)
            leave = leave if at_open else before.open_time_ms
        found.append(theirs.Told(trade.entry_ms, leave, trade.qty, trade.entry_price, trade.exit_price, trade.pnl))
    return found


def agree(name: str, kind: type[theirs.Bracketed], params: dict[str, Any], bars: Sequence[Bar], **at: Any) -> int:
    """Same trades, same equity; how many trades there were."""
    interval, fee_bps, risk_bps = at.get("interval", HOUR), at.get("fee_bps", "0"), at.get("risk_bps", 100)
    found = ours(name, params, bars, fee_bps, interval, risk_bps)
    risk = Decimal(risk_bps) / 10_000
    wanted, equity = theirs.run(kind, bars, fee=float(fee_bps) / 10_000, tick=Decimal(FINE), risk=risk, **params)
    mine = opened_ms(found, bars, interval)
    assert [(each.entry, each.exit, each.qty) for each in mine] == [(e.entry, e.exit, e.qty) for e in wanted]
    for one, other in zip(mine, wanted, strict=True):
        assert one[3:] == pytest.approx(other[3:], rel=1e-9, abs=1e-5)
    assert list(found.equity)[-len(equity) :] == pytest.approx(equity, rel=1e-9)
    return len(mine)


@cache
def recorded(venue: str, symbol: str) -> tuple[Sequence[Bar], Interval]:
    market, interval = (us_market(), Interval.D1) if venue == "us" else (fx_market(), Interval.H1)
    series = market.series[symbol, interval.value].window(0, 2**60, 4000)
    # theirs fills on a bar without trading, ours does not
    bars = [Bar(each.open_time_ms, *map(float, each[1:])) for each in series]
    return [bar for bar in bars if bar.volume], interval


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("fee_bps", ["0", "10"])
@pytest.mark.parametrize("levels", [FAR, STOP, BRACKET], ids=["far", "stop", "bracket"])
@pytest.mark.parametrize(("name", "kind"), [("sma_cross", theirs.SmaCross), ("donchian_breakout", theirs.Donchian)])
def test_same_trades_on_walks(name: str, kind: type[theirs.Bracketed], levels: dict[str, float], fee_bps: str) -> None:
    params = {**levels, "atr_period": 14}
    if name == "donchian_breakout":
        params = {key: value for key, value in params.items() if key in {"stop_atr", "target_atr", "atr_period"}}
    count = sum(agree(name, kind, params, walk(seed, 1500), fee_bps=fee_bps) for seed in range(3))
    assert count > 60


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("levels", [FAR, BRACKET], ids=["far", "bracket"])
@pytest.mark.parametrize(("venue", "symbol"), [("us", "IBM"), ("us", "SPX"), ("fx", "EURUSD")])
def test_same_trades_on_what_was_recorded(venue: str, symbol: str, levels: dict[str, float]) -> None:
    bars, interval = recorded(venue, symbol)
    # with stops so near to so calm a price, a hundredth at risk would ask for more than the cash buys
    risk_bps = 5 if venue == "fx" else 100
    count = agree("sma_cross", theirs.SmaCross, levels, bars, interval=interval, fee_bps="10", risk_bps=risk_bps)
    assert count > 30


class Once(theirs.Bracketed):
    """Buys at the second close it sees and holds."""

    atr_period = 2
    buys_with_levels = False

    def says(self) -> int:
        return int(len(self.data) == START)

    def enter(self) -> None:
        if self.buys_with_levels:
            self.buy(size=100, sl=95.0, tp=105.0)
        else:
            self.distances = (5.0, 5.0)
            self.buy(size=100)

    def guard(self, trade: Any) -> None:
        if not self.buys_with_levels:
            super().guard(trade)


START = 4


def steady(*last: Bar) -> list[Bar]:
    """Bars around 100 up to the one that is decided on, then these."""
    bars = [Bar(at * HOUR.ms, 100.0, 100.5, 99.5, 100.0, 1e6) for at in range(START)]
    return bars + [bar._replace(open_time_ms=(START + at) * HOUR.ms) for at, bar in enumerate(last)]


def both(*last: Bar, **settings: Any) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """(bars after that of the entry, exit price) of the trades that an entry with levels 5 away leads to: ours, theirs."""
    bars = steady(*last)
    found = told({START - 1: BUY._replace(target_distance=5.0)}, {"AAA": bars})
    mine = [(each.exit - START * HOUR.ms, each.exit_price) for each in opened_ms(found, bars, HOUR)]
    wanted, _ = theirs.run(Once, bars, **settings)
    his = [(each.exit - START * HOUR.ms, each.exit_price) for each in wanted]
    return [(at // HOUR.ms, price) for at, price in mine], [(at // HOUR.ms, price) for at, price in his]


QUIET = Bar(0, 100.0, 100.5, 99.5, 100.0, 1e6)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("bars", "settings", "mine", "his"),
    [
        pytest.param(
            [Bar(0, 100.0, 101.0, 94.0, 98.0, 1e6), Bar(0, 98.5, 99.0, 98.0, 98.5, 1e6)],
            {"buys_with_levels": True},
            [(1, 98.5)],
            [(0, 95.0)],
            id="a stop in the bar of the entry: sold at the next open, not at the stop",
        ),
        pytest.param(
            [Bar(0, 100.0, 101.0, 94.0, 98.0, 1e6), Bar(0, 98.5, 99.0, 98.0, 98.5, 1e6)],
            {},
            [(1, 98.5)],
            [(1, 98.5)],
            id="alike when told to do so",
        ),
        pytest.param(
            [QUIET, Bar(0, 100.0, 105.0, 99.0, 101.0, 1e6), QUIET],
            {},
            [],
            [(1, 105.0)],
            id="a price that only touches the target does not fill it",
        ),
        pytest.param(
            [QUIET, Bar(0, 100.0, 106.0, 94.0, 101.0, 1e6), QUIET],
            {},
            [(1, 95.0)],
            [(1, 95.0)],
            id="stop and target in one bar: the stop",
        ),
        pytest.param(
            [QUIET, Bar(0, 93.0, 106.0, 92.0, 101.0, 1e6), QUIET],
            {},
            [(1, 93.0)],
            [(1, 93.0)],
            id="an open beyond the stop is the price",
        ),
        pytest.param(
            [QUIET, Bar(0, 107.0, 108.0, 100.0, 101.0, 1e6), QUIET],
            {},
            [(1, 107.0)],
            [(1, 107.0)],
            id="an open beyond the target is the price",
        ),
        pytest.param(
            [QUIET, Bar(0, 100.0, 106.0, 99.0, 101.0, 0.0), QUIET],
            {},
            [],
            [(1, 105.0)],
            id="a bar without volume fills nothing",
        ),
    ],
)
def test_rule_by_rule(
    bars: list[Bar], settings: dict[str, Any], mine: list[tuple[int, float]], his: list[tuple[int, float]]
) -> None:
    assert both(*bars, **settings) == (mine, his)


@pytest.mark.filterwarnings("ignore")
def test_slippage_worsens_every_market_order_where_their_spread_worsens_entries() -> None:
    bars = steady(QUIET, Bar(0, 100.0, 100.5, 93.0, 101.0, 1e6), QUIET)
    found = told({START - 1: BUY}, {"AAA": bars}, paper={"slippage_bps": "50"})
    [trade] = found.trades
    # the stop is 5 below what was paid, and slips like any market order
    assert (trade.entry_price, trade.exit_price) == (100.5, 95.02)
    [other], _ = theirs.run(Once, bars, spread=0.005)
    assert (other.entry_price, other.exit_price) == pytest.approx((100.5, 95.5))


@pytest.mark.filterwarnings("ignore")
def test_what_the_account_cannot_pay_is_bought_in_part_where_they_buy_nothing() -> None:
    class TooMuch(Once):
        def enter(self) -> None:
            self.buy(size=2000)

    bars = steady(*[QUIET] * 3)
    # one percent of the account at stake half a point away: 2000; the cash, less what is kept for a worse open, buys 990
    found = told({START - 1: BUY._replace(stop_distance=0.6), START + 1: SELL}, {"AAA": bars})
    assert [trade.qty for trade in found.trades] == [990.0]
    wanted, equity = theirs.run(TooMuch, bars, margin=1.0)
    assert wanted == []
    assert set(equity) == {100_000.0}
