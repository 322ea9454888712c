"""The formulas behind the strategies over plain lists, the whole past anew for every bar; none of the brain's indicators."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from brain.bar import Bar

Line = list[float | None]


def rolling(values: Sequence[float], period: int, of: Callable[[Sequence[float]], Any]) -> list[Any]:
    """`of` the last `period` values on each bar, None before there are as many."""
    return [of(values[at + 1 - period : at + 1]) if at + 1 >= period else None for at in range(len(values))]


def sma(values: Sequence[float], period: int) -> Line:
    return rolling(values, period, statistics.fmean)


def smoothed(values: Sequence[float | None], period: int, weight: float) -> Line:
    """The mean of the first `period` numbers, then each with `weight` into what was before."""
    found: Line = []
    first: list[float] = []
    for value in values:
        if value is not None and len(first) < period:
            first.append(value)
            found.append(statistics.fmean(first) if len(first) == period else None)
        elif value is not None and found[-1] is not None:
            found.append(found[-1] + weight * (value - found[-1]))
        else:
            found.append(None)
    return found


def ema(values: Sequence[float | None], period: int) -> Line:
    return smoothed(values, period, 2.0 / (period + 1))


def wilder(values: Sequence[float | None], period: int) -> Line:
    return smoothed(values, period, 1.0 / period)


def true_ranges(bars: Sequence[Bar]) -> Line:
    ranges: Line = [None]
    for before, bar in pairwise(bars):
        ranges.append(max(bar.high - bar.low, abs(bar.high - before.close), abs(bar.low - before.close)))
    return ranges


def atr(bars: Sequence[Bar], period: int) -> Line:
    return wilder(true_ranges(bars), period)


def rsi(closes: Sequence[float], period: int) -> Line:
    moves: list[float | None] = [None, *(now - before for before, now in pairwise(closes))]
    ups = wilder([None if move is None else max(move, 0.0) for move in moves], period)
    downs = wilder([None if move is None else max(-move, 0.0) for move in moves], period)
    return [
        None if up is None or down is None else 100.0 * up / (up + down) if up + down else 50.0
        for up, down in zip(ups, downs, strict=True)
    ]


def stdev(values: Sequence[float], period: int) -> Line:
    return rolling(values, period, statistics.pstdev)


def macd(closes: Sequence[float], fast: int, slow: int, signal: int) -> tuple[Line, Line]:
    """The MACD, and what it is above its signal by."""
    late: list[float | None] = [None if at < slow - fast else close for at, close in enumerate(closes)]
    pairs = zip(ema(late, fast), ema(closes, slow), strict=True)
    apart: Line = [None if one is None or other is None else one - other for one, other in pairs]
    means = ema(apart, signal)
    return apart, [None if one is None or mean is None else one - mean for one, mean in zip(apart, means, strict=True)]


def fit(values: Sequence[float]) -> tuple[float, float]:
    """Slope and R squared of the straight line through them."""
    slope = statistics.linear_regression(range(len(values)), values).slope
    return slope, statistics.correlation(range(len(values)), values) ** 2 if min(values) < max(values) else 0.0


def changes(flags: Sequence[bool | None], to: bool) -> list[int]:
    """Bars on which the flag has just become `to`; None is unknown."""
    return [at for at in range(1, len(flags)) if flags[at] is to and flags[at - 1] is (not to)]
