"""Two exponents of memory: rescaled range, and detrended fluctuation analysis. Both take increments, such as returns."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import exp, lgamma, pi, sqrt

from brain.dream.kernel import Kernel, Series
from brain.dream.measure import Measure, found, is_flat, missing, power

SMALLEST = 8
STEP = 1.25
WINDOWS = 4


def scales(length: int) -> list[int]:
    """Window sizes from 8, each about a quarter larger, up to a quarter of the length; none where that is below 8."""
    sizes: list[int] = []
    size = float(SMALLEST)
    while size <= length / WINDOWS:
        sizes.append(int(size))
        size *= STEP
    return sizes


def hurst(series: Series, kernel: Kernel, sizes: Sequence[int]) -> Measure:
    """The Hurst exponent of increments by rescaled range, 0.5 for white noise, with the correction of Anis and Lloyd.

    Hurst 1951; Mandelbrot, Wallis 1969; Anis, Lloyd 1976, Peters 1994. Every size is at least 2.
    """
    if len(sizes) < 2 or len(series) < max(sizes):
        return missing("too_short")
    if is_flat(series):
        return missing("constant")
    ranges = kernel.rescaled_ranges(series, sizes)
    exponent = power(sizes, [reach / expected_range(size) for reach, size in zip(ranges, sizes, strict=True)])
    return exponent if exponent.value is None else found(exponent.value + 0.5)


@cache
def expected_range(size: int) -> float:
    """What the rescaled range of white noise is on average in windows of so many."""
    back = sum(sqrt((size - at) / at) for at in range(1, size))
    exact = size <= 340
    middle = exp(lgamma((size - 1) / 2) - lgamma(size / 2)) / sqrt(pi) if exact else 1 / sqrt(size * pi / 2)
    return (size - 0.5) / size * middle * back


def dfa(series: Series, kernel: Kernel, sizes: Sequence[int]) -> Measure:
    """The exponent of detrended fluctuation analysis (order 1): 0.5 for white noise, 1.5 for a random walk.

    Peng et al. 1994. Windows overlap by half. Every size is at least 4, and less than the length of the series.
    """
    if len(sizes) < 2 or len(series) <= max(sizes):
        return missing("too_short")
    if is_flat(series):
        return missing("constant")
    return power(sizes, kernel.fluctuations(series, sizes))
