"""Volatility of the range."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from itertools import accumulate

from brain.indicators.indicator import Indicator
from brain.indicators.period import NAN, checked


class TrueRange(Indicator):
    """The bar's range, stretched to the close before it; NaN on the first bar. The same as TA-Lib's.

    Source: J. Welles Wilder, New Concepts in Technical Trading Systems (1978).

    Oracle: TA-Lib TRANGE.
    """

    __slots__ = ("_last",)

    inputs = ("high", "low", "close")
    params = ()
    keeps = ("_last",)

    def __init__(self) -> None:
        super().__init__()
        self._last = NAN

    @property
    def warmup(self) -> int:
        """Updates until the first number."""
        return 2

    def update(self, high: float, low: float, close: float) -> float:
        """Price units, 0 or more."""
        last = self._last
        self._last = close
        if last == last:
            self.value = (high if high > last else last) - (low if low < last else last)
        return self.value


class Atr(Indicator):
    """Average true range: `(atr * (period - 1) + range) / period`.

    Seed: the mean of the first `period` true ranges, as in TA-Lib (which with a period of 1 answers the true range; so
    does this).

    Source: J. Welles Wilder, New Concepts in Technical Trading Systems (1978).

    Oracle: TA-Lib ATR.
    """

    __slots__ = ("_last", "_ranges", "_sum", "period")

    inputs = ("high", "low", "close")
    keeps = ("_last", "_ranges", "_sum")

    def __init__(self, period: int = 14) -> None:
        super().__init__()
        self.period = checked(period)
        self._last = NAN
        self._ranges = 0
        self._sum = 0.0

    @property
    def warmup(self) -> int:
        """Updates until the first number."""
        return self.period + 1

    def update(self, high: float, low: float, close: float) -> float:
        """Price units, 0 or more; NaN before `period` true ranges."""
        last = self._last
        self._last = close
        wide = (high if high > last else last) - (low if low < last else last)
        period = self.period
        if self._ranges == period:
            self.value = (self.value * (period - 1) + wide) / period
        elif wide == wide:
            self._ranges += 1
            self._sum += wide
            if self._ranges == period:
                self.value = self._sum / period
        return self.value

    def along(self, *columns: Sequence[float]) -> Callable[[int], None]:
        """The same steps, without a call for each."""
        period, rest = self.period, self.period - 1
        wide = [
            (high if high > last else last) - (low if low < last else last)
            for high, low, last in zip(columns[0][1:], columns[1][1:], columns[2], strict=False)
        ]
        # one by one, as `update` adds them: sum() would round better
        seed = list(accumulate(wide[:period]))[-1] / period if len(wide) >= period else NAN
        values = array("d", accumulate(wide[period:], lambda last, now: (last * rest + now) / period, initial=seed))

        def move(place: int) -> None:
            self.value = NAN if place < period else values[place - period]

        return move


class Natr(Indicator):
    """Normalised average true range: `100 * atr / close`. The same as TA-Lib's.

    Source: John Forman, Cross-Market Evaluations with Normalized Average True Range, Technical Analysis of Stocks &
    Commodities 24:5 (2006).

    Oracle: TA-Lib NATR.
    """

    __slots__ = ("_atr", "period")

    inputs = ("high", "low", "close")
    keeps = ("_atr",)

    def __init__(self, period: int = 14) -> None:
        super().__init__()
        self.period = checked(period)
        self._atr = Atr(period)

    @property
    def warmup(self) -> int:
        """Updates until the first number."""
        return self.period + 1

    def update(self, high: float, low: float, close: float) -> float:
        """Percent, 0 or more; NaN before `period` true ranges."""
        self.value = 100.0 * (self._atr.update(high, low, close) / close)
        return self.value
