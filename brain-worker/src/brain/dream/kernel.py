"""The heavy loops behind a protocol: in pure Python (`plain`), or in JavaScript over typed arrays (`kernel.mjs`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

Series = Sequence[float]


class Recurrences(NamedTuple):
    """Of the upper triangle of a recurrence plot, the main diagonal left out."""

    pairs: int
    """All pairs that were looked at."""
    recurrent: int
    on_lines: int
    """Recurrent pairs on diagonal lines of at least the asked length."""


class Kernel(Protocol):
    """Loops over all pairs or windows. Both forms add in the same order, so they agree to the last bit, but for
    `divergence`, whose logarithm is each runtime's own.

    A vector `i` of an embedding is `series[i], series[i + lag], ... series[i + (dim - 1) * lag]`.
    """

    def divergence(self, series: Series, dim: int, lag: int, apart: int, steps: int) -> list[float]:
        """For each of `steps` steps the mean logarithm of the Euclidean distance of all vectors to what were their
        nearest neighbours, more than `apart` in time away, at step 0; distances of 0 are left out, and a step with no
        other distance is NaN. The series must have at least `2 * apart + 2` vectors that can be followed.
        """

    def correlation_counts(self, series: Series, dim: int, lag: int, radii: Series) -> list[int]:
        """For each of the ascending radii, the pairs of vectors whose Euclidean distance is at most that."""

    def template_matches(self, series: Series, dim: int, lag: int, tolerance: float) -> tuple[int, int]:
        """Pairs whose Chebyshev distance is below the tolerance: of vectors of `dim`, and of `dim + 1`. The last
        vectors of `dim`, which cannot grow to `dim + 1`, are left out; for a lag above 1 all `lag` of them.
        """

    def recurrences(self, series: Series, dim: int, lag: int, radius: float, line: int) -> Recurrences:
        """Pairs whose Chebyshev distance is at most the radius, and those on diagonals of at least `line` of them."""

    def rescaled_ranges(self, series: Series, sizes: Sequence[int]) -> list[float]:
        """For each size the mean range of the cumulated deviations of its windows, each over its own sample standard
        deviation; windows without a range are left out, and NaN stands where there is no other.
        """

    def fluctuations(self, series: Series, sizes: Sequence[int]) -> list[float]:
        """For each size the root mean square of the profile around the straight lines of half-overlapping windows."""
