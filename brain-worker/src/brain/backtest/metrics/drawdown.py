"""How far and how long equity was below its peak."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Drawdown(NamedTuple):
    """The deepest one, by bar numbers; `longest` is the time below a peak of the most patient one, which may be another.

    `depth` is a fraction of the peak: 0..1, above 1 only where equity fell below 0. `peak` is the last bar at the high,
    `recovered` the first one at it again, None while there is none. `longest` is `(peak, end)`.
    """

    depth: float
    peak: int
    trough: int
    recovered: int | None
    longest: tuple[int, int]


def deepest(equity: Sequence[float]) -> Drawdown:
    """`1 - equity / highest so far`, the largest of it; of equal depths the first. The first equity must be above 0."""
    high, peak = equity[0], 0
    depth, at_peak, trough = 0.0, 0, 0
    longest = (0, 0)
    recovered: int | None = None
    low = high
    for at, value in enumerate(equity):
        if value >= high:
            if at - peak > 1:
                if recovered is None and at_peak == peak:
                    recovered = at
                if at - peak > longest[1] - longest[0]:
                    longest = (peak, at)
            high = low = value
            peak = at
        elif value < low:
            low = value
            if (fall := 1.0 - value / high) > depth:
                depth, at_peak, trough, recovered = fall, peak, at, None
    last = len(equity) - 1
    if last - peak > longest[1] - longest[0]:
        longest = (peak, last)
    return Drawdown(depth, at_peak, trough, recovered if depth else None, longest)


def depth(equity: Sequence[float]) -> float:
    """Only the depth of the deepest one, a fraction."""
    high, deepest = equity[0], 0.0
    for value in equity:
        if value > high:
            high = value
        elif (fall := 1.0 - value / high) > deepest:
            deepest = fall
    return deepest
