"""Ichimoku."""

from __future__ import annotations

from collections import deque

from brain.indicators.channels import Donchian
from brain.indicators.indicator import Indicator
from brain.indicators.period import checked


class Ichimoku(Indicator):
    """Ichimoku kinkō hyō: `value` is the conversion line, `base` the base line, each the middle of the highest high and
    the lowest low of so many bars; `lead_a` the middle of the two, `lead_b` that of `slow` bars.

    The cloud under a bar, `span_a` and `span_b`, is what the leads were `displacement` bars before it: charts draw the
    leads so far ahead, and nothing here looks ahead. The lagging line is no line of its own: it is the close, drawn
    back.

    Source: Goichi Hosoda, Ichimoku Kinkō Hyō (1969).

    Oracle: the formula.
    """

    __slots__ = (
        *("_ahead_a", "_ahead_b", "_conversion", "_base", "_slow", "base", "conversion", "displacement"),
        *("lead_a", "lead_b", "middle", "slow", "span_a", "span_b"),
    )

    inputs = ("high", "low")
    lines = ("value", "base", "span_a", "span_b", "lead_a", "lead_b")
    params = ("conversion", "middle", "slow", "displacement")
    keeps = ("_conversion", "_base", "_slow", "_ahead_a", "_ahead_b")

    base: float
    span_a: float
    span_b: float
    lead_a: float
    lead_b: float

    def __init__(self, conversion: int = 9, middle: int = 26, slow: int = 52, displacement: int = 26) -> None:
        super().__init__()
        self.conversion = checked(conversion, "conversion")
        self.middle = checked(middle, "middle")
        self.slow = checked(slow, "slow", max(conversion, middle))
        self.displacement = checked(displacement, "displacement")
        self._conversion = Donchian(conversion)
        self._base = Donchian(middle)
        self._slow = Donchian(slow)
        self._ahead_a: deque[float] = deque(maxlen=displacement)
        self._ahead_b: deque[float] = deque(maxlen=displacement)

    @property
    def warmup(self) -> int:
        """Updates until the first number of every line."""
        return self.slow + self.displacement

    def update(self, high: float, low: float) -> float:
        """The conversion line, price units; NaN until the cloud is there."""
        conversion = self._conversion.update(high, low)
        base = self._base.update(high, low)
        lead_b = self._slow.update(high, low)
        if lead_b == lead_b:
            lead_a = 0.5 * (conversion + base)
            ahead_a, ahead_b = self._ahead_a, self._ahead_b
            if len(ahead_a) == self.displacement:
                self.value, self.base = conversion, base
                self.span_a, self.span_b = ahead_a[0], ahead_b[0]
                self.lead_a, self.lead_b = lead_a, lead_b
            ahead_a.append(lead_a)
            ahead_b.append(lead_b)
        return self.value

    def settle(self) -> bool:
        """Both sides of the cloud are as long."""
        return len(self._ahead_a) == len(self._ahead_b)
