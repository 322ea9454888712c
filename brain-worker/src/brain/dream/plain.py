"""The kernel in pure Python: the oracle of the JavaScript one, loop by loop, and what runs where there is none.

Sums are plain loops, for Python's own `sum` of floats rounds otherwise than a loop, from 3.12 on.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from math import inf, log, nan, sqrt

from brain.dream.kernel import Recurrences, Series

Vectors = list[tuple[float, ...]]


def embed(series: Series, dim: int, lag: int) -> Vectors:
    """All delay vectors; none where the series is too short for one."""
    count = len(series) - (dim - 1) * lag
    return [tuple(series[at : at + (dim - 1) * lag + 1 : lag]) for at in range(max(0, count))]


def added(values: Series) -> float:
    """The sum, rounded after every step."""
    total = 0.0
    for value in values:
        total += value
    return total


class Plain:
    """`brain.dream.kernel.Kernel` without anything but Python."""

    def divergence(self, series: Series, dim: int, lag: int, apart: int, steps: int) -> list[float]:
        vectors = embed(series, dim, lag)
        followed = len(vectors) - steps + 1
        nearest = [self._nearest(vectors, at, followed, apart) for at in range(followed)]
        curve = []
        for step in range(steps):
            total, count = 0.0, 0
            for at, near in enumerate(nearest):
                far = squared(vectors[at + step], vectors[near + step])
                if far:
                    total += log(sqrt(far))
                    count += 1
            curve.append(total / count if count else nan)
        return curve

    def _nearest(self, vectors: Vectors, at: int, followed: int, apart: int) -> int:
        here, found, least = vectors[at], -1, inf
        for other in (*range(at - apart), *range(at + apart + 1, followed)):
            far = squared(here, vectors[other])
            if far < least:
                found, least = other, far
        return found

    def correlation_counts(self, series: Series, dim: int, lag: int, radii: Series) -> list[int]:
        vectors = embed(series, dim, lag)
        counts = [0] * (len(radii) + 1)
        for at, here in enumerate(vectors):
            for other in range(at + 1, len(vectors)):
                counts[bisect_left(radii, sqrt(squared(here, vectors[other])))] += 1
        for at in range(1, len(radii)):
            counts[at] += counts[at - 1]
        return counts[:-1]

    def template_matches(self, series: Series, dim: int, lag: int, tolerance: float) -> tuple[int, int]:
        vectors = embed(series, dim + 1, lag)
        short = long = 0
        for at, here in enumerate(vectors):
            for other in range(at + 1, len(vectors)):
                there = vectors[other]
                if all(abs(here[place] - there[place]) < tolerance for place in range(dim)):
                    short += 1
                    long += abs(here[dim] - there[dim]) < tolerance
        return short, long

    def recurrences(self, series: Series, dim: int, lag: int, radius: float, line: int) -> Recurrences:
        vectors = embed(series, dim, lag)
        count = len(vectors)
        recurrent = on_lines = 0
        for off in range(1, count):
            run = 0
            for at in range(count - off):
                if all(abs(a - b) <= radius for a, b in zip(vectors[at], vectors[at + off], strict=True)):
                    run += 1
                    continue
                recurrent += run
                on_lines += run if run >= line else 0
                run = 0
            recurrent += run
            on_lines += run if run >= line else 0
        return Recurrences(count * (count - 1) // 2, recurrent, on_lines)

    def rescaled_ranges(self, series: Series, sizes: Sequence[int]) -> list[float]:
        found = []
        for size in sizes:
            total, count = 0.0, 0
            for start in range(0, len(series) - size + 1, size):
                reach, spread = _reach(series[start : start + size])
                # differences so small that their squares are nothing have no spread to be measured by
                if reach and spread:
                    total += reach / spread
                    count += 1
            found.append(total / count if count else nan)
        return found

    def fluctuations(self, series: Series, sizes: Sequence[int]) -> list[float]:
        mean = added(series) / len(series)
        profile, height = [], 0.0
        for value in series:
            height += value - mean
            profile.append(height)
        found = []
        for size in sizes:
            total, count = 0.0, 0
            for start in range(0, len(series) - size, size // 2):
                total += _around_line(profile[start : start + size]) / size
                count += 1
            found.append(sqrt(total / count))
        return found


def squared(here: tuple[float, ...], there: tuple[float, ...]) -> float:
    """The Euclidean distance of two vectors, squared."""
    total = 0.0
    for a, b in zip(here, there, strict=True):
        total += (a - b) * (a - b)
    return total


def _reach(window: Series) -> tuple[float, float]:
    """The range of the cumulated deviations from the mean, and the sample standard deviation; both 0 when it is flat."""
    if min(window) == max(window):
        return 0.0, 0.0
    mean = added(window) / len(window)
    height = low = high = squares = 0.0
    for place, value in enumerate(window):
        height += value - mean
        squares += (value - mean) * (value - mean)
        low = height if not place or height < low else low
        high = height if not place or height > high else high
    return high - low, sqrt(squares / (len(window) - 1))


def _around_line(window: Series) -> float:
    """The sum of squares around the straight line that fits best."""
    size, mean = len(window), added(window) / len(window)
    middle = (size - 1) / 2
    across = along = 0.0
    for place, value in enumerate(window):
        across += (place - middle) * (value - mean)
        along += (place - middle) * (place - middle)
    slope, total = across / along, 0.0
    for place, value in enumerate(window):
        rest = value - mean - slope * (place - middle)
        total += rest * rest
    return total
