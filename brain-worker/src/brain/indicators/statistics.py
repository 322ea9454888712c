"""Rolling statistics of the close."""

from __future__ import annotations

from math import sqrt

from brain.indicators.indicator import Indicator
from brain.indicators.period import checked
from brain.indicators.window import Moments


class StdDev(Indicator):
    """Standard deviation of the last `period` closes, of the population (divided by `period`, as in TA-Lib).

    TA-Lib takes the mean of the squares less the square of the mean, which leaves few digits where the price is large
    and hardly moves; here none are lost.

    Source: the definition.

    Oracle: TA-Lib STDDEV; the formula.
    """

    __slots__ = ("_moments", "period")

    keeps = ("_moments",)

    def __init__(self, period: int = 20) -> None:
        super().__init__()
        self.period = checked(period)
        self._moments = Moments(period)

    @property
    def warmup(self) -> int:
        """Updates until the first number."""
        return self.period

    def update(self, close: float) -> float:
        """Price units, 0 or more; NaN before `period` closes."""
        moments = self._moments
        moments.update(close)
        self.value = sqrt(moments.squares / self.period)
        return self.value


class ZScore(Indicator):
    """How many standard deviations (of the population) the close is above the mean of the last `period`, itself among
    them; 0 where they are all equal.

    Source: the definition.

    Oracle: the formula.
    """

    __slots__ = ("_moments", "period")

    keeps = ("_moments",)

    def __init__(self, period: int = 20) -> None:
        super().__init__()
        self.period = checked(period, least=2)
        self._moments = Moments(period)

    @property
    def warmup(self) -> int:
        """Updates until the first number."""
        return self.period

    def update(self, close: float) -> float:
        """Standard deviations; NaN before `period` closes."""
        moments = self._moments
        mean = moments.update(close)
        if mean == mean:
            deviation = sqrt(moments.squares / self.period)
            self.value = (close - mean) / deviation if deviation > 0.0 else 0.0
        return self.value


class LinearRegression(Indicator):
    """The straight line of least squares through the last `period` closes: `value` is where it ends on the newest bar,
    `slope` its rise a bar, `r2` the share of the variance that it explains, 0 where there is none to explain.

    `value` and `slope` are TA-Lib's LINEARREG and LINEARREG_SLOPE, `r2` the square of its CORREL with time.

    Source: the definition; Legendre, Nouvelles méthodes pour la détermination des orbites des comètes (1805).

    Oracle: TA-Lib LINEARREG, LINEARREG_SLOPE, CORREL; the formula.
    """

    __slots__ = ("_moments", "_spread", "period", "r2", "slope")

    lines = ("value", "slope", "r2")
    keeps = ("_moments",)

    slope: float
    r2: float

    def __init__(self, period: int = 14) -> None:
        super().__init__()
        self.period = checked(period, least=2)
        self._spread = period * (period * period - 1) / 12.0
        self._moments = Moments(period)

    @property
    def warmup(self) -> int:
        """Updates until the first number of every line."""
        return self.period

    def update(self, close: float) -> float:
        """Price units; NaN before `period` closes."""
        moments = self._moments
        mean = moments.update(close)
        self.slope = slope = moments.cross / self._spread
        self.value = mean + 0.5 * (self.period - 1) * slope
        squares = moments.squares
        if squares > 0.0:
            self.r2 = min(1.0, slope * (moments.cross / squares))
        elif squares == 0.0:
            self.r2 = 0.0
        return self.value
