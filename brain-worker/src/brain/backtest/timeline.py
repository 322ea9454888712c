"""Several series on one line of time: a place on it is a close, at which some of the symbols have a bar."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from heapq import merge
from itertools import groupby
from operator import itemgetter

from brain.backtest.plan import open_times
from brain.bar import Bar
from brain.bars import Bars

Together = list[tuple[str, Bar]]
"""Bars that close at the same time, by symbol."""


class Timeline:
    """`open_ms` of every place, ascending; a symbol may begin, pause and end when it likes."""

    def __init__(self, series: Mapping[str, Sequence[Bar]]) -> None:
        self.series = {symbol: Bars.of(bars) for symbol, bars in sorted(series.items())}
        self.open_ms = open_times(self.series)

    def __len__(self) -> int:
        return len(self.open_ms)

    def place(self, open_ms: int) -> int:
        """How many closes are before this one."""
        return bisect_left(self.open_ms, open_ms)

    def span(self, symbol: str, begin: int, end: int) -> slice:
        """Its bars within the places from `begin` to `end`."""
        series = self.series[symbol]
        if len(series) == len(self):
            return slice(begin, end)
        first, last = (series.place(self.open_ms[at]) if at < len(self) else len(series) for at in (begin, end))
        return slice(first, last)

    def marks(self, symbol: str, begin: int, end: int) -> list[float]:
        """Its newest close at each place from `begin` to `end`; it has had one by then."""
        series, span = self.series[symbol], self.span(symbol, begin, end)
        if span.stop - span.start == end - begin:
            return series.close[span]
        return [series.close[bisect_right(series.open_time_ms, at) - 1] for at in self.open_ms[begin:end]]

    def newest(self, place: int) -> Iterator[tuple[str, Bar, Bar | None]]:
        """Each symbol's newest bar as of a place, and the one before it; by symbol."""
        at_ms = self.open_ms[place]
        for symbol, series in self.series.items():
            at = bisect_right(series.open_time_ms, at_ms) - 1
            if at >= 0:
                yield symbol, series[at], series[at - 1] if at else None

    def closes(self) -> Iterator[tuple[int, Together]]:
        """All places one after the other, with their open time; made as they are asked for, since keeping them costs more."""
        if len(self.series) == 1:
            [(only, alone)] = self.series.items()
            for bar in alone:
                yield bar.open_time_ms, [(only, bar)]
            return
        rows = merge(*(_rows(symbol, bars) for symbol, bars in self.series.items()))
        for open_ms, together in groupby(rows, key=itemgetter(0)):
            yield open_ms, [(symbol, bar) for _, symbol, bar in together]


def _rows(symbol: str, bars: Bars) -> Iterator[tuple[int, str, Bar]]:
    for bar in bars:
        yield bar.open_time_ms, symbol, bar
