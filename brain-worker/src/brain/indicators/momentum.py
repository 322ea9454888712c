"""Momentum: how far and how steadily the close went."""

from __future__ import annotations

from collections import deque
from typing import Final

from brain.indicators.average import Ema
from brain.indicators.indicator import Indicator
from brain.indicators.period import NAN, checked

NEUTRAL: Final = 50.0


class Rsi(Indicator):
    """Relative strength index: 100 * up / (up + down) over Wilder's averages of the rises and falls of the close.

    Seed: the first averages are plain means of `period` changes, later ones
    `(average * (period - 1) + change) / period`, as in TA-Lib. One case differs on purpose: where nothing ever moved,
    TA-Lib says 0, "deeply oversold", and a first rise would look like a reversal; here that is 50. A bar that does not
    move leaves the value as it was.

    Source: J. Welles Wilder, New Concepts in Technical Trading Systems (1978).

    Oracle: TA-Lib RSI.
    """

    __slots__ = ("_changes", "_down", "_last", "_up", "period")

    keeps = ("_changes", "_last", "_up", "_down")

    def __init__(self, period: int = 14) -> None:
        super().__init__()
        self.period = checked(period)
        self._last = NAN
        self._changes = 0
        self._up = 0.0
        self._down = 0.0

    @property
    def warmup(self) -> int:
        """Updates until the first number."""
        return self.period + 1

    def update(self, close: float) -> float:
        """0..100; NaN before `period` changes."""
        change = close - self._last
        self._last = close
        if change != change:
            return self.value
        up = change if change > 0.0 else 0.0
        down = -change if change < 0.0 else 0.0
        period = self.period
        if self._changes < period:
            self._changes += 1
            self._up += up
            self._down += down
            if self._changes < period:
                return self.value
            self._up /= period
            self._down /= period
        else:
            self._up = (self._up * (period - 1) + up) / period
            self._down = (self._down * (period - 1) + down) / period
            if change == 0.0:
                return self.value
        total = self._up + self._down
        self.value = 100.0 * (self._up / total) if total > 0.0 else NEUTRAL
        return self.value


class Macd(Indicator):
    """Moving average convergence/divergence: `ema(fast) - ema(slow)`; `signal` is its own average, `histogram` the
    difference of the two.

    Seed: all three averages by plain means, the fast one by the last `fast` of the first `slow` closes, so that both
    begin on the same bar, as in TA-Lib.

    Source: Gerald Appel, The Moving Average Convergence-Divergence Method (1979).

    Oracle: TA-Lib MACD.
    """

    __slots__ = ("_fast", "_mean", "_skipped", "_slow", "fast", "histogram", "signal", "signal_period", "slow")

    lines = ("value", "signal", "histogram")
    params = ("fast", "slow", "signal_period")
    keeps = ("_fast", "_slow", "_mean", "_skipped")

    signal: float
    histogram: float

    def __init__(self, fast: int = 12, slow: int = 26, signal_period: int = 9) -> None:
        super().__init__()
        self.fast = checked(fast, "fast")
        self.slow = checked(slow, "slow", fast + 1)
        self.signal_period = checked(signal_period, "signal_period")
        self._fast = Ema(fast)
        self._slow = Ema(slow)
        self._mean = Ema(signal_period)
        self._skipped = 0

    @property
    def warmup(self) -> int:
        """Updates until the first number of every line."""
        return self.slow + self.signal_period - 1

    def update(self, close: float) -> float:
        """Price units; NaN until the signal is warm too."""
        slow = self._slow.update(close)
        if self._skipped < self.slow - self.fast:
            self._skipped += 1
            return self.value
        apart = self._fast.update(close) - slow
        if apart == apart:
            signal = self._mean.update(apart)
            if signal == signal:
                self.value, self.signal, self.histogram = apart, signal, apart - signal
        return self.value


class _Change(Indicator):
    """Something between a close and the one `period` bars before it; `_closes` are those in between, that one first."""

    __slots__ = ("_closes", "period")

    keeps = ("_closes",)

    def __init__(self, period: int = 10) -> None:
        super().__init__()
        self.period = checked(period)
        self._closes: deque[float] = deque(maxlen=period)

    @property
    def warmup(self) -> int:
        """Updates until the first number."""
        return self.period + 1


class Mom(_Change):
    """Momentum: the close less the close `period` bars before.

    Source: the definition.

    Oracle: TA-Lib MOM.
    """

    __slots__ = ()

    def update(self, close: float) -> float:
        """Price units; NaN before `period` changes."""
        closes = self._closes
        if len(closes) == self.period:
            self.value = close - closes[0]
        closes.append(close)
        return self.value


class Roc(_Change):
    """Rate of change: by how many percent the close is above the close `period` bars before.

    Source: the definition.

    Oracle: TA-Lib ROC.
    """

    __slots__ = ()

    def update(self, close: float) -> float:
        """Percent; NaN before `period` changes."""
        closes = self._closes
        if len(closes) == self.period:
            self.value = 100.0 * ((close - closes[0]) / closes[0])
        closes.append(close)
        return self.value
