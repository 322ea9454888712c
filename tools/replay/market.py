"""A market: the instruments of one venue, their series, and the bar closes that its clock steps through."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tools.replay.bar import INTERVALS_MS, Bar
from tools.replay.errors import DatasetError, Refusal
from tools.replay.instrument import Instrument
from tools.replay.series import RecordedSeries, Series

SeriesKey = tuple[str, str]
"""(symbol, interval)"""


@dataclass(frozen=True)
class Market:
    """One venue. `play_from_ms` is the market time before the first step; `closes` are the times after each step.

    What closed by `play_from_ms` is history, there from the start so that indicators warm up.
    """

    venue: str
    instruments: Mapping[str, Instrument]
    series: Mapping[SeriesKey, Series]
    play_from_ms: int
    closes: Sequence[int]
    refusals: tuple[Refusal, ...] = ()
    refused: int = 0
    notes: tuple[str, ...] = field(default=())

    def finest(self, symbol: str) -> Series:
        """The series of the symbol's shortest interval; it is the one that depth follows."""
        return self.series[symbol, self.instruments[symbol].intervals[0]]

    def closed(self, key: SeriesKey, market_ms: int, start_ms: int, end_ms: int | None, limit: int) -> Sequence[Bar]:
        """At most `limit` bars that have closed at `market_ms`, ascending, with start_ms <= open_time_ms < end_ms."""
        series = self.series[key]
        closed_end = market_ms - series.interval_ms + 1
        return series.window(start_ms, closed_end if end_ms is None else min(end_ms, closed_end), limit)


def recorded_market(
    venue: str,
    instruments: Iterable[Instrument],
    series: Mapping[SeriesKey, RecordedSeries],
    play_from_ms: int,
    *,
    refusals: Sequence[Refusal] = (),
    refused: int = 0,
    notes: Sequence[str] = (),
) -> Market:
    """A market whose clock steps through the union of its bar closes after `play_from_ms`.

    Raises DatasetError when nothing is left to play.
    """
    closes = sorted({close for one in series.values() for close in one.closes() if close > play_from_ms})
    if not closes:
        raise DatasetError(f"venue {venue}: no bar closes after {play_from_ms}; give it later bars or start it earlier")
    listed = {instrument.symbol: instrument for instrument in sorted(instruments, key=lambda one: one.symbol)}
    return Market(venue, listed, series, play_from_ms, closes, tuple(refusals), refused, tuple(notes))


def by_length(intervals: Iterable[str]) -> tuple[str, ...]:
    """Interval names, shortest first."""
    return tuple(sorted(intervals, key=INTERVALS_MS.__getitem__))
