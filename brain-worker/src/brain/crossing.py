"""Where two averages of a column may cross, found over the whole column at once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, islice, repeat
from operator import gt, lt, mul, sub

from brain.ideas import SAME

UNIT = 2.0**-53
"""Relative error of one rounding."""


def crossings(prices: Sequence[float], fast: int, slow: int, start: int) -> list[int]:
    """Places from `start` (at least `slow` - 1) on where the simple average of the last `fast` of `prices`, all above 0, may
    stand on another side of that of the last `slow` than at the place before; `start` itself, and every place where the
    two are too close to tell. Some of them may be none, none is missed.

    The averages come from running sums, whose rounding is bounded (Higham, Accuracy and Stability of Numerical
    Algorithms, 2002, 4.2): below that bound nothing is told.
    """
    count = len(prices)
    if count <= start:
        return []
    sums = [0.0, *accumulate(prices)]
    share = slow / fast
    # in units of the slow sum; prices that a strategy calls the same are too close as well
    bound = (2 * count + 4) * (share + 1.0) * UNIT * sums[-1] + 2.0 * SAME * slow * max(prices)
    of_fast = map(sub, islice(sums, start + 1, None), islice(sums, start + 1 - fast, None))
    of_slow = map(sub, islice(sums, start + 1, None), islice(sums, start + 1 - slow, None))
    gaps = list(map(sub, map(mul, of_fast, repeat(share)), of_slow))
    above = bytes(map(gt, gaps, repeat(bound)))
    below = bytes(map(lt, gaps, repeat(-bound)))
    places = {0, *_changes(above), *_changes(below)}
    if above.count(1) + below.count(1) < len(gaps):
        places.update(at for at, gap in enumerate(gaps) if -bound <= gap <= bound)
    return [start + at for at in sorted(places)]


def _changes(flags: bytes) -> list[int]:
    """Where a flag differs from the one before it."""
    found: list[int] = []
    at, now = 0, flags[0]
    while (at := flags.find(1 - now, at)) >= 0:
        found.append(at)
        now = 1 - now
    return found
