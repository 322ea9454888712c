"""All measures of one price series, and the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

from brain.dream.dimension import correlation_dimension, deviation, radii
from brain.dream.entropy import missing_patterns, patterns, permutation_entropy, sample_entropy
from brain.dream.hurst import dfa, hurst, scales
from brain.dream.kernel import Kernel
from brain.dream.lyapunov import lyapunov
from brain.dream.measure import Measure, autocorrelation
from brain.dream.params import DEFAULT, Params
from brain.dream.recurrence import recurrence
from brain.dream.returns import log_returns, normal_scores
from brain.dream.verdict import Verdict, verdict
from shared.errors import Invalid
from shared.model import Model

MIN_POINTS = 32
MAX_POINTS = 1024
"""The cost grows with the square: 1024 prices take four times as long as 512."""
_NUMBERS = frozenset((int, float))


class Panel(Model):
    """What was measured, by name, and what it comes to."""

    points: int
    measures: dict[str, Measure]
    verdict: Verdict


def panel(prices: Sequence[float], kernel: Kernel, params: Params = DEFAULT) -> Panel:
    """The whole panel on 32 to 1024 prices, oldest first; `Invalid` for one that is not finite or not above 0.

    Every measure looks at the normal scores of the log returns, so only at the order of the returns, in size and in
    time. What cannot be computed is None with a reason: of a constant price, or one that ever grows alike, all is.
    """
    scores = normal_scores(log_returns(checked(prices)))
    measures = measured(scores, kernel, params)
    return Panel.model_construct(
        points=len(prices), measures=measures, verdict=verdict(measures, len(prices), params == DEFAULT)
    )


def checked(prices: Any) -> Sequence[float]:
    """`Invalid` where they are too few, too many, or one is no price."""
    if not isinstance(prices, list | tuple):
        raise Invalid.field("prices", prices, "must be a list of numbers, oldest first")
    if not MIN_POINTS <= len(prices) <= MAX_POINTS:
        remedy = "send more" if len(prices) < MIN_POINTS else "send the newest of them"
        raise Invalid.field("prices", len(prices), f"must be {MIN_POINTS} to {MAX_POINTS} of them", remedy)
    for at, price in enumerate(prices):
        if type(price) not in _NUMBERS or not isfinite(price) or price <= 0:
            raise Invalid.field(f"prices.{at}", price, "must be a finite number above 0", "leave the bar out")
    return prices


def measured(scores: Sequence[float], kernel: Kernel, params: Params) -> dict[str, Measure]:
    """All measures of a series of at least two values, whatever it is."""
    lag, unit, sizes = params.lag, deviation(scores), scales(len(scores))
    seen = patterns(scores, params.pattern_order, lag) if unit else None
    ring = radii(scores, params.dimension_least, params.dimension_most)
    again = recurrence(
        scores, kernel, params.recurrence_dim, lag, params.recurrence_radius * unit, params.recurrence_line
    )
    flat = Measure(value=None, reason="constant")
    return {
        "autocorrelation": autocorrelation(scores, lag),
        "lyapunov": lyapunov(scores, kernel, params.lyapunov_dim, lag, params.lyapunov_apart, params.lyapunov_steps),
        "hurst": hurst(scores, kernel, sizes),
        "dfa": dfa(scores, kernel, sizes),
        "correlation_dimension": correlation_dimension(scores, kernel, params.dimension_dim, lag, ring),
        "sample_entropy": sample_entropy(scores, kernel, params.entropy_dim, lag, params.entropy_tolerance * unit),
        "permutation_entropy": permutation_entropy(seen, params.pattern_order) if seen else flat,
        "missing_patterns": missing_patterns(seen, params.pattern_order) if seen else flat,
        "recurrence_rate": again.rate,
        "determinism": again.determinism,
    }
