"""The correlation dimension: how many numbers it takes to say where a series stands."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from brain.dream.kernel import Kernel, Series
from brain.dream.measure import Measure, is_flat, missing, power

RADII = 12


def deviation(series: Series) -> float:
    """The sample standard deviation, of at least two values."""
    mean = fmean(series)
    return float((sum((value - mean) ** 2 for value in series) / (len(series) - 1)) ** 0.5)


def radii(series: Series, least: float, most: float) -> list[float]:
    """Twelve radii, evenly spaced in their logarithm, from and to so many standard deviations of the series."""
    unit = deviation(series)
    return [unit * least * (most / least) ** (at / (RADII - 1)) for at in range(RADII)]


def correlation_dimension(series: Series, kernel: Kernel, dim: int, lag: int, within: Sequence[float]) -> Measure:
    """The slope of `log C(r)` over `log r`, where `C` is the share of pairs of vectors no further apart than `r`.

    Grassberger, Procaccia 1983, with Euclidean distances. White noise fills any `dim`: it gives nearly `dim` itself.
    """
    if len(series) - (dim - 1) * lag < 2:
        return missing("too_short")
    if is_flat(series):
        return missing("constant")
    return power(within, kernel.correlation_counts(series, dim, lag, within))
