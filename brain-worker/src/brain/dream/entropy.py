"""Two entropies: how little the past says of the next value, and of the order of the next few."""

from __future__ import annotations

from collections import Counter
from math import factorial, log

from brain.dream.kernel import Kernel, Series
from brain.dream.measure import Measure, found, is_flat, missing


def sample_entropy(series: Series, kernel: Kernel, dim: int, lag: int, tolerance: float) -> Measure:
    """Nats: minus the logarithm of the share of matches of length `dim` that also match at `dim + 1`.

    Richman, Moorman 2000. A match is nearer than the tolerance, in the units of the series, at every place.
    """
    if len(series) - dim * lag < 2:
        return missing("too_short")
    if is_flat(series):
        return missing("constant")
    short, long = kernel.template_matches(series, dim, lag, tolerance)
    return found(-log(long / short)) if long else missing("no_matches")


def patterns(series: Series, order: int, lag: int) -> Counter[tuple[int, ...]]:
    """How often each order of `order` values occurs; of equal values the earlier counts as the smaller."""
    places = range(order)
    starts = range(len(series) - (order - 1) * lag)
    return Counter(
        tuple(sorted(places, key=series[start : start + (order - 1) * lag + 1 : lag].__getitem__)) for start in starts
    )


def permutation_entropy(seen: Counter[tuple[int, ...]], order: int) -> Measure:
    """The Shannon entropy of the patterns over its largest possible value: 0 for a steady rise, 1 for white noise.

    Bandt, Pompe 2002.
    """
    total = seen.total()
    if total < 2:
        return missing("too_short")
    return found(-sum(count / total * log(count / total) for count in seen.values()) / log(factorial(order)))


def missing_patterns(seen: Counter[tuple[int, ...]], order: int) -> Measure:
    """How many of all possible patterns never occur: noise leaves none out for long, a map of few dimensions many.

    Amigó, Zambrano, Sanjuán 2007.
    """
    return missing("too_short") if seen.total() < 2 else found(factorial(order) - len(seen))
