"""Longer bars out of shorter ones, without any way to see the end of one that has not closed."""

from __future__ import annotations

from brain.bar import Bar
from brain.feed import COLUMNS, Feed
from brain.indicators.numbers import Numbers, all_finite, count_of, pack, unpack


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

    def state(self) -> str:
        """Where it stands, packed."""
        numbers: list[float] = []
        self.keep(numbers)
        return pack(numbers)

    def restore(self, state: str) -> None:
        """ValueError, TypeError or LookupError for a state that does not fit."""
        numbers = unpack(state)
        if self.recall(numbers, 0) != len(numbers):
            raise ValueError("not the state of a frame: it is too long or too short")

    def keep(self, into: list[float]) -> None:
        """Appends open time, whether whole, the parts and the newest closed bar, each after its length, and the indicators."""
        bar = self.bar or ()
        into += (self._open_ms, self._whole, len(self._parts), *self._parts, len(bar), *bar)
        self.feed.keep(into)

    def recall(self, numbers: Numbers, at: int) -> int:
        """Reads what `keep` appended there; the place after it. Raises as `restore`."""
        open_ms, whole, parts = numbers[at : at + 3]
        middle = at + 3 + count_of("parts", parts, 5)
        start = middle + 1
        end = start + count_of("bar", numbers[middle], len(COLUMNS))
        found, bar = numbers[at + 3 : middle], numbers[start:end]
        fits = len(found) in (0, 5) and len(bar) in (0, len(COLUMNS)) and all_finite(numbers[at:end])
        if not fits or open_ms % 1.0 or sum(bar[:1]) % 1.0:
            raise ValueError("not the state of a frame")
        self._open_ms, self._whole, self._parts = int(open_ms), bool(count_of("whole", whole, 1)), found
        self.bar = Bar(int(bar[0]), *bar[1:]) if bar else None
        return self.feed.recall(numbers, end)
