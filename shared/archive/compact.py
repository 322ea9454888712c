"""Many small objects of a past day (or month) into one: written, read back, switched in the index, then swept."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from shared.archive import keys, ndjson
from shared.archive.candles import CandleArchive, Stored
from shared.errors import StorageUnavailable
from shared.model import Interval
from shared.ports import Database, ObjectStore, Statement

MAX_MERGED = 240
"""Objects merged in one run: a read and a delete each, well inside an invocation's 1,000 operations."""
MIN_GATHERED = 60
"""Of the unit that still grows: an hour of one-minute bars, so that no range of bars lies in very many objects."""

_UNITS = (
    "SELECT substr(day, 1, ?) AS unit, count(*) AS objects FROM archive_objects WHERE venue = ?"
    " AND interval = ? AND day < ? GROUP BY unit HAVING objects > 1 AND unit < ? ORDER BY unit LIMIT ?"
)
_OBJECTS = (
    "SELECT key, from_ms, to_ms FROM archive_objects WHERE venue = ? AND interval = ? AND day >= ? AND day <= ?"
    " ORDER BY to_ms, from_ms, key LIMIT ?"
)
_SMALL = (
    "SELECT key, from_ms, to_ms FROM archive_objects WHERE venue = ? AND interval = ? AND day >= ? AND day <= ?"
    " AND compacted = 0 ORDER BY to_ms, from_ms, key LIMIT ?"
)
_FORGET = "DELETE FROM archive_objects WHERE key IN (SELECT value FROM json_each(?))"
_INDEXED = "SELECT key FROM archive_objects WHERE key IN (SELECT value FROM json_each(?))"
_ALIVE = "SELECT id FROM job_runs WHERE state IN ('queued', 'running') AND id IN (SELECT value FROM json_each(?))"


class Compacted(NamedTuple):
    """What one step did: objects merged, rows they had and rows kept, orphans swept, and whether more is left."""

    merged: int
    rows_read: int
    rows_kept: int
    swept: int
    more: bool


async def units(db: Database, venue: str, interval: Interval, market_day: str, limit: int) -> list[str]:
    """Units before the one of `market_day` that have more than one object, oldest first."""
    current = keys.unit_of(market_day, interval)
    found = await db.rows(_UNITS, len(current), venue, interval.value, market_day, current, limit)
    return [str(each["unit"]) for each in found]


async def compact(
    db: Database, store: ObjectStore, venue: str, interval: Interval, unit: str, run: str, now_ms: int
) -> Compacted:
    """Merges up to `MAX_MERGED` objects of `unit`.

    A crash at any point loses nothing: before the switch the new object is unindexed, after it the old ones are; both
    are swept by a later run. Raises `StorageUnavailable` when what is read back differs from what was written.
    """
    params = (venue, interval.value, *keys.days_of(unit))
    objects = await db.rows(_OBJECTS, *params, MAX_MERGED + 1)
    merged, more = objects[:MAX_MERGED], len(objects) > MAX_MERGED
    if len(merged) < 2:
        return Compacted(0, 0, 0, await sweep(db, store, venue, interval, unit), False)
    key = keys.part_key(venue, interval, unit, run) if more else keys.compacted_key(venue, interval, unit)
    archive = CandleArchive(db, store, venue, interval)
    rows_read, rows_kept = await _switch(db, store, archive, key, merged, now_ms)
    return Compacted(len(merged), rows_read, rows_kept, await sweep(db, store, venue, interval, unit), more)


async def gather(
    db: Database, store: ObjectStore, venue: str, interval: Interval, unit: str, run: str, now_ms: int
) -> Compacted:
    """Merges the objects of runs of the unit that still grows into one part, once they are many.

    Nothing is swept: an ingest may be writing there right now.
    """
    objects = await db.rows(_SMALL, venue, interval.value, *keys.days_of(unit), MAX_MERGED)
    if len(objects) < MIN_GATHERED:
        return Compacted(0, 0, 0, 0, more=False)
    archive = CandleArchive(db, store, venue, interval)
    key = keys.part_key(venue, interval, unit, run)
    rows_read, rows_kept = await _switch(db, store, archive, key, objects, now_ms)
    return Compacted(len(objects), rows_read, rows_kept, 0, more=len(objects) == MAX_MERGED)


async def sweep(db: Database, store: ObjectStore, venue: str, interval: Interval, unit: str) -> int:
    """Deletes objects of the unit that no index row names, except those of a run that has not ended; how many."""
    listed = await store.list(f"{keys.interval_prefix(venue, interval)}{unit}")
    if not listed:
        return 0
    # In this order: an object listed above is indexed by now, or its run is still alive, or nobody wants it.
    runs = json.dumps([keys.run_of(key) for key in listed])
    alive, indexed = await db.read([Statement(_ALIVE, (runs,)), Statement(_INDEXED, (json.dumps(listed),))])
    kept = {str(each["key"]) for each in indexed}
    running = {str(each["id"]) for each in alive}
    orphans = [key for key in listed if key not in kept and keys.run_of(key) not in running]
    await store.delete(orphans)
    return len(orphans)


async def _switch(
    db: Database,
    store: ObjectStore,
    archive: CandleArchive,
    key: str,
    objects: Sequence[Mapping[str, Any]],
    now_ms: int,
) -> tuple[int, int]:
    """Puts one object in the place of these; (rows read, rows kept)."""
    body, rows_read, rows_kept = await _merged(store, [str(each["key"]) for each in objects])
    await store.put(key, body)
    if await store.get(key) != body:
        raise StorageUnavailable(f"{key}: what was read back is not what was written", key=key)
    from_ms, to_ms = min(each["from_ms"] for each in objects), max(each["to_ms"] for each in objects)
    stored = Stored(key, keys.day_of(to_ms), from_ms, to_ms, rows_kept, len(body))
    old = [str(each["key"]) for each in objects if each["key"] != key]
    await db.batch([archive.index(stored, now_ms, compacted=True), Statement(_FORGET, (json.dumps(old),))])
    await store.delete(old)
    return rows_read, rows_kept


async def _merged(store: ObjectStore, names: Sequence[str]) -> tuple[bytes, int, int]:
    """(object, rows read, rows kept): object after object, so that only their keys stand in memory together."""
    packer = ndjson.Packer()
    numbers: dict[str, int] = {}
    seen: set[int] = set()
    rows_read = 0
    for name in names:
        for each in ndjson.unpack(await _get(store, name), name):
            rows_read += 1
            number = numbers.setdefault(each.symbol, len(numbers))
            mark = each.open_time_ms << 16 | number
            if mark not in seen:
                seen.add(mark)
                packer.add(ndjson.line(each))
    return packer.finish(), rows_read, len(seen)


async def _get(store: ObjectStore, name: str) -> bytes:
    body = await store.get(name)
    if body is None:
        raise StorageUnavailable(f"{name} stands in the index and not in R2", key=name)
    return body
