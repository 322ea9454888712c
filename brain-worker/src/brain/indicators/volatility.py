"""Volatility."""

from __future__ import annotations

from collections.abc import Sequence

from brain.indicators.period import NAN, checked, number, optional


class TrueRange:
    """The bar's range, stretched to the close before it (Wilder 1978); NaN on the first bar."""

    __slots__ = ("_last", "value")

    def __init__(self) -> None:
        self.value = NAN
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

    def state(self) -> list[float | None]:
        """`[last close, value]`."""
        return [optional(self._last), optional(self.value)]

    @classmethod
    def from_state(cls, state: Sequence[float | None]) -> TrueRange:
        """ValueError or TypeError for a state that no true range has."""
        last, value = state
        made = cls()
        made._last = number(last)
        made.value = number(value)
        return made


class Atr:
    """Average true range: the mean of the first `period` true ranges, then `(atr * (period - 1) + range) / period`.

    Source: J. Welles Wilder, New Concepts in Technical Trading Systems (1978); the same as TA-Lib's.
    """

    __slots__ = ("_average", "_range", "_ranges", "period", "value")

    def __init__(self, period: int) -> None:
        self.period = checked(period)
        self.value = NAN
        self._range = TrueRange()
        self._ranges = 0
        self._average = 0.0

    @property
    def warmup(self) -> int:
        """Updates until the first number."""
        return self.period + 1

    def update(self, high: float, low: float, close: float) -> float:
        """Price units, 0 or more; NaN before `period` true ranges."""
        now = self._range.update(high, low, close)
        period = self.period
        if self._ranges == period:
            self._average = self.value = (self._average * (period - 1) + now) / period
        elif now == now:
            self._ranges += 1
            self._average += now
            if self._ranges == period:
                self._average = self.value = self._average / period
        return self.value

    def state(self) -> list[float | None]:
        """`[ranges, average or sum so far, last close, last range]`."""
        return [self._ranges, self._average, *self._range.state()]

    @classmethod
    def from_state(cls, period: int, state: Sequence[float | None]) -> Atr:
        """ValueError or TypeError for a state that no average of this period has."""
        ranges, average, *last = state
        made = cls(period)
        made._ranges = int(number(ranges))
        if not 0 <= made._ranges <= period:
            raise ValueError(f"{made._ranges} ranges do not fit period {period}")
        made._average = number(average)
        made._range = TrueRange.from_state(last)
        if made._ranges == period:
            made.value = made._average
        return made
