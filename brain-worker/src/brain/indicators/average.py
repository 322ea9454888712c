"""Moving averages."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence

from brain.indicators.indicator import Indicator
from brain.indicators.period import NAN, checked
from brain.indicators.window import Moments, WindowSum


class Sma(Indicator):
    """Simple moving average: the mean of the last `period` prices.

    It does not drift: the running sum is kept as two floats, the sum and what rounding took from it (two-sum), so a
    bar that leaves the window leaves nothing of itself behind, however large it was.

    Source: the definition; two-sum: Knuth, The Art of Computer Programming vol. 2 (1997), 4.2.2.

    Oracle: TA-Lib SMA; the formula.
    """

    __slots__ = ("_lost", "_sum", "_window", "period")

    keeps = ("_sum", "_lost", "_window")

    def __init__(self, period: int = 20) -> None:
        super().__init__()
        self.period = checked(period)
        self._window: deque[float] = deque(maxlen=period)
        self._sum = 0.0
        self._lost = 0.0

    @property
    def warmup(self) -> int:
        """Updates until the first number."""
        return self.period

    def update(self, price: float) -> float:
        """The average with `price` as the newest; NaN before `period` prices."""
        window = self._window
        before = self._sum
        total = before + price
        part = total - before
        lost = self._lost + ((before - (total - part)) + (price - part))
        full = len(window) == self.period
        if full:
            oldest = -window[0]
            before = total
            total = before + oldest
            part = total - before
            lost += (before - (total - part)) + (oldest - part)
        window.append(price)
        self._sum = total
        self._lost = lost
        if full or len(window) == self.period:
            self.value = (total + lost) / self.period
        return self.value

    def along(self, *columns: Sequence[float]) -> Callable[[int], None]:
        """Each average from its own window, where that is sure to be the same.

        While all prices are multiples of one unit and no sum of them outgrows it 2**53 times, both floats of `update` are
        exact, and what it adds up is the window's sum, rounded once: what `math.fsum` gives.
        """
        (prices,) = columns
        period = self.period
        lowest = min(prices, default=0.0)
        if not 0.0 < len(prices) * (period + 1) * max(prices, default=0.0) <= lowest * 2.0**52:
            return super().along(prices)

        def move(place: int) -> None:
            end = place + 1
            self.value = NAN if end < period else math.fsum(prices[end - period : end]) / period

        return move


class Ema(Indicator):
    """Exponential moving average: `ema + (price - ema) * 2 / (period + 1)`.

    Seed: the plain mean of the first `period` prices, as in TA-Lib.

    Source: Roberts, Control Chart Tests Based on Geometric Moving Averages, Technometrics 1 (1959).

    Oracle: TA-Lib EMA.
    """

    __slots__ = ("_seen", "_share", "_sum", "period")

    keeps = ("_seen", "_sum")

    def __init__(self, period: int = 20) -> None:
        super().__init__()
        self.period = checked(period)
        self._share = 2.0 / (period + 1)
        self._seen = 0
        self._sum = 0.0

    @property
    def warmup(self) -> int:
        """Updates until the first number."""
        return self.period

    def update(self, price: float) -> float:
        """The average with `price` as the newest; NaN before `period` prices."""
        if self._seen == self.period:
            self.value += (price - self.value) * self._share
            return self.value
        self._seen += 1
        self._sum += price
        if self._seen == self.period:
            self.value = self._sum / self.period
        return self.value


class Wma(Indicator):
    """Weighted moving average: weights 1 for the oldest of `period` prices up to `period` for the newest.

    TA-Lib's running sums keep what rounding left of large prices; here nothing is kept.

    Source: the definition.

    Oracle: TA-Lib WMA; the formula.
    """

    __slots__ = ("_moments", "_share", "period")

    keeps = ("_moments",)

    def __init__(self, period: int = 20) -> None:
        super().__init__()
        self.period = checked(period)
        self._share = 2.0 / (period * (period + 1))
        self._moments = Moments(period)

    @property
    def warmup(self) -> int:
        """Updates until the first number."""
        return self.period

    def update(self, price: float) -> float:
        """The average with `price` as the newest; NaN before `period` prices."""
        moments = self._moments
        self.value = moments.update(price) + self._share * moments.cross
        return self.value


class Dema(Indicator):
    """Double exponential moving average: `2 * ema - ema of ema`.

    Seed: each of the two averages by the plain mean of its first `period` inputs, as in TA-Lib.

    Source: Mulloy, Smoothing Data with Faster Moving Averages, Technical Analysis of Stocks & Commodities 12:1 (1994).

    Oracle: TA-Lib DEMA.
    """

    __slots__ = ("_first", "_second", "period")

    keeps = ("_first", "_second")

    def __init__(self, period: int = 20) -> None:
        super().__init__()
        self.period = checked(period)
        self._first = Ema(period)
        self._second = Ema(period)

    @property
    def warmup(self) -> int:
        """Updates until the first number."""
        return 2 * self.period - 1

    def update(self, price: float) -> float:
        """The average with `price` as the newest; NaN before it is warm."""
        first = self._first.update(price)
        if first == first:
            self.value = 2.0 * first - self._second.update(first)
        return self.value


class Tema(Indicator):
    """Triple exponential moving average: `3 * ema - 3 * ema of ema + ema of ema of ema`.

    Seed: each of the three averages by the plain mean of its first `period` inputs, as in TA-Lib.

    Source: Mulloy, Smoothing Data with Faster Moving Averages, Technical Analysis of Stocks & Commodities 12:1 (1994).

    Oracle: TA-Lib TEMA.
    """

    __slots__ = ("_first", "_second", "_third", "period")

    keeps = ("_first", "_second", "_third")

    def __init__(self, period: int = 20) -> None:
        super().__init__()
        self.period = checked(period)
        self._first = Ema(period)
        self._second = Ema(period)
        self._third = Ema(period)

    @property
    def warmup(self) -> int:
        """Updates until the first number."""
        return 3 * self.period - 2

    def update(self, price: float) -> float:
        """The average with `price` as the newest; NaN before it is warm."""
        first = self._first.update(price)
        if first == first:
            second = self._second.update(first)
            if second == second:
                self.value = 3.0 * first - 3.0 * second + self._third.update(second)
        return self.value


class Hma(Indicator):
    """Hull moving average: the weighted average over sqrt(period) of `2 * wma(period / 2) - wma(period)`; both lengths
    rounded down, as in TA-Lib.

    Source: Alan Hull, Active Investing (2004).

    Oracle: TA-Lib HMA; the formula.
    """

    __slots__ = ("_half", "_smooth", "_whole", "period")

    keeps = ("_half", "_whole", "_smooth")

    def __init__(self, period: int = 20) -> None:
        super().__init__()
        self.period = checked(period, least=2)
        self._half = Wma(period // 2)
        self._whole = Wma(period)
        self._smooth = Wma(math.isqrt(period))

    @property
    def warmup(self) -> int:
        """Updates until the first number."""
        return self.period + self._smooth.period - 1

    def update(self, price: float) -> float:
        """The average with `price` as the newest; NaN before it is warm."""
        half = self._half.update(price)
        whole = self._whole.update(price)
        if whole == whole:
            self.value = self._smooth.update(2.0 * half - whole)
        return self.value


class Vwma(Indicator):
    """Volume-weighted moving average: `sum(close * volume) / sum(volume)` over `period` bars.

    Where none of the bars traded it is the last close. TA-Lib then divides what rounding left of its sums by what
    rounding left of them, which may be any number.

    Source: the definition.

    Oracle: TA-Lib VWMA; the formula.
    """

    __slots__ = ("_turnover", "_volume", "period")

    inputs = ("close", "volume")
    keeps = ("_turnover", "_volume")

    def __init__(self, period: int = 20) -> None:
        super().__init__()
        self.period = checked(period)
        self._turnover = WindowSum(period)
        self._volume = WindowSum(period)

    @property
    def warmup(self) -> int:
        """Updates until the first number."""
        return self.period

    def update(self, close: float, volume: float) -> float:
        """Price units; NaN before `period` bars."""
        turnover = self._turnover.update(close * volume)
        traded = self._volume.update(volume)
        if traded == traded:
            self.value = turnover / traded if traded > 0.0 else close
        return self.value
