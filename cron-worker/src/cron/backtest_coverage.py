"""How much of what a backtest asked for the archive held, by the rule by which gaps are found."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, pairwise
from typing import NamedTuple

from shared.backtest import BacktestOrder
from shared.coverage import Coverage, SymbolCoverage
from shared.market.gaps import expected
from shared.model import Interval

DAY_MS = 86_400_000
MAX_HOLES = 5
NEWEST_BARS = 2
"""A span that ends so few bars after all that is archived reaches to the present: the newest bar is open, or on its way."""
CLOSED_MS = 5 * DAY_MS
"""Where there are sessions, closed days may lie there instead: from Thursday to Tuesday, over Easter."""


class Known(NamedTuple):
    """What the archive knows: the part of the span that was read, the open times in it that any symbol of the venue has,
    ascending, the venue's calendar, None where it is not configured, its newest open time, and the stretches in which two
    or more of its symbols are archived."""

    from_ms: int
    to_ms: int
    opens: Sequence[int]
    calendar: str | None
    newest_ms: int
    several: Sequence[tuple[int, int]]


class Gap(NamedTuple):
    """Between two bars: the bars that lack there, none where all of it was closed, the stretch they lack in, and whether
    there may be more."""

    lacking: Sequence[int]
    hole: tuple[int, int] | None
    unsure: bool


class Kept(NamedTuple):
    """Of one symbol: open times of its bars in the span, those of its first and last bar in the archive (None where it has
    none), and when it was listed."""

    times_ms: Sequence[int]
    archived: tuple[int, int] | None
    listed_ms: int


def several(marks: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The stretches, ascending and apart, that two or more of `marks` (first and last open time of a symbol) have in common:
    only there are the bars of one measured by those of another."""
    found: list[tuple[int, int]] = []
    reached_ms = -1
    for first_ms, last_ms in sorted(marks):
        end_ms = min(last_ms, reached_ms)
        if found and first_ms <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end_ms))
        elif first_ms <= end_ms:
            found.append((first_ms, end_ms))
        reached_ms = max(reached_ms, last_ms)
    return found


def coverage(order: BacktestOrder, kept: Mapping[str, Kept], known: Known) -> Coverage:
    """Of every symbol in `kept`."""
    step = order.interval.ms
    from_ms, to_ms = -(-order.span.from_ms // step) * step, order.span.to_ms // step * step
    found = {symbol: _of(each, order.interval, from_ms, to_ms, known) for symbol, each in sorted(kept.items())}
    return Coverage(from_ms=order.span.from_ms, to_ms=order.span.to_ms, symbols=found)


def _of(kept: Kept, interval: Interval, from_ms: int, to_ms: int, known: Known) -> SymbolCoverage:
    times, step = kept.times_ms, interval.ms
    start_ms = _start(kept, interval, from_ms)
    late = early = True
    gaps: list[Gap] = []
    if kept.archived is not None:
        first_ms, last_ms = kept.archived
        late = first_ms > start_ms and _traded(interval, start_ms, first_ms - step, known)
        early = last_ms < to_ms and _ended(interval, max(last_ms, from_ms - step), to_ms, known)
        # where it is archived before and after, a bar that others have is missing
        before_ms, after_ms = max(start_ms, first_ms) - step, min(to_ms, last_ms) + step
        gaps = _gaps(interval, (before_ms, *times, after_ms), known)
    unknown = known.calendar is None or kept.archived is None or any(gap.unsure for gap in gaps)
    holes = [gap.hole for gap in gaps if gap.hole is not None]
    return SymbolCoverage(
        bars=len(times),
        first_ms=times[0] if times else None,
        last_ms=times[-1] if times else None,
        listed_ms=kept.listed_ms if start_ms > from_ms else None,
        starts_late=late,
        ends_early=early,
        missing=None if unknown else sum(len(gap.lacking) for gap in gaps),
        holes=tuple(holes[:MAX_HOLES]),
    )


def _start(kept: Kept, interval: Interval, from_ms: int) -> int:
    """Where its bars should begin: at its listing, unless bars from before that day show that it is not the true one."""
    step = interval.ms
    start_ms = max(from_ms, -(-kept.listed_ms // step) * step)
    if kept.archived is None:
        return start_ms
    first_ms = kept.archived[0]
    if first_ms < kept.listed_ms // DAY_MS * DAY_MS:
        return from_ms
    return max(from_ms, min(start_ms, first_ms))


def _ended(interval: Interval, last_ms: int, to_ms: int, known: Known) -> bool:
    """Whether bars lack after the last one: others have them, or the span ends later than the present can explain."""
    newest_ms = _closed_ms(interval) if known.calendar == "session" else NEWEST_BARS * interval.ms
    if to_ms - known.newest_ms > newest_ms:
        return True
    return _traded(interval, last_ms + interval.ms, min(to_ms, known.newest_ms), known)


def _traded(interval: Interval, from_ms: int, to_ms: int, known: Known) -> bool:
    """Whether a bar may be missing in [from_ms, to_ms]: the calendar is only known within what was read."""
    if from_ms > to_ms:
        return False
    if known.calendar is None or from_ms < known.from_ms or to_ms > known.to_ms:
        return True
    return len(expected(known.calendar, interval, from_ms, to_ms, known.opens)) > 0


def _closed_ms(interval: Interval) -> int:
    """How far apart two bars may be where there are sessions and nobody has one in between."""
    return max(NEWEST_BARS * interval.ms, CLOSED_MS)


def _gaps(interval: Interval, times_ms: Sequence[int], known: Known) -> list[Gap]:
    """Between each two of `times_ms` that are not neighbours on the grid; none where the calendar is not known."""
    if known.calendar is None:
        return []
    found = _in_sessions if known.calendar == "session" else _around_the_clock
    apart = ((before, after) for before, after in pairwise(times_ms) if after - before > interval.ms)
    return [found(interval, before, after, known) for before, after in apart]


def _around_the_clock(interval: Interval, before_ms: int, after_ms: int, known: Known) -> Gap:
    lacking = expected("continuous", interval, before_ms + interval.ms, after_ms - interval.ms, known.opens)
    return Gap(lacking, (lacking[0], lacking[-1]) if lacking else None, unsure=False)


def _in_sessions(interval: Interval, before_ms: int, after_ms: int, known: Known) -> Gap:
    """No others that could have a bar there, or nobody's for longer than a venue is closed, tells nothing."""
    step = interval.ms
    first_ms, last_ms = before_ms + step, after_ms - step
    lacking = expected("session", interval, first_ms, last_ms, known.opens)
    within = pairwise((before_ms, *lacking, after_ms))
    silent = [(one + step, two - step) for one, two in within if two - one > _closed_ms(interval)]
    ends = sorted((*lacking, *chain.from_iterable(silent)))
    hole = (ends[0], ends[-1]) if ends else None
    return Gap(lacking, hole, unsure=bool(silent) or not _compared(known, first_ms, last_ms))


def _compared(known: Known, from_ms: int, to_ms: int) -> bool:
    at = bisect_right(known.several, from_ms, key=lambda stretch: stretch[0]) - 1
    return at >= 0 and known.several[at][1] >= to_ms
