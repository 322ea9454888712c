"""The largest Lyapunov exponent: how fast what was near comes apart."""

from __future__ import annotations

from brain.dream.kernel import Kernel, Series
from brain.dream.measure import Measure, found, is_flat, missing, slope


def lyapunov(series: Series, kernel: Kernel, dim: int, lag: int, apart: int, steps: int) -> Measure:
    """Nats a step: the slope of the mean log distance of nearest neighbours over the first `steps` steps.

    Rosenstein, Collins, De Luca 1993. Neighbours lie more than `apart` steps from each other in time.
    """
    followed = len(series) - (dim - 1) * lag - steps + 1
    if followed < 2 * apart + 2:
        return missing("too_short")
    if is_flat(series):
        return missing("constant")
    exponent = slope(range(steps), kernel.divergence(series, dim, lag, apart, steps))
    return missing("no_neighbours") if exponent is None else found(exponent)
