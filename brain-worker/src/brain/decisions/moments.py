"""Mean and deviation of what came so far, in which older values count less and less."""

from __future__ import annotations

from math import isfinite, sqrt
from typing import Any


class Moments:
    """Welford's updating formulas with weights that decay by `keep` at each value.

        W' = keep W + 1;  mean' = mean + (x - mean) / W';  S' = keep S + (x - mean)(x - mean');  variance = S / W

    With `keep` 1 it is the population variance of all values. Sources: Welford, Technometrics 4 (1962); the weighted form: West,
    Communications of the ACM 22 (1979); the decay: Finch, Incremental calculation of weighted mean and variance (2009).
    """

    __slots__ = ("_keep", "_squares", "_weight", "count", "mean")

    def __init__(self, half_life: float) -> None:
        self._keep = 0.5 ** (1.0 / half_life)
        self.count = 0
        self.mean = 0.0
        self._weight = 0.0
        self._squares = 0.0

    def add(self, value: float) -> None:
        """One more value, the newest."""
        self.count += 1
        self._weight = self._keep * self._weight + 1.0
        away = value - self.mean
        self.mean += away / self._weight
        self._squares = self._keep * self._squares + away * (value - self.mean)

    @property
    def variance(self) -> float:
        """In squares of the values' unit; 0 before the second value."""
        return self._squares / self._weight if self._weight else 0.0

    @property
    def deviation(self) -> float:
        """In the values' unit."""
        return sqrt(max(0.0, self.variance))

    def state(self) -> list[Any]:
        """As JSON."""
        return [self.count, self.mean, self._weight, self._squares]

    def restore(self, state: list[Any]) -> None:
        """ValueError or TypeError for a state that does not fit."""
        count, mean, weight, squares = state
        if type(count) is not int or count < 0:
            raise ValueError(f"{count!r} is no count")
        self.count, self.mean, self._weight, self._squares = count, finite(mean), finite(weight), finite(squares)


def finite(value: Any) -> float:
    """A number out of a state as a float; ValueError or TypeError for what is none."""
    if type(value) not in (int, float) or not isfinite(value):
        raise ValueError(f"{value!r} is no finite number")
    return float(value)
