"""Realised volatility: how much the price moves in a year, as a fraction, from the bars of a window."""

from __future__ import annotations

from math import log, sqrt
from typing import Final

from brain.indicators.indicator import Indicator
from brain.indicators.period import NAN, checked, positive
from brain.indicators.window import Moments, WindowSum

_PARKINSON: Final = 4.0 * log(2.0)
_GARMAN_KLASS: Final = 2.0 * log(2.0) - 1.0


class RealisedVolatility(Indicator):
    """Close to close: the sample standard deviation of `period` log returns, times the root of `bars_per_year`.

    TA-Lib's RVOL is another thing, relative volume.

    Source: the definition; Hull, Options, Futures, and Other Derivatives (2018), 15.4.

    Oracle: the formula.
    """

    __slots__ = ("_last", "_returns", "_year", "bars_per_year", "period")

    params = ("period", "bars_per_year")
    keeps = ("_last", "_returns")

    def __init__(self, period: int = 20, bars_per_year: float = 365.0) -> None:
        super().__init__()
        self.period = checked(period, least=2)
        self.bars_per_year = positive(bars_per_year, "bars_per_year")
        self._year = self.bars_per_year / (period - 1)
        self._returns = Moments(period)
        self._last = NAN

    @property
    def warmup(self) -> int:
        """Updates until the first number."""
        return self.period + 1

    def update(self, close: float) -> float:
        """A fraction a year, 0 or more; NaN before `period` returns."""
        last = self._last
        self._last = close
        if last == last:
            returns = self._returns
            returns.update(log(close / last))
            self.value = sqrt(returns.squares * self._year)
        return self.value


class Parkinson(Indicator):
    """Parkinson's volatility, from the range: `sqrt(bars_per_year * mean(ln(high / low)^2) / (4 ln 2))`. It needs a
    fifth of the bars that closes need, sees no gaps between bars, and is too low where trades are few.

    Source: Parkinson, The Extreme Value Method for Estimating the Variance of the Rate of Return, Journal of Business
    53 (1980).

    Oracle: the formula.
    """

    __slots__ = ("_squares", "_year", "bars_per_year", "period")

    inputs = ("high", "low")
    params = ("period", "bars_per_year")
    keeps = ("_squares",)

    def __init__(self, period: int = 20, bars_per_year: float = 365.0) -> None:
        super().__init__()
        self.period = checked(period)
        self.bars_per_year = positive(bars_per_year, "bars_per_year")
        self._year = self.bars_per_year / (period * _PARKINSON)
        self._squares = WindowSum(period)

    @property
    def warmup(self) -> int:
        """Updates until the first number."""
        return self.period

    def update(self, high: float, low: float) -> float:
        """A fraction a year, 0 or more; NaN before `period` bars."""
        wide = log(high / low)
        self.value = sqrt(self._squares.update(wide * wide) * self._year)
        return self.value


class GarmanKlass(Indicator):
    """Garman and Klass's volatility: the mean of `ln(high / low)^2 / 2 - (2 ln 2 - 1) * ln(close / open)^2`, times
    `bars_per_year`, its root. It sees no gaps between bars.

    Source: Garman, Klass, On the Estimation of Security Price Volatilities from Historical Data, Journal of Business 53
    (1980).

    Oracle: the formula.
    """

    __slots__ = ("_squares", "_year", "bars_per_year", "period")

    inputs = ("open", "high", "low", "close")
    params = ("period", "bars_per_year")
    keeps = ("_squares",)

    def __init__(self, period: int = 20, bars_per_year: float = 365.0) -> None:
        super().__init__()
        self.period = checked(period)
        self.bars_per_year = positive(bars_per_year, "bars_per_year")
        self._year = self.bars_per_year / period
        self._squares = WindowSum(period)

    @property
    def warmup(self) -> int:
        """Updates until the first number."""
        return self.period

    def update(self, open_: float, high: float, low: float, close: float) -> float:
        """A fraction a year, 0 or more; NaN before `period` bars."""
        wide = log(high / low)
        body = log(close / open_)
        # a body is never wider than its range, so no term is below 0
        total = self._squares.update(0.5 * wide * wide - _GARMAN_KLASS * body * body)
        self.value = sqrt(total * self._year)
        return self.value
