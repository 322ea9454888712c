"""How sure it is that a Sharpe ratio is more than luck, given how long it was watched and how many others were tried.

Sources: D. H. Bailey and M. López de Prado, The Sharpe Ratio Efficient Frontier, Journal of Risk (2012), and The
Deflated Sharpe Ratio, Journal of Portfolio Management (2014). All Sharpe ratios here are of one bar, not annualised.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Final, NamedTuple

from brain.backtest.metrics.undefined import UndefinedError, deviation, mean
from shared.errors import Invalid

_NORMAL: Final = NormalDist()
_EULER: Final = 0.5772156649015329
"""Euler and Mascheroni's constant."""


class Moments(NamedTuple):
    """What is known of a run's returns: Sharpe ratio of one bar, skewness (0 if normal), kurtosis (3 if normal), bars."""

    sharpe: float
    skew: float
    kurtosis: float
    bars: int


def moments(returns: Sequence[float]) -> Moments:
    """Of simple returns, one a bar: mean over sample deviation; third and fourth standardised moment, not corrected for
    bias. UndefinedError for fewer than two, or where they do not vary.
    """
    spread = deviation(returns, "returns")
    if spread == 0.0:
        raise UndefinedError("the returns do not vary")
    middle = mean(returns, "returns")
    squares = [(value - middle) * (value - middle) for value in returns]
    variance = mean(squares, "returns")
    third = mean([square * (value - middle) for square, value in zip(squares, returns, strict=True)], "returns")
    fourth = mean([square * square for square in squares], "returns")
    return Moments(middle / spread, third / variance**1.5, fourth / (variance * variance), len(returns))


def probabilistic_sharpe(run: Moments, benchmark: float = 0.0) -> float:
    """Probability, 0..1, that the true Sharpe ratio of the run is above `benchmark`, both of one bar.

    `cdf((sharpe - benchmark) * sqrt(bars - 1) / sqrt(1 - skew * sharpe + (kurtosis - 1) / 4 * sharpe ** 2))`
    """
    if run.bars < 2:
        raise Invalid.field("bars", run.bars, "must be at least 2", "give the moments of two returns or more")
    width = 1.0 - run.skew * run.sharpe + (run.kurtosis - 1.0) / 4.0 * run.sharpe * run.sharpe
    if not width > 0.0:
        raise UndefinedError("the estimate of the Sharpe ratio has no spread")
    return _NORMAL.cdf((run.sharpe - benchmark) * math.sqrt(run.bars - 1) / math.sqrt(width))


def expected_maximum(variance: float, trials: float) -> float:
    """The best Sharpe ratio to be expected of `trials` independent tries of no skill, whose ratios have that variance.

    `sqrt(variance) * ((1 - g) * z(1 - 1 / trials) + g * z(1 - 1 / (trials * e)))`, z the inverse normal distribution and
    g Euler's constant; 0 for a single one. Trials need not be whole: they may be estimated from clusters.
    """
    if not 0.0 <= variance < math.inf:
        raise Invalid.field("variance", variance, "must be finite and at least 0", "give that of the trials' Sharpes")
    if not 1.0 <= trials < 1e300:
        raise Invalid.field(
            "trials", trials, "must be at least 1 and below 1e300", "count every try, also the discarded"
        )
    if trials == 1.0:
        return 0.0
    # z(1 - p) is -z(p), which keeps its digits however small p is
    likely, rare = -_NORMAL.inv_cdf(1.0 / trials), -_NORMAL.inv_cdf(1.0 / (trials * math.e))
    return math.sqrt(variance) * ((1.0 - _EULER) * likely + _EULER * rare)


def deflated_sharpe(chosen: Moments, sharpes: Sequence[float], trials: float | None = None) -> float:
    """Probability, 0..1, that the chosen run is better than the best of as many lucky ones: above 0.95 is customary.

    `sharpes` are those of every run tried, the chosen one too, of one bar. `trials` is how many of them were independent
    where that is known; all, if not: the strictest reading. Invalid for no runs or fewer runs than trials.
    """
    if not sharpes or not all(map(math.isfinite, sharpes)):
        raise Invalid.field(
            "sharpes", list(sharpes[:3]), "must be finite, one at least", "give every run that was tried"
        )
    count = float(len(sharpes)) if trials is None else trials
    if count > len(sharpes):
        rule = f"must be at most the number of sharpes, {len(sharpes)}"
        raise Invalid.field("trials", trials, rule, "give the Sharpe ratio of every run that was tried")
    variance = deviation(sharpes, "sharpes", 0.0) ** 2 if len(sharpes) > 1 else 0.0
    return probabilistic_sharpe(chosen, expected_maximum(variance, count))
