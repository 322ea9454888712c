"""The loops in pure Python against what the words say, written down once more without any care for speed."""

from __future__ import annotations

import math
import random
from array import array
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.dream.plain import Plain, embed
from brain.dream.typed import Typed

PLAIN = Plain()
SERIES = st.lists(st.integers(-4, 4).map(float) | st.floats(-3, 3, allow_subnormal=False), min_size=12, max_size=40)
DIM, LAG = st.integers(1, 4), st.integers(1, 2)


def euclid(here: tuple[float, ...], there: tuple[float, ...]) -> float:
    return math.sqrt(sum((a - b) ** 2 for a, b in zip(here, there, strict=True)))


def chebyshev(here: tuple[float, ...], there: tuple[float, ...]) -> float:
    return max(abs(a - b) for a, b in zip(here, there, strict=True))


def test_vectors_are_taken_with_the_lag_between_their_values() -> None:
    assert embed([0.0, 1.0, 2.0, 3.0, 4.0], 2, 3) == [(0.0, 3.0), (1.0, 4.0)]
    assert embed([0.0, 1.0], 3, 1) == []


@settings(deadline=None)
@given(series=SERIES, dim=DIM, lag=LAG, radii=st.lists(st.floats(0.1, 8), min_size=1, max_size=5, unique=True))
def test_correlation_counts_are_the_pairs_within_each_radius(
    series: list[float], dim: int, lag: int, radii: list[float]
) -> None:
    ascending = sorted(radii)
    far = [euclid(*pair) for pair in combinations(embed(series, dim, lag), 2)]
    wanted = [sum(each <= radius for each in far) for radius in ascending]
    near = [sum(abs(each - radius) < 1e-9 for each in far) for radius in ascending]
    for got, count, close in zip(PLAIN.correlation_counts(series, dim, lag, ascending), wanted, near, strict=True):
        assert abs(got - count) <= close


@settings(deadline=None)
@given(series=SERIES, dim=DIM, lag=LAG, tolerance=st.floats(0.01, 4))
def test_template_matches_are_the_pairs_below_the_tolerance(
    series: list[float], dim: int, lag: int, tolerance: float
) -> None:
    vectors = embed(series, dim + 1, lag)
    short = sum(chebyshev(a[:-1], b[:-1]) < tolerance for a, b in combinations(vectors, 2))
    long = sum(chebyshev(a, b) < tolerance for a, b in combinations(vectors, 2))
    assert PLAIN.template_matches(series, dim, lag, tolerance) == (short, long)


@settings(deadline=None)
@given(series=SERIES, dim=DIM, lag=LAG, radius=st.floats(0.01, 4), line=st.integers(2, 4))
def test_recurrences_are_those_of_the_whole_matrix(
    series: list[float], dim: int, lag: int, radius: float, line: int
) -> None:
    """The plot as a matrix of both triangles, its diagonals cut into lines as texts are into words."""
    vectors = embed(series, dim, lag)
    size = len(vectors)
    matrix = [[chebyshev(a, b) <= radius for b in vectors] for a in vectors]
    recurrent = on_lines = 0
    for off in range(-size + 1, size):
        if off:
            text = "".join("x" if matrix[at][at + off] else " " for at in range(max(0, -off), size - max(0, off)))
            recurrent += text.count("x")
            on_lines += sum(len(run) for run in text.split() if len(run) >= line)
    found = PLAIN.recurrences(series, dim, lag, radius, line)
    assert (2 * found.pairs, 2 * found.recurrent, 2 * found.on_lines) == (size * (size - 1), recurrent, on_lines)


@settings(deadline=None)
@given(series=SERIES, dim=st.integers(1, 3), apart=st.integers(0, 3), steps=st.integers(1, 3))
def test_divergence_follows_the_first_of_the_nearest(series: list[float], dim: int, apart: int, steps: int) -> None:
    vectors = embed(series, dim, 1)
    followed = len(vectors) - steps + 1
    if followed < 2 * apart + 2:
        return
    far: list[list[float]] = [[] for _ in range(steps)]
    for at in range(followed):
        others = [other for other in range(followed) if abs(other - at) > apart]
        near = min(
            others, key=lambda other: sum((a - b) ** 2 for a, b in zip(vectors[at], vectors[other], strict=True))
        )
        for step in range(steps):
            far[step].append(euclid(vectors[at + step], vectors[near + step]))
    logs = [[math.log(each) for each in step if each] for step in far]
    # underflow of a square may make nothing of a distance, in both forms alike only where they square alike
    if all(each > 1e-150 for step in far for each in step if each):
        wanted = [math.fsum(step) / len(step) if step else math.nan for step in logs]
        assert PLAIN.divergence(series, dim, 1, apart, steps) == pytest.approx(wanted, abs=1e-9, nan_ok=True)


@settings(deadline=None)
@given(series=SERIES, size=st.integers(2, 10))
def test_rescaled_ranges_and_fluctuations_are_what_they_say(series: list[float], size: int) -> None:
    windows = [series[at : at + size] for at in range(0, len(series) - size + 1, size)]
    ranges = []
    for window in windows:
        if min(window) < max(window) - 1e-6:
            mean = math.fsum(window) / size
            walk = [math.fsum(value - mean for value in window[: at + 1]) for at in range(size)]
            spread = math.sqrt(math.fsum((value - mean) ** 2 for value in window) / (size - 1))
            ranges.append((max(walk) - min(walk)) / spread)
        elif min(window) != max(window):
            return
    wanted = math.fsum(ranges) / len(ranges) if ranges else math.nan
    assert PLAIN.rescaled_ranges(series, [size])[0] == pytest.approx(wanted, rel=1e-6, nan_ok=True)

    mean = math.fsum(series) / len(series)
    profile = [math.fsum(value - mean for value in series[: at + 1]) for at in range(len(series))]
    rests = []
    for start in range(0, len(series) - size, size // 2):
        window, mid = profile[start : start + size], (size - 1) / 2
        level = math.fsum(window) / size
        tilt = math.fsum((at - mid) * value for at, value in enumerate(window))
        tilt /= math.fsum((at - mid) ** 2 for at in range(size))
        rests.append(math.fsum((value - level - tilt * (at - mid)) ** 2 for at, value in enumerate(window)) / size)
    found = PLAIN.fluctuations(series, [size])[0]
    assert found == pytest.approx(math.sqrt(math.fsum(rests) / len(rests)), rel=1e-6, abs=1e-9)


def test_a_window_without_a_range_is_left_out() -> None:
    chance = random.Random(1)
    lively = [chance.random() for _ in range(8)]
    # 0.1 eight times does not add up to 0.8: without care the rest of rounding would be a range
    assert PLAIN.rescaled_ranges([0.1] * 8 + lively, [8]) == PLAIN.rescaled_ranges(lively, [8])
    assert math.isnan(PLAIN.rescaled_ranges([0.1] * 16, [8])[0])


class Answer:
    """A Float64Array as Pyodide shows it."""

    def __init__(self, *values: float) -> None:
        self._values = values

    def to_bytes(self) -> bytes:
        return array("d", self._values).tobytes()


class Module:
    """Notes what it is called with, and answers with what it was told."""

    def __init__(self, *values: float) -> None:
        self._answer = Answer(*values)
        self.called: tuple[Any, ...] = ()

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any) -> Answer:
            self.called = (name, *args)
            return self._answer

        return call


def test_the_kernel_in_javascript_is_called_with_typed_arrays() -> None:
    def typed(values: memoryview) -> tuple[str, list[float]]:
        return values.format, values.tolist()

    module = Module(3.0, 2.0, 1.0)
    kernel, series = Typed(module, typed), ("d", [1.0, 2.0])
    assert kernel.divergence([1, 2], 3, 1, 10, 3) == [3.0, 2.0, 1.0]
    assert module.called == ("divergence", series, 3, 1, 10, 3)
    assert kernel.correlation_counts([1, 2], 3, 1, [0.5]) == [3, 2, 1]
    assert module.called == ("correlationCounts", series, 3, 1, ("d", [0.5]))
    assert kernel.recurrences([1, 2], 3, 1, 0.5, 4) == (3, 2, 1)
    assert module.called == ("recurrences", series, 3, 1, 0.5, 4)
    assert kernel.rescaled_ranges([1, 2], [8]) == [3.0, 2.0, 1.0]
    assert module.called == ("rescaledRanges", series, ("d", [8.0]))
    assert kernel.fluctuations([1, 2], [8]) == [3.0, 2.0, 1.0]
    assert module.called == ("fluctuations", series, ("d", [8.0]))
    module = Module(5.0, 4.0)
    assert Typed(module, typed).template_matches([1, 2], 2, 1, 0.2) == (5, 4)
    assert module.called == ("templateMatches", series, 2, 1, 0.2)
