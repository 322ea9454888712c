"""The worst bars."""

from __future__ import annotations

import math
from collections.abc import Sequence

from brain.backtest.metrics.undefined import UndefinedError

WORST_PERCENT = 5
"""The confidence is 95 %."""
_LEAST = 100 // WORST_PERCENT


def worst(returns: Sequence[float]) -> list[float]:
    """Returns in rising order; UndefinedError for fewer than 20, whose worst 5 % is less than one return."""
    if len(returns) < _LEAST:
        raise UndefinedError(f"fewer than {_LEAST} returns")
    return sorted(returns)


def value_at_risk(rising: Sequence[float]) -> float:
    """Historical VaR at 95 %: the loss of a bar, a fraction, that 5 % of the bars reach; below 0 where it is a gain.

    The 5th percentile with its sign turned, interpolated linearly between the two returns next to it (Hyndman and Fan
    1996, definition 7). `rising` is sorted.
    """
    below, rest = divmod((len(rising) - 1) * WORST_PERCENT, 100)
    low = rising[below]
    high = rising[below + 1] if rest else low
    return 0.0 - (low + (high - low) * (rest / 100))


def expected_shortfall(rising: Sequence[float]) -> float:
    """Historical CVaR at 95 %: the mean loss of the bars at or beyond the VaR, a fraction. `rising` is sorted.

    Source: R. T. Rockafellar and S. Uryasev, Optimization of Conditional Value-at-Risk, Journal of Risk (2000).
    """
    count = (len(rising) - 1) * WORST_PERCENT // 100 + 1
    return 0.0 - math.fsum(rising[:count]) / count
