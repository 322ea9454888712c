"""The platform natively: D1 as SQLite with the real migrations, R2, KV and queue in memory, the real brain."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shared.errors import StorageUnavailable, from_wire
from shared.ports import Statement, Value

MIGRATIONS = Path(__file__).parents[2] / "migrations"
MAX_PARAMS = 100


class NativeDatabase:
    """`ports.Database` on SQLite. `fail(sql)` may raise before a statement; every call lets other tasks run first."""

    def __init__(self) -> None:
        self._db = sqlite3.connect(":memory:", isolation_level=None)
        self._db.row_factory = sqlite3.Row
        for file in sorted(MIGRATIONS.glob("*.sql")):
            self._db.executescript(file.read_text(encoding="utf-8"))
        self.fail: Callable[[str], None] = lambda sql: None
        self.trips = 0

    async def rows(self, sql: str, *params: Value) -> list[dict[str, Any]]:
        return (await self.read([Statement(sql, params)]))[0]

    async def batch(self, statements: Sequence[Statement]) -> list[int]:
        return [count for _, count in await self._run(statements)]

    async def read(self, statements: Sequence[Statement]) -> list[list[dict[str, Any]]]:
        return [rows for rows, _ in await self._run(statements)]

    async def _run(self, statements: Sequence[Statement]) -> list[tuple[list[dict[str, Any]], int]]:
        await asyncio.sleep(0)
        self.trips += 1
        self._db.execute("BEGIN")
        try:
            found = [self._one(each) for each in statements]
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")
        await asyncio.sleep(0)
        return found

    def _one(self, statement: Statement) -> tuple[list[dict[str, Any]], int]:
        assert len(statement.params) <= MAX_PARAMS, statement.sql
        assert all(len(each) < 2_000_000 for each in statement.params if isinstance(each, str))
        self.fail(statement.sql)
        before = self._db.total_changes
        cursor = self._db.execute(statement.sql, statement.params)
        rows = [dict(row) for row in cursor.fetchall()]
        return rows, self._db.total_changes - before

    def all(self, sql: str, *params: Value) -> list[dict[str, Any]]:
        """For a test's own questions: never fails, is not counted."""
        return [dict(row) for row in self._db.execute(sql, params).fetchall()]

    def change(self, sql: str, *params: Value) -> None:
        """For a test's own changes."""
        self._db.execute(sql, params)


class MemoryStore:
    """`ports.ObjectStore`; `fail(operation, key)` may raise."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.fail: Callable[[str, str], None] = lambda operation, key: None
        self.gets = 0

    async def get(self, key: str) -> bytes | None:
        await asyncio.sleep(0)
        self.fail("get", key)
        self.gets += 1
        return self.objects.get(key)

    async def put(self, key: str, body: bytes) -> None:
        await asyncio.sleep(0)
        self.fail("put", key)
        self.objects[key] = body

    async def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            self.fail("delete", key)
            self.objects.pop(key, None)

    async def list(self, prefix: str) -> list[str]:
        return sorted(key for key in self.objects if key.startswith(prefix))


class MemoryKeyValue:
    """`ports.KeyValue`; with `frozen` it keeps answering what it held then, as an edge cache does."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        self.frozen: dict[str, bytes] | None = None
        self.down = False

    async def get(self, key: str) -> bytes | None:
        self._check()
        return (self.values if self.frozen is None else self.frozen).get(key)

    async def put(self, key: str, body: bytes, ttl_s: int | None = None) -> None:
        self._check()
        self.values[key] = body

    def _check(self) -> None:
        if self.down:
            raise StorageUnavailable("KV did not answer")


class MemoryQueue:
    """`ports.JobQueue`."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.down = False

    async def send(self, body: Mapping[str, Any]) -> None:
        if self.down:
            raise StorageUnavailable("the queue did not answer")
        self.sent.append(dict(body))


class BrainPeer:
    """The real brain over its own JSON door."""

    def __init__(self) -> None:
        self.scans: list[dict[str, Any]] = []
        self.fail: Callable[[dict[str, Any]], None] = lambda body: None

    async def call(self, method: str, body: Mapping[str, Any]) -> dict[str, Any]:
        from brain import rpc

        await asyncio.sleep(0)
        text = json.dumps(body, separators=(",", ":"), allow_nan=False)
        self.scans.append(json.loads(text))
        self.fail(self.scans[-1])
        envelope = json.loads(getattr(rpc, method)(text))
        if not envelope["ok"]:
            raise from_wire(envelope["error"])
        value: dict[str, Any] = envelope["value"]
        return value


class InstantWaits:
    """`ports.Waits` that only remembers; `on_sleep` may move a clock."""

    def __init__(self, on_sleep: Callable[[float], None] = lambda seconds: None) -> None:
        self.slept: list[float] = []
        self._on_sleep = on_sleep

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._on_sleep(seconds)
        await asyncio.sleep(0)


@contextmanager
def no_counting() -> Iterator[Mapping[str, int]]:
    yield Counter({"d1_queries": 1})
