"""Two price series as a pair: how one follows the other, and what is left between them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import fsum, inf, log, sqrt
from operator import mul
from typing import NamedTuple

DIGITS = 12
"""After the point of a logarithm; the last ones differ between runtimes."""


class Spread(NamedTuple):
    """`log(first) = alpha + hedge * log(second) + rest` by least squares over a window.

    `z` is the newest rest in standard deviations (of the population) of all of them. The pull is the coefficient of a
    rest in its own next change (Dickey-Fuller, no constant, no lags; -1: gone in one bar, 0: never), `pull_t` its t
    statistic, 0 where it has none. `half_life`, bars: how long half of a rest takes to go, inf where it does not.
    """

    hedge: float
    z: float
    pull_t: float
    half_life: float


def logs(price: float) -> float:
    """The natural logarithm, the same in every runtime."""
    return round(log(price), DIGITS)


def spread(first: Sequence[float], second: Sequence[float]) -> Spread | None:
    """Of log prices that belong together, oldest first, at least four of each; None where one does not move, or
    follows the other exactly. Sums are rounded once, so they are the same in every runtime.
    """
    count = len(first)
    mean_first, mean_second = fsum(first) / count, fsum(second) / count
    ups = [value - mean_first for value in first]
    across = [value - mean_second for value in second]
    wide = fsum(map(mul, across, across))
    if not wide > 0.0:
        return None
    hedge = fsum(map(mul, across, ups)) / wide
    rests = [up - hedge * over for up, over in zip(ups, across, strict=True)]
    squares = fsum(map(mul, rests, rests))
    # below this the rests are the rounding of the logarithms
    if squares <= count * 1e-22:
        return None
    pull, pull_t = _pull(rests)
    return Spread(hedge, rests[-1] / sqrt(squares / count), pull_t, _half_life(pull))


def _half_life(pull: float) -> float:
    if pull >= 0.0:
        return inf
    return round(-log(2.0) / log(1.0 + pull), DIGITS) if pull > -1.0 else 0.0


def _pull(rests: Sequence[float]) -> tuple[float, float]:
    """The regression of each change on the rest before it, and its t statistic."""
    before = rests[:-1]
    changes = [now - last for last, now in pairwise(rests)]
    squares = fsum(map(mul, before, before))
    if not squares > 0.0:
        return 0.0, 0.0
    pull = fsum(map(mul, before, changes)) / squares
    errors = [change - pull * last for last, change in zip(before, changes, strict=True)]
    variance = fsum(map(mul, errors, errors)) / (len(before) - 1)
    return pull, pull / sqrt(variance / squares) if variance > 0.0 else 0.0
