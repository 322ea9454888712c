"""How long a year is, in bars and in time."""

from __future__ import annotations

import math
from collections.abc import Sequence

from shared.errors import Invalid

YEAR_MS = 365 * 86_400_000
"""Markets that never close: every day counts, and leap days are left out."""


def bars_per_year(interval_ms: int, periods_per_year: float | None = None) -> float:
    """`periods_per_year` where it is given (252 for daily bars of an exchange that closes), else 365 days of bars.

    Invalid if either is not above 0.
    """
    if interval_ms <= 0:
        raise Invalid.field("interval_ms", interval_ms, "must be above 0", "give the length of a bar")
    if periods_per_year is None:
        return YEAR_MS / interval_ms
    if not 0.0 < periods_per_year < math.inf:
        rule = "must be finite and above 0"
        raise Invalid.field("periods_per_year", periods_per_year, rule, "give the bars in a year, such as 252")
    return periods_per_year


def years(times_ms: Sequence[int], periods_per_year: float | None = None) -> float:
    """From the first close to the last: by the clock, so that gaps count, or by bars where a year is counted in them."""
    if periods_per_year is None:
        return (times_ms[-1] - times_ms[0]) / YEAR_MS
    return (len(times_ms) - 1) / periods_per_year
