"""Which bars are missing, and what becomes of a gap that was asked about again."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Sequence
from typing import Literal, NamedTuple

from shared.model import Interval

MAX_ATTEMPTS = 3
"""Asked for again that many times; after that the venue is believed that there is nothing."""

State = Literal["open", "filled", "empty"]


class Gap(NamedTuple):
    """Bars of one symbol, open times `from_ms` to `to_ms` both included, that should be there and are not."""

    symbol: str
    from_ms: int
    to_ms: int
    attempts: int = 0
    state: State = "open"


def expected(calendar: str, interval: Interval, from_ms: int, to_ms: int, others: Sequence[int]) -> Sequence[int]:
    """The open times a symbol should have in [from_ms, to_ms], ascending; `from_ms` lies on the grid.

    `continuous`: every step of the interval. `session`: those of `others`, the ascending open times that any symbol of
    the venue has.
    """
    if calendar == "continuous":
        return range(from_ms, to_ms + 1, interval.ms)
    return others[bisect_left(others, from_ms) : bisect_right(others, to_ms)]


def find(symbol: str, expected_ms: Iterable[int], have_ms: Collection[int], attempts: int = 0) -> list[Gap]:
    """The missing open times as ranges; a bar that nobody expected does not break one. `have_ms` is a set or a dict."""
    found: list[Gap] = []
    missing: list[int] = []
    for at_ms in expected_ms:
        if at_ms not in have_ms:
            missing.append(at_ms)
        elif missing:
            found.append(Gap(symbol, missing[0], missing[-1], attempts))
            missing = []
    if missing:
        found.append(Gap(symbol, missing[0], missing[-1], attempts))
    return found


def outcome(gap: Gap, expected_ms: Sequence[int], got_ms: Collection[int]) -> list[Gap]:
    """The rows that stand for `gap` after one more try: filled, what is left of it open, or given up as empty.

    A row is known by symbol and `from_ms`; the answer holds one for `gap.from_ms` always.
    """
    attempts = gap.attempts + 1
    # Both ends were found missing once, whatever is known today of what lies between.
    wanted = sorted({*expected_ms, gap.from_ms, gap.to_ms})
    left = find(gap.symbol, wanted, got_ms, attempts)
    if attempts >= MAX_ATTEMPTS:
        left = [each._replace(state="empty") for each in left]
    if not left or left[0].from_ms != gap.from_ms:
        before = [at_ms for at_ms in wanted if not left or at_ms < left[0].from_ms]
        left.insert(0, gap._replace(to_ms=before[-1], attempts=attempts, state="filled"))
    return left
