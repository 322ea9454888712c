"""A whole series in columns: what a backtest runs over. Single bars are made when they are asked for."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import islice, starmap
from operator import truediv
from typing import overload

from brain.bar import Bar

CHUNK = 128
"""Bars whose extremes are looked at together."""


def is_jump(ratio: float, factor: float) -> bool:
    """Whether an open that is `ratio` times the close before it is `factor` times that or more, or that part of it or less."""
    return not 1.0 / factor < ratio < factor


class Bars(Sequence[Bar]):
    """Ascending bars of one symbol; each column is a list as long as the series, named as the field of `Bar`."""

    __slots__ = ("close", "high", "low", "open", "open_time_ms", "volume")

    def __init__(
        self,
        open_time_ms: list[int],
        open_: list[float],
        high: list[float],
        low: list[float],
        close: list[float],
        volume: list[float],
    ) -> None:
        self.open_time_ms = open_time_ms
        self.open = open_
        self.high = high
        self.low = low
        self.close = close
        self.volume = volume

    @classmethod
    def of(cls, bars: Sequence[Bar]) -> Bars:
        """The same bars in columns."""
        if isinstance(bars, Bars):
            return bars
        times, *prices = map(list, zip(*bars, strict=True)) if bars else ([], [], [], [], [], [])
        return cls(times, *prices)

    def columns(self) -> tuple[list[int], list[float], list[float], list[float], list[float], list[float]]:
        """In the order of `Bar`."""
        return self.open_time_ms, self.open, self.high, self.low, self.close, self.volume

    def __len__(self) -> int:
        return len(self.open_time_ms)

    def __iter__(self) -> Iterator[Bar]:
        return starmap(Bar, zip(*self.columns(), strict=True))

    @overload
    def __getitem__(self, at: int) -> Bar: ...
    @overload
    def __getitem__(self, at: slice) -> Bars: ...
    def __getitem__(self, at: int | slice) -> Bar | Bars:
        times, open_, high, low, close, volume = self.columns()
        if isinstance(at, slice):
            return Bars(times[at], open_[at], high[at], low[at], close[at], volume[at])
        return Bar(times[at], open_[at], high[at], low[at], close[at], volume[at])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(a == b for a, b in zip(self, other))  # noqa: B905 - equally long

    __hash__ = None  # type: ignore[assignment]

    def place(self, open_ms: int) -> int:
        """How many bars opened before `open_ms`: the place of the one that opened then, if there is one."""
        return bisect_left(self.open_time_ms, open_ms)

    def jumps(self, factor: float, end: int | None = None) -> list[int]:
        """Of the first `end` bars, or of all, the places of those whose open is a jump from the close before it."""
        ratios = list(map(truediv, islice(self.open, 1, end), self.close))
        if not ratios or not (is_jump(min(ratios), factor) or is_jump(max(ratios), factor)):
            return []
        return [at for at, ratio in enumerate(ratios, 1) if is_jump(ratio, factor)]

    def leaves(self, low: float, high: float, start: int, end: int) -> int:
        """The first place from `start` to `end` whose bar touches `low` or `high`, or leaves what is between; `end` for none."""
        lows, highs = self.low, self.high
        for chunk in range(start, end, CHUNK):
            stop = min(chunk + CHUNK, end)
            if min(lows[chunk:stop]) <= low or max(highs[chunk:stop]) >= high:
                return next(at for at in range(chunk, stop) if lows[at] <= low or highs[at] >= high)
        return end
