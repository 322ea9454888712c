"""How straight the price went, and the average that follows straight moves faster."""

from __future__ import annotations

from collections import deque

from brain.indicators.indicator import Indicator
from brain.indicators.period import NAN, checked
from brain.indicators.window import WindowSum


class EfficiencyRatio(Indicator):
    """Kaufman's efficiency ratio: how far the price got in `period` changes, over the length of its way; 0..1.

    One case differs from TA-Lib on purpose: where nothing moved at all TA-Lib says 1, a perfect trend; here that is 0.

    Source: Perry Kaufman, Smarter Trading (1995).

    Oracle: TA-Lib ER; the formula.
    """

    __slots__ = ("_closes", "_way", "period")

    keeps = ("_closes", "_way")

    def __init__(self, period: int = 10) -> None:
        super().__init__()
        self.period = checked(period)
        self._closes: deque[float] = deque(maxlen=period + 1)
        self._way = WindowSum(period)

    @property
    def warmup(self) -> int:
        """Updates until the first number."""
        return self.period + 1

    @property
    def still(self) -> bool:
        """Whether nothing moved in the last `period` changes."""
        return self._way.value == 0.0

    def update(self, close: float) -> float:
        """0..1; NaN before `period` changes."""
        closes = self._closes
        if closes:
            self._way.update(abs(close - closes[-1]))
        closes.append(close)
        way = self._way.value
        if way > 0.0:
            self.value = min(1.0, abs(close - closes[0]) / way)
        elif way == way:
            self.value = 0.0
        return self.value


class Kama(Indicator):
    """Kaufman's adaptive moving average: `kama + (close - kama) * s * s`, where `s` goes with the efficiency ratio from
    2 / (slow + 1) to 2 / (fast + 1).

    Seed: the close before the first ratio, as in TA-Lib, whose `fast` and `slow` are always 2 and 30. Where nothing
    moved in `period` changes the average is as fast as it gets, as there.

    Source: Perry Kaufman, Smarter Trading (1995).

    Oracle: TA-Lib KAMA.
    """

    __slots__ = ("_last", "_ratio", "_slowest", "_span", "fast", "period", "slow")

    params = ("period", "fast", "slow")
    keeps = ("_last", "_ratio")

    def __init__(self, period: int = 10, fast: int = 2, slow: int = 30) -> None:
        super().__init__()
        self.period = checked(period)
        self.fast = checked(fast, "fast")
        self.slow = checked(slow, "slow", fast)
        self._slowest = 2.0 / (slow + 1)
        self._span = 2.0 / (fast + 1) - self._slowest
        self._ratio = EfficiencyRatio(period)
        self._last = NAN

    @property
    def warmup(self) -> int:
        """Updates until the first number."""
        return self.period + 1

    def update(self, close: float) -> float:
        """Price units; NaN before `period` changes."""
        ratio = self._ratio.update(close)
        if ratio == ratio:
            before = self.value if self.value == self.value else self._last
            if ratio == 0.0 and self._ratio.still:
                ratio = 1.0
            share = ratio * self._span + self._slowest
            self.value = before + (close - before) * (share * share)
        self._last = close
        return self.value
