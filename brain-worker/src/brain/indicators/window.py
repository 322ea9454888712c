"""Sums and moments over the last bars that never subtract: what leaves the window leaves nothing of itself behind.

Each is a queue of two stacks (Tangwongsan, Hirzel, Schneider, Wu, General Incremental Sliding-Window Aggregation, VLDB
2015): the newer bars are one running aggregate, of the older ones every suffix has its aggregate. When the older ones
are used up, the newer ones become the older. An update is O(1) on average, and all terms are only ever added.
"""

from __future__ import annotations

from collections import deque
from itertools import accumulate

from brain.indicators.indicator import Indicator
from brain.indicators.period import checked


class WindowSum(Indicator):
    """The sum of the last `period` numbers; exactly 0 when all of them are.

    Source: the definition.
    """

    __slots__ = ("_back", "_fresh", "_front", "_window", "period")

    keeps = ("_window", "_fresh")

    def __init__(self, period: int) -> None:
        super().__init__()
        self.period = checked(period)
        self._window: deque[float] = deque(maxlen=period)
        self._fresh = 0
        self._front: list[float] = []
        self._back = 0.0

    @property
    def warmup(self) -> int:
        """Updates until the first number."""
        return self.period

    def update(self, number: float) -> float:
        """The sum with `number` as the newest."""
        window, front = self._window, self._front
        if len(window) == self.period:
            if not front:
                front.extend(accumulate(reversed(window)))
                self._back = 0.0
                self._fresh = 0
            front.pop()
        window.append(number)
        self._fresh += 1
        self._back = back = self._back + number
        if len(window) == self.period:
            self.value = front[-1] + back if front else back
        return self.value

    def settle(self) -> bool:
        """Both stacks, from the window."""
        older = len(self._window) - self._fresh
        if older < 0 or (older and len(self._window) < self.period):
            return False
        numbers = list(self._window)
        self._front = list(accumulate(reversed(numbers[:older])))
        self._back = 0.0
        for number in numbers[older:]:
            self._back += number
        return True


class Moments(Indicator):
    """Mean, sum of squared deviations from it, and sum of `(place - mean place) * number`, of the last `period`.

    Source: Chan, Golub, LeVeque, Updating Formulae and a Pairwise Algorithm for Computing Sample Variances (1979): two
    parts are joined by their means, so large numbers that hardly differ lose nothing.
    """

    __slots__ = ("_back", "_fresh", "_front", "_window", "cross", "period", "squares")

    lines = ("value", "squares", "cross")
    keeps = ("_window", "_fresh")

    squares: float
    cross: float

    def __init__(self, period: int) -> None:
        super().__init__()
        self.period = checked(period)
        self._window: deque[float] = deque(maxlen=period)
        self._fresh = 0
        self._front: list[tuple[float, float, float]] = []
        self._back = (0.0, 0.0, 0.0)

    @property
    def warmup(self) -> int:
        """Updates until the first number."""
        return self.period

    def update(self, number: float) -> float:
        """The mean with `number` as the newest."""
        window, front, period = self._window, self._front, self.period
        if len(window) == period:
            if not front:
                window.popleft()
                self._to_front(list(window))
            else:
                front.pop()
        window.append(number)
        fresh = self._fresh
        mean, squares, cross = self._back
        away = number - mean
        cross += 0.5 * fresh * away
        self._fresh = fresh = fresh + 1
        mean += away / fresh
        squares += away * (number - mean)
        self._back = (mean, squares, cross)
        if front:
            old_mean, old_squares, old_cross = front[-1]
            away = mean - old_mean
            part = (period - fresh) * away
            self.value = old_mean + fresh * away / period
            self.squares = old_squares + squares + part * fresh * away / period
            self.cross = old_cross + cross + 0.5 * part * fresh
        elif fresh == period:
            self.value, self.squares, self.cross = mean, squares, cross
        return self.value

    def _to_front(self, numbers: list[float]) -> None:
        """Every suffix of `numbers` gets its moments, the longest one last; nothing is newer than them."""
        mean = squares = cross = 0.0
        front = self._front
        for count, number in enumerate(reversed(numbers)):
            away = mean - number
            cross += 0.5 * count * away
            mean = number if not count else mean - away / (count + 1)
            squares += away * away * count / (count + 1)
            front.append((mean, squares, cross))
        self._back = (0.0, 0.0, 0.0)
        self._fresh = 0

    def settle(self) -> bool:
        """Both stacks, from the window."""
        older = len(self._window) - self._fresh
        if older < 0 or (older and len(self._window) < self.period):
            return False
        numbers = list(self._window)
        self._front = []
        self._to_front(numbers[:older])
        mean = squares = cross = 0.0
        for fresh, number in enumerate(numbers[older:]):
            away = number - mean
            cross += 0.5 * fresh * away
            mean += away / (fresh + 1)
            squares += away * (number - mean)
        self._back = (mean, squares, cross)
        self._fresh = len(numbers) - older
        return True
