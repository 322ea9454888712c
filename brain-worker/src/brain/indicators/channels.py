"""Channels around the price."""

from __future__ import annotations

from math import sqrt

from brain.indicators.average import Ema
from brain.indicators.extremes import Highest, Lowest
from brain.indicators.indicator import Indicator
from brain.indicators.period import NAN, checked, positive
from brain.indicators.volatility import Atr
from brain.indicators.window import Moments


class Bollinger(Indicator):
    """Bollinger bands: `value` is the simple average of the close, `upper` and `lower` stand `deviations` standard
    deviations (of the population, as in TA-Lib) from it; `percent_b` is where the close stands, 0 on the lower band, 1
    on the upper, 0.5 where they are one; `width` is `(upper - lower) / value`.

    Source: John Bollinger, Bollinger on Bollinger Bands (2001).

    Oracle: TA-Lib BBANDS; the formula.
    """

    __slots__ = ("_moments", "deviations", "lower", "percent_b", "period", "upper", "width")

    lines = ("value", "upper", "lower", "percent_b", "width")
    params = ("period", "deviations")
    keeps = ("_moments",)

    upper: float
    lower: float
    percent_b: float
    width: float

    def __init__(self, period: int = 20, deviations: float = 2.0) -> None:
        super().__init__()
        self.period = checked(period)
        self.deviations = positive(deviations, "deviations")
        self._moments = Moments(period)

    @property
    def warmup(self) -> int:
        """Updates until the first number of every line."""
        return self.period

    def update(self, close: float) -> float:
        """The middle band, price units; NaN before `period` closes."""
        moments = self._moments
        mean = moments.update(close)
        if mean == mean:
            half = self.deviations * sqrt(moments.squares / self.period)
            self.value = mean
            self.upper = mean + half
            self.lower = mean - half
            self.percent_b = 0.5 + 0.5 * ((close - mean) / half) if half > 0.0 else 0.5
            self.width = 2.0 * half / mean
        return self.value


class Donchian(Indicator):
    """Donchian channel: the highest high and the lowest low of `period` bars, this one among them, and their middle.

    A breakout is seen against the channel of the bar before. The same as TA-Lib's.

    Source: Richard Donchian, High Finance in Copper, Financial Analysts Journal 16 (1960).

    Oracle: TA-Lib DONCHIAN; the formula.
    """

    __slots__ = ("_highest", "_lowest", "lower", "period", "upper")

    inputs = ("high", "low")
    lines = ("value", "upper", "lower")
    keeps = ("_highest", "_lowest")

    upper: float
    lower: float

    def __init__(self, period: int = 20) -> None:
        super().__init__()
        self.period = checked(period)
        self._highest = Highest(period)
        self._lowest = Lowest(period)

    @property
    def warmup(self) -> int:
        """Updates until the first number of every line."""
        return self.period

    def update(self, high: float, low: float) -> float:
        """The middle, price units; NaN before `period` bars."""
        self.upper = upper = self._highest.update(high)
        self.lower = lower = self._lowest.update(low)
        self.value = 0.5 * (upper + lower)
        return self.value


class Keltner(Indicator):
    """Keltner channel: the exponential average of the typical price, (high + low + close) / 3, and bands `multiple`
    average true ranges from it.

    Seeds as in `Ema` and `Atr`, from the last bars before the warm-up ends, so that both are warm on the same bar, as in
    TA-Lib.

    Source: Chester Keltner, How to Make Money in Commodities (1960); with true ranges: Linda Bradford Raschke.

    Oracle: TA-Lib KC.
    """

    __slots__ = ("_atr", "_mean", "_seen", "atr_period", "lower", "multiple", "period", "upper")

    inputs = ("high", "low", "close")
    lines = ("value", "upper", "lower")
    params = ("period", "atr_period", "multiple")
    keeps = ("_mean", "_atr", "_seen")

    upper: float
    lower: float

    def __init__(self, period: int = 20, atr_period: int = 10, multiple: float = 2.0) -> None:
        super().__init__()
        self.period = checked(period)
        self.atr_period = checked(atr_period, "atr_period")
        self.multiple = positive(multiple, "multiple")
        self._mean = Ema(period)
        self._atr = Atr(atr_period)
        self._seen = 0

    @property
    def warmup(self) -> int:
        """Updates until the first number of every line."""
        return max(self.period, self.atr_period + 1)

    def update(self, high: float, low: float, close: float) -> float:
        """The middle, price units; NaN until the bands are warm too."""
        warmup = self.warmup
        if self._seen < warmup:
            self._seen += 1
        mean = half = NAN
        if self._seen > warmup - self.period:
            mean = self._mean.update((high + low + close) / 3.0)
        if self._seen >= warmup - self.atr_period:
            half = self.multiple * self._atr.update(high, low, close)
        if mean == mean and half == half:
            self.value, self.upper, self.lower = mean, mean + half, mean - half
        return self.value
