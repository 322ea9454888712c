"""Strategies of ours written for backtesting.py, with its fill rules set as near to ours as they go.

Alike by themselves: a market order fills at the next open, a stop at its price or at an open beyond it, a target at its
price or at a better open, the stop before the target, an exit of the strategy before both. Set alike: the size is the
desk's formula, the levels keep their distance from the price paid and stand on the tick, they rest from the bar after
the entry, and where the bar of the entry reached one already the position is sold at the next open.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import talib
from backtesting import Backtest, Strategy

from brain.bar import Bar

PLACES = Decimal("0.0000000001")


class Told(NamedTuple):
    """A closed trade; `entry` and `exit` are the open times of the bars in which it was filled."""

    entry: int
    exit: int
    qty: float
    entry_price: float
    exit_price: float
    pnl: float


class Bracketed(Strategy):  # type: ignore[misc]
    """Long only. `says` answers on each bar: 1 to buy, -1 to sell, 0."""

    tick = Decimal("0.01")
    risk = Decimal("0.01")
    stop_atr = 2.0
    target_atr = 0.0
    atr_period = 14

    def init(self) -> None:
        data = self.data
        self.atr = self.I(talib.ATR, data.High, data.Low, data.Close, self.atr_period)
        self.guarded = 0
        self.distances = (0.0, 0.0)

    def says(self) -> int:
        raise NotImplementedError

    def next(self) -> None:
        said = self.says()
        for trade in self.trades:
            if trade.entry_bar != self.guarded:
                self.guarded = trade.entry_bar
                self.guard(trade)
            if said < 0 and not self.orders_to_sell():
                trade.close()
        if said > 0 and not self.position and not self.orders:
            self.enter()

    def orders_to_sell(self) -> list[Any]:
        return [order for order in self.orders if not order.is_contingent]

    def enter(self) -> None:
        stop, target = self.stop_atr * self.atr[-1], self.target_atr * self.atr[-1]
        asked = Decimal(repr(float(stop))).quantize(PLACES)
        close = Decimal(repr(float(self.data.Close[-1])))
        if asked >= close:
            return
        equity = Decimal(repr(float(self.equity))).quantize(Decimal("0.00000001"))
        size = int((equity * self.risk / asked).to_integral_value(ROUND_FLOOR))
        if size:
            self.distances = (stop, target)
            self.buy(size=size)

    def guard(self, trade: Any) -> None:
        """At the close of the bar in which it was bought."""
        stop, target = self.distances
        paid = Decimal(repr(float(trade.entry_price)))
        low = self.on_tick(paid - Decimal(repr(float(stop))).quantize(PLACES), ROUND_CEILING)
        high = self.on_tick(paid + Decimal(repr(float(target))).quantize(PLACES), ROUND_FLOOR) if target else math.inf
        if self.data.Low[-1] <= low or self.data.High[-1] >= high:
            trade.close()
            return
        trade.sl = low
        if target:
            trade.tp = high

    def on_tick(self, price: Decimal, way: str) -> float:
        return float((price / self.tick).to_integral_value(way) * self.tick)


class SmaCross(Bracketed):
    """The fast average crosses the slow one."""

    fast = 5
    slow = 20

    def init(self) -> None:
        super().init()
        self.gap = self.I(
            lambda: np.round(talib.SMA(self.data.Close, self.fast) - talib.SMA(self.data.Close, self.slow), 9)
        )
        self.side: float | None = None

    def says(self) -> int:
        if self.side is None:
            self.side = float(np.sign(self.gap[-2]))
        now, before = float(np.sign(self.gap[-1])), self.side
        if now == 0.0:
            return 0
        self.side = now
        return int(now) if now != before else 0


class Donchian(Bracketed):
    """A close beyond the channel of the bars before, after one that was not beyond its own."""

    entry = 20
    exit = 10

    def init(self) -> None:
        super().init()
        data = self.data
        top = pd.Series(data.High).rolling(self.entry).max().shift(1).to_numpy()
        bottom = pd.Series(data.Low).rolling(self.exit).min().shift(1).to_numpy()
        ready = ~np.isnan(top)
        self.beyond = self.I(lambda: np.where(ready, (data.Close > top) * 1.0 - (data.Close < bottom) * 1.0, np.nan))
        self.before: float | None = None

    def says(self) -> int:
        before = float(self.beyond[-2]) if self.before is None else self.before
        self.before = now = float(self.beyond[-1])
        return int(now) if now != before else 0


def run(
    strategy: type[Bracketed],
    bars: Sequence[Bar],
    cash: float = 100_000.0,
    fee: float = 0.0,
    spread: float = 0.0,
    margin: float = 0.01,
    **settings: Any,
) -> tuple[list[Told], list[float]]:
    """Closed trades in the order of their exits, and equity at each close."""
    frame = pd.DataFrame(
        [bar[1:] for bar in bars],
        columns=["Open", "High", "Low", "Close", "Volume"],
        index=pd.to_datetime([bar.open_time_ms for bar in bars], unit="ms"),
    )
    kind = type(strategy.__name__, (strategy,), settings)
    stats = Backtest(frame, kind, cash=cash, commission=fee, spread=spread, margin=margin).run()
    rows = stats["_trades"].sort_values("ExitBar", kind="stable")
    told = [
        Told(
            bars[int(row.EntryBar)].open_time_ms,
            bars[int(row.ExitBar)].open_time_ms,
            float(row.Size),
            float(row.EntryPrice),
            float(row.ExitPrice),
            float(row.PnL),
        )
        for row in rows.itertuples()
    ]
    return told, [float(worth) for worth in stats["_equity_curve"]["Equity"]]
