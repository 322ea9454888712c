"""Which bars a desk has not had yet, from the cheapest place that has all of them, in the order they closed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from cron.context import Context, Ingested
from shared.archive import hot, keys
from shared.archive.candles import Bars, CandleArchive
from shared.archive.ndjson import Row
from shared.config import VenueConfig
from shared.errors import StorageUnavailable, TooLarge
from shared.model import Interval

DAY_MS = 86_400_000


class Due(NamedTuple):
    """`bars`: what is new to the desk. `source`: where it was found: none, ingest, hot or archive."""

    bars: Bars
    source: str


async def due(context: Context, venue: str, seen: Mapping[str, int], marks: Mapping[str, int]) -> Due:
    """Archived bars after `seen`, up to `marks` (open times); a symbol not in `seen` has its hot history."""
    config = context.venue(venue)
    lagging = {symbol for symbol, mark in marks.items() if mark > seen.get(symbol, -1)}
    if not lagging:
        return Due({}, "none")
    fresh = context.ingested.get(venue)
    if fresh is not None and all(_follows(fresh, symbol, seen) for symbol in lagging):
        return Due(_after(fresh.new, seen, lagging), "ingest")
    window = fresh.window if fresh and fresh.window else await _hot(context, venue, config)
    if window is not None and all(_covers(window, symbol, seen, marks[symbol]) for symbol in lagging):
        return Due(_after(window.series, seen, lagging), "hot")
    archive = CandleArchive(context.ports.db, context.ports.store, venue, config.interval)
    newest_ms = max(marks[symbol] for symbol in lagging)
    horizon_ms = newest_ms - hot.REACH * config.history_bars * config.interval.ms
    from_ms = min(max(seen.get(symbol, horizon_ms) + 1, horizon_ms) for symbol in lagging)
    return Due(await _archived(archive, from_ms, newest_ms, seen, lagging), "archive")


def ended_days(before_ms: int | None, closes_ms: Iterable[int], step_ms: int) -> list[str]:
    """Market days with bars that ended after the close `before_ms`, by the newest of these closes; ascending."""
    if before_ms is None:
        return []
    closes = sorted({before_ms, *closes_ms})
    days = {(close_ms - step_ms) // DAY_MS for close_ms in closes}
    return [keys.day_of(day * DAY_MS) for day in sorted(days) if before_ms < (day + 1) * DAY_MS <= closes[-1]]


def by_close(bars: Bars, interval: Interval) -> list[tuple[int, list[Row]]]:
    """(close time, the bars that closed then, by symbol), in the order of time."""
    steps: dict[int, list[Row]] = {}
    for symbol in sorted(bars):
        for each in bars[symbol].values():
            steps.setdefault(each.open_time_ms + interval.ms, []).append(each)
    return sorted(steps.items())


def wire(venue: str, interval: Interval, row: Row) -> dict[str, Any]:
    """A stored bar as a Candle on the wire; it was validated when it came in, and the desk validates it again."""
    return {
        "instrument": f"{venue}:{row.symbol}",
        "interval": interval.value,
        "open_time_ms": row.open_time_ms,
        "open": row.open,
        "high": row.high,
        "low": row.low,
        "close": row.close,
        "volume": row.volume,
    }


def market(rows: Collection[Row]) -> dict[str, dict[str, list[Any]]]:
    """The brain's view: columns of floats per symbol, ascending."""
    found: dict[str, dict[str, list[Any]]] = {}
    for row in sorted(rows, key=lambda each: (each.symbol, each.open_time_ms)):
        columns = found.setdefault(row.symbol, {"t": [], "o": [], "h": [], "l": [], "c": [], "v": []})
        columns["t"].append(row.open_time_ms)
        for name, text in zip("ohlcv", row[2:], strict=True):
            columns[name].append(float(text))
    return found


def _follows(fresh: Ingested, symbol: str, seen: Mapping[str, int]) -> bool:
    return symbol in fresh.new and fresh.before.get(symbol) == seen.get(symbol)


def _covers(window: hot.Window, symbol: str, seen: Mapping[str, int], mark: int) -> bool:
    oldest = window.oldest_ms(symbol)
    if oldest is None or window.newest_ms(symbol) != mark:
        return False
    return symbol not in seen or oldest <= seen[symbol]


def _after(bars: Bars, seen: Mapping[str, int], symbols: Collection[str]) -> Bars:
    found: Bars = {}
    for symbol in symbols:
        last = seen.get(symbol, -1)
        newer = {at_ms: row for at_ms, row in bars.get(symbol, {}).items() if at_ms > last}
        if newer:
            found[symbol] = newer
    return found


async def _archived(
    archive: CandleArchive, from_ms: int, to_ms: int, seen: Mapping[str, int], symbols: Collection[str]
) -> Bars:
    """New bars of the range; where it touches too many objects, those of its first part that has any.

    Never of a later part alone: what is open in the desk may have to be stopped out in between. The next scan goes on.
    """
    until_ms = to_ms
    while from_ms <= to_ms:
        try:
            found = _after(await archive.read(from_ms, until_ms, symbols), seen, symbols)
        except TooLarge:
            if until_ms == from_ms:
                raise
            until_ms = (from_ms + until_ms) // 2
            continue
        if found:
            return found
        from_ms, until_ms = until_ms + 1, to_ms
    return {}


async def _hot(context: Context, venue: str, config: VenueConfig) -> hot.Window | None:
    try:
        body = await context.ports.hot.get(keys.hot_key(venue, config.interval))
    except StorageUnavailable:
        return None
    return hot.from_bytes(body, venue, config.interval, config.history_bars)
