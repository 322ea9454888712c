"""Where a formula has no answer."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

NOISE = 1e-14
"""A return is a ratio near 1, rounded to about 2e-16, less 1: a spread below this is rounding and nothing else."""


class UndefinedError(ArithmeticError):
    """There is no such number for this run; the text says why. `metrics` turns it into None and that reason."""


def settled(formula: Callable[[], float]) -> tuple[float | None, str]:
    """The finite number and no reason, or None and the reason: never infinite, never NaN."""
    try:
        value = formula()
    except UndefinedError as error:
        return None, str(error)
    except ArithmeticError:
        return None, "too large or too small to count with"
    return (value, "") if math.isfinite(value) else (None, "too large or too small to count with")


def mean(values: Sequence[float], what: str) -> float:
    """Arithmetic mean; UndefinedError if there are none, told in the words of `what`."""
    if not values:
        raise UndefinedError(f"no {what}")
    return math.fsum(values) / len(values)


def deviation(values: Sequence[float], what: str, noise: float = NOISE) -> float:
    """Sample standard deviation (n - 1); 0 where they spread by at most `noise`; UndefinedError for fewer than two."""
    count = len(values)
    if count < 2:
        raise UndefinedError(f"fewer than two {what}")
    if max(values) - min(values) <= noise:
        return 0.0
    middle = math.fsum(values) / count
    return math.sqrt(math.fsum([(value - middle) * (value - middle) for value in values]) / (count - 1))
