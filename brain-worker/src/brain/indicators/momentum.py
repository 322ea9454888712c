"""Momentum."""

from __future__ import annotations

from collections.abc import Sequence

from brain.indicators.period import NAN, checked, number, optional

NEUTRAL = 50.0


class Rsi:
    """Relative strength index: 100 * up / (up + down) over Wilder's averages of the rises and falls of the close.

    Source: J. Welles Wilder, New Concepts in Technical Trading Systems (1978); the first averages are plain means of
    `period` changes, later ones `(average * (period - 1) + change) / period`, as in TA-Lib. One case differs on
    purpose: where nothing ever moved, TA-Lib says 0, "deeply oversold", and a first rise would look like a reversal;
    here that is 50. A bar that does not move leaves the value as it was.
    """

    __slots__ = ("_changes", "_down", "_last", "_up", "period", "value")

    def __init__(self, period: int) -> None:
        self.period = checked(period)
        self.value = NAN
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

    def state(self) -> list[float | None]:
        """`[changes, last close, up, down, value]`."""
        return [self._changes, optional(self._last), self._up, self._down, optional(self.value)]

    @classmethod
    def from_state(cls, period: int, state: Sequence[float | None]) -> Rsi:
        """ValueError or TypeError for a state that no index of this period has."""
        changes, last, up, down, value = state
        made = cls(period)
        made._changes = int(number(changes))
        if not 0 <= made._changes <= period:
            raise ValueError(f"{made._changes} changes do not fit period {period}")
        made._last = number(last)
        made._up = number(up)
        made._down = number(down)
        made.value = number(value)
        return made
