"""What the panel looks at: the log returns of prices, and their normal scores."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import log
from statistics import NormalDist

DIGITS = 12
"""After the point of a log return; what lies below is rounding of the logarithm, and makes no two moves differ."""


def log_returns(prices: Sequence[float]) -> list[float]:
    """One fewer than there are prices, all of which must be finite and above 0."""
    logs = [log(price) for price in prices]
    return [round(after - before, DIGITS) + 0.0 for before, after in pairwise(logs)]


def normal_scores(values: Sequence[float]) -> list[float]:
    """Each value's rank, as the normal quantile of `(rank - 1/2) / count`; equal ones share the middle of their ranks.

    It keeps the order of the values in size and in time and replaces only how they are spread: fat tails and a few
    wild days weigh no more than their rank, and of any independent draws, whatever they are drawn from, the result is
    spread as that of white Gaussian noise is. That is what makes one table of bands good for every market.
    """
    normal, count = NormalDist(), len(values)
    order = sorted(range(count), key=values.__getitem__)
    scores = [0.0] * count
    start = 0
    while start < count:
        end = start
        while end < count and values[order[end]] == values[order[start]]:
            end += 1
        score = normal.inv_cdf((start + end) / 2 / count)
        for place in order[start:end]:
            scores[place] = score
        start = end
    return scores
