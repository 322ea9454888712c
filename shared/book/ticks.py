"""Ticks on their way to R2: memory, then packed rows in the object's SQLite, then one R2 object per flush.

A tick is numbered, from 1 and for ever, when it is packed. What a flush will write is stored before it is written and
stays until R2 has acknowledged it: a flush that is repeated after a crash writes the same key with the same bytes.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

from shared import log
from shared.ports import ObjectStore, Sql

PACK_TICKS = 500
PACK_MS = 1000
"""A row is written every so many ticks, or so long after the first one in memory: a crash loses no more."""

MAX_TAIL = 20_000
"""Ticks held in memory while the object's own storage refuses rows; the oldest go first."""

OBJECT_TICKS = 50_000
MAX_BYTES = 64 * 2**20
"""Packed bytes kept while R2 does not answer; above it the oldest rows are dropped, and counted."""

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS ticks (first_n INTEGER PRIMARY KEY, last_n INTEGER NOT NULL, ts_ms INTEGER NOT NULL,"
    " size INTEGER NOT NULL, body BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS tick_plan (id INTEGER PRIMARY KEY CHECK (id = 1), first_n INTEGER NOT NULL,"
    " last_n INTEGER NOT NULL, key TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS tick_mark (id INTEGER PRIMARY KEY CHECK (id = 1), last_n INTEGER NOT NULL)",
)

_log = log.get("book.ticks")


class Tick(NamedTuple):
    """A change of the top of a book: `ts_ms` market time, `received_ms` wall time, the rest exact decimal text."""

    symbol: str
    seq: int
    ts_ms: int
    received_ms: int
    bid: str
    bid_qty: str
    ask: str
    ask_qty: str


class Plan(NamedTuple):
    """One R2 object that is due: ticks `first_n` to `last_n`."""

    first_n: int
    last_n: int
    key: str


def pack(first_n: int, ticks: Sequence[Tick]) -> bytes:
    """Deflated NDJSON, one array `[n, symbol, seq, ts_ms, received_ms, bid, bid_qty, ask, ask_qty]` a line."""
    lines = "".join(json.dumps((n, *tick), separators=(",", ":")) + "\n" for n, tick in enumerate(ticks, first_n))
    return zlib.compress(lines.encode(), 1)


def unpack(ndjson: bytes) -> list[tuple[int, Tick]]:
    """(n, tick) of each line of an (inflated) object."""
    return [(n, Tick(*fields)) for n, *fields in map(json.loads, ndjson.splitlines())]


def object_key(venue: str, shard: str, first_n: int, last_n: int, ts_ms: int) -> str:
    """The day is the market's own, in UTC, of the object's first tick."""
    day = datetime.fromtimestamp(ts_ms / 1000, UTC).date().isoformat()
    return f"ticks/v1/{venue}/{shard}/{day}/{first_n:012d}-{last_n:012d}.ndjson.gz"


class TickBuffer:
    """Counts `ticks_dropped`, `tick_pack_failures` and `ticks_flushed` in `counters`."""

    def __init__(self, sql: Sql, store: ObjectStore, counters: Counter[str], max_bytes: int = MAX_BYTES) -> None:
        self._sql = sql
        self._store = store
        self._counters = counters
        self._max_bytes = max_bytes
        self._tail: list[Tick] = []
        for statement in _SCHEMA:
            sql.rows(statement)
        rows, size, last_n = sql.rows(
            "SELECT coalesce(sum(last_n - first_n + 1), 0), coalesce(sum(size), 0), coalesce(max(last_n), 0) FROM ticks"
        )[0]
        mark = sql.rows("SELECT last_n FROM tick_mark")
        self._waiting_ms = 0
        self._rows_ticks = int(rows)
        self._bytes = int(size)
        self._last_n = max(int(last_n), int(mark[0][0]) if mark else 0)

    @property
    def buffered(self) -> int:
        """Ticks that R2 has not acknowledged, in rows and in memory."""
        return self._rows_ticks + len(self._tail)

    @property
    def has_tail(self) -> bool:
        """Whether ticks wait in memory for their row."""
        return bool(self._tail)

    def add(self, tick: Tick, now_ms: int) -> None:
        """Take one tick in; a row that becomes due is written."""
        if not self._tail:
            self._waiting_ms = now_ms
        self._tail.append(tick)
        self.pack_if_due(now_ms)

    def pack_if_due(self, now_ms: int) -> None:
        """Write the row that is due. Storage that fails is counted and tried again: it never stops the feed."""
        if not self._tail or (len(self._tail) < PACK_TICKS and now_ms - self._waiting_ms < PACK_MS):
            return
        self._waiting_ms = now_ms
        try:
            self.pack_tail()
        except Exception:  # noqa: BLE001
            # Whatever the storage threw, the ticks are still in memory, and quotes matter more than their archive.
            self._counters["tick_pack_failures"] += 1
            _log.exception("tick_pack_failed", extra={"tail": len(self._tail)})
            self._drop_tail()

    def pack_tail(self) -> None:
        """Move the ticks in memory to one row; raises what the storage raises, and then still holds them."""
        ticks = self._tail[:PACK_TICKS]
        while ticks:
            first_n, last_n = self._last_n + 1, self._last_n + len(ticks)
            body = pack(first_n, ticks)
            self._sql.rows(
                "INSERT INTO ticks (first_n, last_n, ts_ms, size, body) VALUES (?, ?, ?, ?, ?)",
                first_n, last_n, ticks[0].ts_ms, len(body), body,
            )  # fmt: skip
            del self._tail[: len(ticks)]
            self._last_n = last_n
            self._rows_ticks += len(ticks)
            self._bytes += len(body)
            ticks = self._tail[:PACK_TICKS]
        if self._bytes > self._max_bytes:
            self._drop_rows()

    async def flush(self, venue: str, shard: str) -> tuple[int, int]:
        """(ticks, objects) written to R2: all that was buffered when it was called.

        Raises what R2 raises; what it has not acknowledged stays.
        """
        self.pack_tail()
        until_n, ticks, objects = self._last_n, 0, 0
        while plan := self._plan(venue, shard, until_n):
            await self._store.put(plan.key, self._object(plan))
            count = self._forget(self._sql.transaction(partial(self._done, plan)))
            self._counters["ticks_flushed"] += count
            ticks += count
            objects += count > 0
        return ticks, objects

    def _plan(self, venue: str, shard: str, until_n: int) -> Plan | None:
        """The object that was begun, or the next one up to tick `until_n`, stored before anything is written."""
        begun = self._sql.rows("SELECT first_n, last_n, key FROM tick_plan")
        if begun:
            return Plan(int(begun[0][0]), int(begun[0][1]), str(begun[0][2]))
        rows = self._sql.rows(
            "SELECT first_n, last_n, ts_ms FROM ticks WHERE first_n <= ? ORDER BY first_n LIMIT ?",
            until_n,
            OBJECT_TICKS // PACK_TICKS,
        )
        if not rows:
            return None
        first_n, last_n = int(rows[0][0]), int(rows[-1][1])
        plan = Plan(first_n, last_n, object_key(venue, shard, first_n, last_n, int(rows[0][2])))
        self._sql.rows("INSERT INTO tick_plan (id, first_n, last_n, key) VALUES (1, ?, ?, ?)", *plan)
        return plan

    def _object(self, plan: Plan) -> bytes:
        rows = self._sql.rows(
            "SELECT body FROM ticks WHERE first_n BETWEEN ? AND ? ORDER BY first_n", plan.first_n, plan.last_n
        )
        return gzip.compress(b"".join(zlib.decompress(bytes(body)) for (body,) in rows), mtime=0)

    def _done(self, plan: Plan) -> list[tuple[int, int, int]]:
        """R2 has the object: its rows go. None are left if another flush was quicker."""
        gone = self._sql.rows(
            "DELETE FROM ticks WHERE first_n BETWEEN ? AND ? RETURNING first_n, last_n, size", plan.first_n, plan.last_n
        )
        self._sql.rows("DELETE FROM tick_plan WHERE first_n = ?", plan.first_n)
        self._sql.rows(
            "INSERT INTO tick_mark (id, last_n) VALUES (1, ?)"
            " ON CONFLICT (id) DO UPDATE SET last_n = max(last_n, excluded.last_n)",
            plan.last_n,
        )
        return [(int(first_n), int(last_n), int(size)) for first_n, last_n, size in gone]

    def _drop_rows(self) -> None:
        """Above the limit: the oldest go, except those of the object that is being written."""
        excess, chosen = self._bytes - self._max_bytes, 0
        for first_n, size in self._sql.rows(
            "SELECT first_n, size FROM ticks WHERE first_n > coalesce((SELECT last_n FROM tick_plan), 0)"
            " ORDER BY first_n"
        ):
            excess, chosen = excess - int(size), int(first_n)
            if excess <= 0:
                break
        gone = self._sql.rows(
            "DELETE FROM ticks WHERE first_n > coalesce((SELECT last_n FROM tick_plan), 0) AND first_n <= ?"
            " RETURNING first_n, last_n, size",
            chosen,
        )
        self._lost(self._forget(gone), "r2_behind")

    def _drop_tail(self) -> None:
        excess = len(self._tail) - MAX_TAIL
        if excess > 0:
            del self._tail[:excess]
            self._lost(excess, "storage_behind")

    def _lost(self, count: int, why: str) -> None:
        if count:
            self._counters["ticks_dropped"] += count
            _log.error("ticks_dropped", extra={"count": count, "why": why, "total": self._counters["ticks_dropped"]})

    def _forget(self, gone: Sequence[tuple[int, int, int]]) -> int:
        count = sum(last_n - first_n + 1 for first_n, last_n, _ in gone)
        self._rows_ticks -= count
        self._bytes -= sum(size for _, _, size in gone)
        return count
