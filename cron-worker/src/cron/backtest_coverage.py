"""How much of what a backtest asked for the archive held, by the rule by which gaps are found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from shared.backtest import BacktestOrder
from shared.coverage import Coverage, SymbolCoverage
from shared.market.gaps import expected
from shared.model import Interval

MAX_HOLES = 5
NEWEST_BARS = 2
"""A span that ends so few bars after all that is archived reaches to the present: the newest bar is open, or on its way."""
CLOSED_MS = 4 * 86_400_000
"""Where there are sessions, a long weekend may lie there instead."""


class Known(NamedTuple):
    """What the archive knows: the part of the span that was read, the open times in it that any symbol of the venue has,
    ascending, and the venue's calendar, None where it is not configured."""

    from_ms: int
    to_ms: int
    opens: Sequence[int]
    calendar: str | None


class Kept(NamedTuple):
    """Of one symbol: open times of its bars in the span, those of its first and last bar in the archive (None where it has
    none), and when it was listed."""

    times_ms: Sequence[int]
    archived: tuple[int, int] | None
    listed_ms: int


def coverage(order: BacktestOrder, kept: Mapping[str, Kept], known: Known) -> Coverage:
    """Of every symbol in `kept`."""
    step = order.interval.ms
    from_ms, to_ms = -(-order.span.from_ms // step) * step, order.span.to_ms // step * step
    found = {symbol: _of(each, order.interval, from_ms, to_ms, known) for symbol, each in sorted(kept.items())}
    return Coverage(from_ms=order.span.from_ms, to_ms=order.span.to_ms, symbols=found)


def _of(kept: Kept, interval: Interval, from_ms: int, to_ms: int, known: Known) -> SymbolCoverage:
    times, step = kept.times_ms, interval.ms
    start_ms = max(from_ms, -(-kept.listed_ms // step) * step)
    late = early = True
    holes: list[Sequence[int]] = []
    if kept.archived is not None:
        first_ms, last_ms = kept.archived
        # bars from before the listing show that the listing's time is not the true one
        start_ms = max(from_ms, min(start_ms, first_ms))
        late = first_ms > start_ms and _traded(interval, start_ms, first_ms - step, known)
        early = last_ms < to_ms and _ended(interval, last_ms, to_ms, known)
        # where it is archived before and after, a bar that others have is a hole
        before_ms, after_ms = max(start_ms, first_ms) - step, min(to_ms, last_ms) + step
        holes = _holes(interval, (before_ms, *times, after_ms), known)
    return SymbolCoverage(
        bars=len(times),
        first_ms=times[0] if times else None,
        last_ms=times[-1] if times else None,
        listed_ms=kept.listed_ms if start_ms > from_ms else None,
        starts_late=late,
        ends_early=early,
        missing=None if known.calendar is None or kept.archived is None else sum(map(len, holes)),
        holes=tuple((each[0], each[-1]) for each in holes[:MAX_HOLES]),
    )


def _ended(interval: Interval, last_ms: int, to_ms: int, known: Known) -> bool:
    """Whether bars lack after the last one: others have them, or the span ends later than the present can explain."""
    newest_ms = NEWEST_BARS * interval.ms
    if known.calendar == "session":
        newest_ms = max(newest_ms, CLOSED_MS)
    return to_ms - known.to_ms > newest_ms or _traded(interval, last_ms + interval.ms, min(to_ms, known.to_ms), known)


def _traded(interval: Interval, from_ms: int, to_ms: int, known: Known) -> bool:
    """Whether a bar may be missing in [from_ms, to_ms]: the calendar is only known within what was read."""
    if known.calendar is None or from_ms < known.from_ms or to_ms > known.to_ms:
        return True
    return len(expected(known.calendar, interval, from_ms, to_ms, known.opens)) > 0


def _holes(interval: Interval, times_ms: Sequence[int], known: Known) -> list[Sequence[int]]:
    """The open times that are missing between each two of `times_ms`, where there are any."""
    if known.calendar is None:
        return []
    step = interval.ms
    apart = ((before, after) for before, after in pairwise(times_ms) if after - before > step)
    between = [expected(known.calendar, interval, a + step, b - step, known.opens) for a, b in apart]
    return [each for each in between if each]
