"""A number, or why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite, log
from typing import Literal

from shared.model import Model

Reason = Literal["", "too_short", "constant", "no_neighbours", "no_matches", "no_scaling"]


class Measure(Model):
    """`value` is None where it cannot be computed, and then `reason` is a stable code; else that is empty."""

    value: float | None
    reason: Reason = ""


def found(value: float) -> Measure:
    """A number that could be computed; the 0 that a logarithm makes negative is a plain one."""
    return Measure.model_construct(value=value + 0.0, reason="")


def missing(reason: Reason) -> Measure:
    """Nothing, and why."""
    return Measure.model_construct(value=None, reason=reason)


def is_flat(series: Sequence[float]) -> bool:
    """Whether all its values are equal."""
    return min(series) == max(series)


def slope(across: Sequence[float], up: Sequence[float]) -> float | None:
    """Of the line that fits best by least squares, over the points whose `up` is a number; None with fewer than two."""
    points = [(x, y) for x, y in zip(across, up, strict=True) if isfinite(y)]
    if len(points) < 2:
        return None
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)


def autocorrelation(series: Sequence[float], lag: int) -> Measure:
    """How alike the series is to itself so many steps later, -1 to 1."""
    if len(series) < lag + 2:
        return missing("too_short")
    if is_flat(series):
        return missing("constant")
    mean = sum(series) / len(series)
    around = [value - mean for value in series]
    together = sum(before * after for before, after in zip(around, around[lag:], strict=False))
    return found(together / sum(value * value for value in around))


def power(sizes: Sequence[float], values: Sequence[float]) -> Measure:
    """The exponent of `values ~ sizes ** exponent`; values that are no number or not above 0 are left out."""
    points = [(log(size), log(value)) for size, value in zip(sizes, values, strict=True) if value > 0.0]
    exponent = slope([x for x, _ in points], [y for _, y in points])
    return missing("no_scaling") if exponent is None else found(exponent)
