"""The archive of candles: objects in R2, and an index in D1 that says which bars lie in which object."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from shared.archive import keys, ndjson
from shared.archive.ndjson import Row
from shared.errors import StorageUnavailable, TooLarge
from shared.model import Interval
from shared.ports import Database, ObjectStore, Statement

READS_AT_ONCE = 4
MAX_OBJECTS = 300
"""Objects that one range may touch: each is a platform operation, and an invocation has 1,000."""

Bars = dict[str, dict[int, Row]]
"""Symbol to open time to stored bar."""

_INDEX = (
    "INSERT INTO archive_objects (key, venue, interval, day, from_ms, to_ms, rows, bytes, compacted, created_ms)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET from_ms = excluded.from_ms,"
    " to_ms = excluded.to_ms, rows = excluded.rows, bytes = excluded.bytes, compacted = excluded.compacted"
)
_WATERMARKS = (
    "INSERT INTO watermarks (venue, symbol, interval, open_time_ms, first_open_time_ms, updated_ms)"
    " SELECT ?1, json_extract(value, '$[0]'), ?2, json_extract(value, '$[1]'), json_extract(value, '$[2]'), ?3"
    " FROM json_each(?4) WHERE true ON CONFLICT (venue, symbol, interval) DO UPDATE SET"
    " open_time_ms = max(open_time_ms, excluded.open_time_ms),"
    " first_open_time_ms = min(first_open_time_ms, excluded.first_open_time_ms), updated_ms = excluded.updated_ms"
)
_RANGE = (
    "SELECT key, rows, bytes FROM archive_objects WHERE venue = ? AND interval = ? AND to_ms >= ? AND from_ms <= ?"
    " ORDER BY created_ms, key LIMIT ?"
)


class Stored(NamedTuple):
    """One object as it was put into R2, and what its index row says."""

    key: str
    day: str
    from_ms: int
    to_ms: int
    rows: int
    bytes: int


def flat(bars: Mapping[str, Mapping[int, Row]]) -> list[Row]:
    """Every row by open time, then symbol."""
    return sorted((each for series in bars.values() for each in series.values()), key=lambda row: (row[1], row[0]))


class CandleArchive:
    """Bars of one venue and interval."""

    def __init__(self, db: Database, store: ObjectStore, venue: str, interval: Interval) -> None:
        self._db = db
        self._store = store
        self._venue = venue
        self._interval = interval

    async def put(self, rows: Sequence[Row], run: str) -> Stored:
        """Writes one object; the same run and rows write the same key and bytes. `rows` must not be empty."""
        times = [each.open_time_ms for each in rows]
        day = keys.day_of(max(times))
        body = ndjson.pack(rows)
        stored = Stored(
            keys.run_key(self._venue, self._interval, day, run), day, min(times), max(times), len(rows), len(body)
        )
        await self._store.put(stored.key, body)
        return stored

    def index(self, stored: Stored, now_ms: int, compacted: bool = False) -> Statement:
        """The index row: nothing reads an object before it is there."""
        params = (stored.key, self._venue, self._interval.value, stored.day, stored.from_ms, stored.to_ms)
        return Statement(_INDEX, (*params, stored.rows, stored.bytes, int(compacted), now_ms))

    def watermarks(self, bars: Mapping[str, Mapping[int, Row]], now_ms: int) -> Statement:
        """Moves each symbol's newest and first archived bar; never the newest backwards."""
        body = json.dumps([[symbol, max(series), min(series)] for symbol, series in bars.items() if series])
        return Statement(_WATERMARKS, (self._venue, self._interval.value, now_ms, body))

    async def read(
        self, from_ms: int, to_ms: int, symbols: Collection[str] | None = None, opens: set[int] | None = None
    ) -> Bars:
        """Bars with from_ms <= open time <= to_ms, each once, ascending within a symbol; into `opens` go the open times that
        any symbol has there, be it one of `symbols` or not.

        Raises `TooLarge` when the range touches more than `MAX_OBJECTS`, `StorageUnavailable` when an object is gone.
        """
        try:
            return await self._read(from_ms, to_ms, symbols, opens)
        except StorageUnavailable:
            # Compaction may have swept an object away between the index and the read: the index now names its heir.
            return await self._read(from_ms, to_ms, symbols, opens)

    async def _read(self, from_ms: int, to_ms: int, symbols: Collection[str] | None, opens: set[int] | None) -> Bars:
        params = (self._venue, self._interval.value, from_ms, to_ms, MAX_OBJECTS + 1)
        index = await self._db.rows(_RANGE, *params)
        if len(index) > MAX_OBJECTS:
            raise TooLarge(f"{from_ms} to {to_ms} touches more than {MAX_OBJECTS} objects; ask for less at a time")
        found: Bars = {}
        for start in range(0, len(index), READS_AT_ONCE):
            names = [str(each["key"]) for each in index[start : start + READS_AT_ONCE]]
            for name, body in zip(names, await asyncio.gather(*map(self._store.get, names)), strict=True):
                if body is None:
                    raise StorageUnavailable(f"{name} stands in the index and not in R2", key=name)
                rows = (each for each in ndjson.unpack(body, name) if from_ms <= each.open_time_ms <= to_ms)
                _take(found, rows, symbols, set() if opens is None else opens)
        return {symbol: dict(sorted(series.items())) for symbol, series in sorted(found.items())}


def _take(found: Bars, rows: Iterable[Row], symbols: Collection[str] | None, opens: set[int]) -> None:
    for each in rows:
        opens.add(each.open_time_ms)
        if symbols is None or each.symbol in symbols:
            found.setdefault(each.symbol, {}).setdefault(each.open_time_ms, each)
