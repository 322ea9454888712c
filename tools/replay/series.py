"""A series: the bars of one instrument at one interval, in rising order of open time."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from tools.replay.bar import Bar


class Latest(NamedTuple):
    """The last closed bar, and how many bars have closed up to and including it."""

    closed: int
    bar: Bar


class Series(Protocol):
    """What the server asks of a series; recorded ones hold their bars, generated ones make them when asked."""

    @property
    def interval_ms(self) -> int:
        """The length of a bar."""

    @property
    def first_ms(self) -> int:
        """The open time of the first bar."""

    def window(self, start_ms: int, end_ms: int, limit: int) -> Sequence[Bar]:
        """At most `limit` bars, ascending, with start_ms <= open_time_ms < end_ms."""

    def latest(self, market_ms: int) -> Latest | None:
        """The last bar that has closed at `market_ms`; None before the first has."""


class RecordedSeries:
    """Bars held in memory."""

    def __init__(self, interval_ms: int, bars: Iterable[Bar]) -> None:
        """Raises ValueError when there is no bar, or when open times do not rise."""
        self.interval_ms = interval_ms
        self.bars = tuple(bars)
        self._opens = [bar.open_time_ms for bar in self.bars]
        if not self.bars:
            raise ValueError("a series needs at least one bar; leave the symbol out instead")
        for before, after in zip(self._opens, self._opens[1:], strict=False):
            if after <= before:
                raise ValueError(f"open_time_ms {after} does not follow {before}; sort and deduplicate the bars first")

    @property
    def first_ms(self) -> int:
        """The open time of the first bar."""
        return self._opens[0]

    def window(self, start_ms: int, end_ms: int, limit: int) -> Sequence[Bar]:
        """At most `limit` bars, ascending, with start_ms <= open_time_ms < end_ms."""
        low = bisect_left(self._opens, start_ms)
        high = bisect_left(self._opens, end_ms, lo=low) if end_ms > start_ms else low
        return self.bars[low : min(high, low + limit)]

    def latest(self, market_ms: int) -> Latest | None:
        """The last bar that has closed at `market_ms`; None before the first has."""
        count = bisect_right(self._opens, market_ms - self.interval_ms)
        return Latest(count, self.bars[count - 1]) if count else None

    def closes(self) -> list[int]:
        """The close time of every bar, ascending."""
        return [open_ms + self.interval_ms for open_ms in self._opens]
