"""Oscillators: where the price stands in what it did of late."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import deque
from math import fsum

from brain.indicators.average import Sma
from brain.indicators.extremes import Highest, Lowest
from brain.indicators.indicator import Indicator
from brain.indicators.momentum import NEUTRAL, Rsi
from brain.indicators.period import checked


class Stochastic(Indicator):
    """Stochastic oscillator: where the close stands in the range of `period` bars, in percent, averaged over `smooth`
    bars (slow %K); `d` is the average of that over `signal_period` (slow %D). With `smooth` 1 it is the fast one.

    Both averages are simple ones, as in TA-Lib. One case differs on purpose: where the range is nothing, TA-Lib counts
    0, "deeply oversold"; here that is 50.

    Source: George Lane, Lane's Stochastics, Technical Analysis of Stocks & Commodities 2:3 (1984).

    Oracle: TA-Lib STOCH; the formula.
    """

    __slots__ = ("_d", "_highest", "_k", "_lowest", "d", "period", "signal_period", "smooth")

    inputs = ("high", "low", "close")
    lines = ("value", "d")
    params = ("period", "smooth", "signal_period")
    keeps = ("_highest", "_lowest", "_k", "_d")

    d: float

    def __init__(self, period: int = 14, smooth: int = 3, signal_period: int = 3) -> None:
        super().__init__()
        self.period = checked(period)
        self.smooth = checked(smooth, "smooth")
        self.signal_period = checked(signal_period, "signal_period")
        self._highest = Highest(period)
        self._lowest = Lowest(period)
        self._k = Sma(smooth)
        self._d = Sma(signal_period)

    @property
    def warmup(self) -> int:
        """Updates until the first number of every line."""
        return self.period + self.smooth + self.signal_period - 2

    def update(self, high: float, low: float, close: float) -> float:
        """0..100; NaN until `d` is warm too."""
        highest = self._highest.update(high)
        lowest = self._lowest.update(low)
        if highest == highest:
            wide = highest - lowest
            k = self._k.update(100.0 * ((close - lowest) / wide) if wide > 0.0 else NEUTRAL)
            if k == k:
                d = self._d.update(k)
                if d == d:
                    self.value, self.d = k, d
        return self.value


class StochRsi(Indicator):
    """Where the relative strength index stands in its own range of `window` bars, in percent (fast %K); `d` is the
    simple average of that over `signal_period`.

    Seeds as in `Rsi` and TA-Lib. One case differs on purpose: where the index moved by less than 1e-9, which is
    rounding, TA-Lib takes the rounding for a range or says 0; here that is 50.

    Source: Chande, Kroll, The New Technical Trader (1994).

    Oracle: TA-Lib STOCHRSI; the formula.
    """

    __slots__ = ("_d", "_highest", "_lowest", "_rsi", "d", "period", "signal_period", "window")

    lines = ("value", "d")
    params = ("period", "window", "signal_period")
    keeps = ("_rsi", "_highest", "_lowest", "_d")

    d: float

    def __init__(self, period: int = 14, window: int = 14, signal_period: int = 3) -> None:
        super().__init__()
        self.period = checked(period)
        self.window = checked(window, "window")
        self.signal_period = checked(signal_period, "signal_period")
        self._rsi = Rsi(period)
        self._highest = Highest(window)
        self._lowest = Lowest(window)
        self._d = Sma(signal_period)

    @property
    def warmup(self) -> int:
        """Updates until the first number of every line."""
        return self.period + self.window + self.signal_period - 1

    def update(self, close: float) -> float:
        """0..100; NaN until `d` is warm too."""
        index = self._rsi.update(close)
        if index == index:
            highest = self._highest.update(index)
            lowest = self._lowest.update(index)
            if highest == highest:
                wide = highest - lowest
                k = 100.0 * ((index - lowest) / wide) if wide > 1e-9 else NEUTRAL
                d = self._d.update(k)
                if d == d:
                    self.value, self.d = k, d
        return self.value


class Cci(Indicator):
    """Commodity channel index: `(typical - mean) / (0.015 * mean absolute deviation)` over `period` typical prices,
    (high + low + close) / 3; 0 where they are all equal to 12 digits.

    The same as TA-Lib's, which calls typical prices equal only when rounding left nothing between them.

    Source: Donald Lambert, Commodity Channel Index, Commodities 9:10 (1980).

    Oracle: TA-Lib CCI; the formula.
    """

    __slots__ = ("_mean", "_sorted", "_window", "period")

    inputs = ("high", "low", "close")
    keeps = ("_mean", "_window")

    def __init__(self, period: int = 20) -> None:
        super().__init__()
        self.period = checked(period, least=2)
        self._mean = Sma(period)
        self._window: deque[float] = deque(maxlen=period)
        self._sorted: list[float] = []

    @property
    def warmup(self) -> int:
        """Updates until the first number."""
        return self.period

    def update(self, high: float, low: float, close: float) -> float:
        """Without unit, mostly -200..200; NaN before `period` bars."""
        typical = (high + low + close) / 3.0
        mean = self._mean.update(typical)
        window, ranked = self._window, self._sorted
        if len(window) == self.period:
            del ranked[bisect_left(ranked, window[0])]
        window.append(typical)
        insort(ranked, typical)
        if mean == mean:
            # the deviations above the mean and below it have the same sum
            above = bisect_right(ranked, mean)
            deviation = 2.0 * (fsum(ranked[above:]) - (self.period - above) * mean) / self.period
            self.value = (typical - mean) / (0.015 * deviation) if deviation > 1e-12 * abs(mean) else 0.0
        return self.value

    def settle(self) -> bool:
        """The ranks, from the window."""
        self._sorted = sorted(self._window)
        return True


class WilliamsR(Indicator):
    """Williams %R: how far the close stands below the highest high of `period` bars, in percent of their range, -100..0.

    One case differs from TA-Lib on purpose: where the range is nothing, TA-Lib says 0, "overbought"; here that is -50.

    Source: Larry Williams, How I Made One Million Dollars Last Year Trading Commodities (1973).

    Oracle: TA-Lib WILLR; the formula.
    """

    __slots__ = ("_highest", "_lowest", "period")

    inputs = ("high", "low", "close")
    keeps = ("_highest", "_lowest")

    def __init__(self, period: int = 14) -> None:
        super().__init__()
        self.period = checked(period)
        self._highest = Highest(period)
        self._lowest = Lowest(period)

    @property
    def warmup(self) -> int:
        """Updates until the first number."""
        return self.period

    def update(self, high: float, low: float, close: float) -> float:
        """-100..0; NaN before `period` bars."""
        highest = self._highest.update(high)
        lowest = self._lowest.update(low)
        if highest == highest:
            wide = highest - lowest
            self.value = 100.0 * ((close - highest) / wide) if wide > 0.0 else -NEUTRAL
        return self.value
