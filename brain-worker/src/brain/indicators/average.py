"""Moving averages."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from brain.indicators.period import NAN, checked


class Sma:
    """Simple moving average: the mean of the last `period` prices.

    It does not drift: the running sum is kept as two floats, the sum and what rounding took from it (Knuth's two-sum,
    The Art of Computer Programming vol. 2, 4.2.2), so a bar that leaves the window leaves nothing of itself behind,
    however large it was.
    """

    __slots__ = ("_lost", "_sum", "_window", "period", "value")

    def __init__(self, period: int) -> None:
        self.period = checked(period)
        self.value = NAN
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

    def state(self) -> list[float]:
        """`[sum, lost, price…]`, the oldest price first."""
        return [self._sum, self._lost, *self._window]

    @classmethod
    def from_state(cls, period: int, state: Sequence[float]) -> Sma:
        """ValueError for a state that no average of this period has."""
        total, lost, *window = map(float, state)
        made = cls(period)
        if len(window) > period:
            raise ValueError(f"{len(window)} prices do not fit period {period}")
        made._window.extend(window)
        made._sum = total
        made._lost = lost
        if len(window) == period:
            made.value = (total + lost) / period
        return made
