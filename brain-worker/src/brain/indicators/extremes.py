"""The highest and the lowest of the last bars."""

from __future__ import annotations

from collections import deque

from brain.indicators.indicator import Indicator
from brain.indicators.period import checked


class _Extreme(Indicator):
    """A monotonic queue: only numbers that no later one beats, each with how many bars it stands for, itself the last
    of them. An update is O(1) on average.
    """

    __slots__ = ("_numbers", "_runs", "_seen", "period")

    keeps = ("_numbers", "_runs", "_seen")

    def __init__(self, period: int = 20) -> None:
        super().__init__()
        self.period = checked(period)
        self._numbers: deque[float] = deque()
        self._runs: deque[float] = deque()
        self._seen = 0

    @property
    def warmup(self) -> int:
        """Updates until the first number."""
        return self.period

    @property
    def age(self) -> float:
        """Bars since the value, 0 when the newest bar has it; of equal ones the newest counts."""
        return self._seen - self._runs[0]

    def settle(self) -> bool:
        """The runs are whole numbers that make up the bars seen."""
        whole = all(run >= 1.0 and run.is_integer() for run in self._runs)
        return whole and len(self._numbers) == len(self._runs) and sum(self._runs) == self._seen


class Highest(_Extreme):
    """The highest of the last `period` numbers.

    Source: the definition.

    Oracle: TA-Lib MAX; the formula.
    """

    __slots__ = ()

    inputs = ("high",)

    def update(self, high: float) -> float:
        """The highest with `high` as the newest; NaN before `period` of them."""
        numbers, runs, run = self._numbers, self._runs, 1.0
        if self._seen < self.period:
            self._seen += 1
        elif runs[0] == 1.0:
            runs.popleft()
            numbers.popleft()
        else:
            runs[0] -= 1.0
        while numbers and numbers[-1] <= high:
            numbers.pop()
            run += runs.pop()
        numbers.append(high)
        runs.append(run)
        if self._seen == self.period:
            self.value = numbers[0]
        return self.value


class Lowest(_Extreme):
    """The lowest of the last `period` numbers.

    Source: the definition.

    Oracle: TA-Lib MIN; the formula.
    """

    __slots__ = ()

    inputs = ("low",)

    def update(self, low: float) -> float:
        """The lowest with `low` as the newest; NaN before `period` of them."""
        numbers, runs, run = self._numbers, self._runs, 1.0
        if self._seen < self.period:
            self._seen += 1
        elif runs[0] == 1.0:
            runs.popleft()
            numbers.popleft()
        else:
            runs[0] -= 1.0
        while numbers and numbers[-1] >= low:
            numbers.pop()
            run += runs.pop()
        numbers.append(low)
        runs.append(run)
        if self._seen == self.period:
            self.value = numbers[0]
        return self.value
