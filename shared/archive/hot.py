"""The hot window: the newest bars of all symbols of a venue in one KV value. It is only ever a cache of the archive.

Format 1: gzip JSON `{"v":1,"venue","interval","symbols":{SYMBOL:{"t":[open_time_ms…],"o":["1.5"…],"h","l","c","v"}}}`,
columns of equal length, ascending in time. `t` holds the first open time, then differences in whole intervals.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Mapping
from itertools import accumulate, pairwise, repeat
from typing import Any

from shared.archive.candles import Bars, CandleArchive
from shared.archive.ndjson import Row
from shared.errors import TooLarge
from shared.model import Interval

VERSION = 1
REACH = 2
"""A window of n bars may reach 2n intervals back: sessions have nights and weekends."""
_COLUMNS = ("o", "h", "l", "c", "v")


class Window:
    """Up to `bars` newest bars of each symbol, in memory."""

    def __init__(self, venue: str, interval: Interval, bars: int) -> None:
        self.venue = venue
        self.interval = interval
        self.limit = bars
        self.series: Bars = {}

    def add(self, rows: Iterable[Row]) -> None:
        """Puts bars in their places in time; one that is there already stays as it is. Older ones fall out."""
        touched: dict[str, bool] = {}
        for each in rows:
            series = self.series.setdefault(each.symbol, {})
            newest = next(reversed(series), -1)
            if series.setdefault(each.open_time_ms, each) is each and each.open_time_ms < newest:
                touched[each.symbol] = True
            else:
                touched.setdefault(each.symbol, False)
        for symbol, disordered in touched.items():
            series = self.series[symbol]
            if disordered:
                series = self.series[symbol] = dict(sorted(series.items()))
            for at_ms in list(series)[: max(0, len(series) - self.limit)]:
                del series[at_ms]

    def newest_ms(self, symbol: str) -> int | None:
        """Open time of the symbol's newest bar."""
        return next(reversed(self.series.get(symbol, {})), None)

    def oldest_ms(self, symbol: str) -> int | None:
        """Open time of the symbol's oldest bar."""
        return next(iter(self.series.get(symbol, {})), None)

    def open_times(self) -> list[int]:
        """Every open time that any symbol has, ascending."""
        return sorted({at_ms for series in self.series.values() for at_ms in series})

    def behind(self, watermarks_ms: Mapping[str, int]) -> int | None:
        """The earliest open time from which the window lacks archived bars; None when it is up to its watermarks.

        A delisted symbol's last bars may be years back: whatever is older than the window's reach is not hot.
        """
        horizon = max(watermarks_ms.values(), default=0) - REACH * self.limit * self.interval.ms
        lacking = []
        for symbol, mark in watermarks_ms.items():
            known = self.newest_ms(symbol)
            if mark > horizon and (known is None or known < mark):
                lacking.append(horizon if known is None else max(horizon, known + self.interval.ms))
        return min(lacking, default=None)

    def forget_lagging(self, watermarks_ms: Mapping[str, int]) -> None:
        """Drops every symbol that lacks archived bars."""
        for symbol, mark in watermarks_ms.items():
            known = self.newest_ms(symbol)
            if known is not None and known < mark:
                del self.series[symbol]

    def to_bytes(self) -> bytes:
        """Format 1; the same bars give the same bytes."""
        symbols = {symbol: self._columns(self.series[symbol]) for symbol in sorted(self.series) if self.series[symbol]}
        body = {"v": VERSION, "venue": self.venue, "interval": self.interval.value, "symbols": symbols}
        return gzip.compress(json.dumps(body, separators=(",", ":")).encode(), 3, mtime=0)

    def _columns(self, series: Mapping[int, Row]) -> dict[str, list[Any]]:
        rows = list(series.values())
        times = [rows[0].open_time_ms]
        step = self.interval.ms
        times += [(b.open_time_ms - a.open_time_ms) // step for a, b in pairwise(rows)]
        return {"t": times} | {name: [row[2 + i] for row in rows] for i, name in enumerate(_COLUMNS)}


def from_bytes(body: bytes | None, venue: str, interval: Interval, bars: int) -> Window:
    """The window that was packed; an empty one for None, another version or anything unreadable: it can be rebuilt."""
    window = Window(venue, interval, bars)
    if body is None:
        return window
    try:
        packed = json.loads(gzip.decompress(body))
        if packed["v"] != VERSION or packed["venue"] != venue or packed["interval"] != interval.value:
            return window
        for symbol, columns in packed["symbols"].items():
            window.series[symbol] = _series(symbol, columns, interval.ms, bars)
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError, AttributeError, IndexError):
        return Window(venue, interval, bars)
    return window


def _series(symbol: str, columns: Mapping[str, list[Any]], step_ms: int, bars: int) -> dict[int, Row]:
    """The newest `bars` of one symbol; ValueError for columns of unequal length. Every cell is touched in C only."""
    first, *steps = columns["t"]
    times = list(accumulate((each * step_ms for each in steps), initial=first))
    cells = zip(repeat(symbol, len(times)), times, *(columns[name] for name in _COLUMNS), strict=True)
    series = dict(zip(times, map(Row._make, cells), strict=True))
    return series if len(series) <= bars else dict(list(series.items())[-bars:])


async def catch_up(window: Window, watermarks_ms: Mapping[str, int], archive: CandleArchive) -> int:
    """Brings a missing or stale window up to the watermarks from the archive; how many bars that took.

    Where that touches too many objects, the newest part that does not is taken, and no symbol keeps older bars behind
    a hole. Raises `TooLarge` when not even one interval can be read.
    """
    from_ms = window.behind(watermarks_ms)
    if from_ms is None:
        return 0
    to_ms = max(watermarks_ms.values())
    while True:
        try:
            bars = await archive.read(from_ms, to_ms)
            break
        except TooLarge:
            if from_ms == to_ms:
                raise
            window.forget_lagging(watermarks_ms)
            from_ms = (from_ms + to_ms + 1) // 2
    for series in bars.values():
        window.add(series.values())
    return sum(len(series) for series in bars.values())
