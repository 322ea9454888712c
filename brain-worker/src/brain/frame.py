"""Longer bars out of shorter ones, without any way to see the end of one that has not closed."""

from __future__ import annotations

from typing import Any

from brain.bar import Bar
from brain.feed import Feed


class Frame:
    """Bars `bars` times as long, aligned to multiples of their length in UTC. `bar` is the newest that has closed, or None.

    A long bar closes with the short bar that ends where it ends; where that one is missing, with the first that opens after
    it: only then is it known that nothing more belongs to it. The first long bar is left out when its beginning was not seen.
    """

    __slots__ = ("_open_ms", "_parts", "_short_ms", "_whole", "bar", "bars", "feed", "ms")

    def __init__(self, bars: int, short_ms: int) -> None:
        if bars < 2:
            raise ValueError(f"a frame of {bars} bars must be of 2 or more")
        self.bars = bars
        self.ms = bars * short_ms
        self.bar: Bar | None = None
        self.feed = Feed()
        self._short_ms = short_ms
        self._open_ms = -1
        self._whole = False
        self._parts: list[float] = []

    def take(self, short: Bar) -> bool:
        """Whether a long bar has closed with it, or before it."""
        start = short.open_time_ms - short.open_time_ms % self.ms
        closed = False
        if self._parts and start != self._open_ms:
            closed = self._close()
        if not self._parts:
            self._whole = self._open_ms >= 0 or start == short.open_time_ms
            self._open_ms = start
            self._parts = [short.open, short.high, short.low, short.close, short.volume]
        else:
            parts = self._parts
            parts[1] = max(parts[1], short.high)
            parts[2] = min(parts[2], short.low)
            parts[3] = short.close
            parts[4] += short.volume
        if short.open_time_ms + self._short_ms == start + self.ms:
            closed = self._close() or closed
        return closed

    def _close(self) -> bool:
        if self._whole:
            self.bar = Bar(self._open_ms, *self._parts)
            self.feed.take(self.bar)
        self._parts = []
        return self._whole

    def state(self) -> list[Any]:
        """`[newest closed bar, open time, whole, parts, indicators]`."""
        return [self.bar and list(self.bar), self._open_ms, self._whole, list(self._parts), self.feed.state()]

    def restore(self, state: list[Any]) -> None:
        """ValueError, TypeError or LookupError for a state that does not fit."""
        bar, open_ms, whole, parts, fed = state
        if type(open_ms) is not int or type(whole) is not bool or len(parts) not in (0, 5):
            raise ValueError("not the state of a frame")
        self.bar = None if bar is None else Bar(int(bar[0]), *map(float, bar[1:]))
        self._open_ms, self._whole, self._parts = open_ms, whole, [float(part) for part in parts]
        self.feed.restore(fed)
