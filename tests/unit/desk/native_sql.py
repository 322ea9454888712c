"""The object's SQLite as CPython's own, so that the very same SQL runs natively; and the other ports, in memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from shared.errors import StorageUnavailable
from shared.ports import Statement, Value

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[3]


class NativeSql:
    """`before` is called before every statement and around a commit: a test lets it raise, to crash there."""

    def __init__(
        self,
        path: str | Path = ":memory:",
        before: Callable[[str], None] | None = None,
        same_as: NativeSql | None = None,
    ) -> None:
        self._db: sqlite3.Connection = same_as._db if same_as else sqlite3.connect(str(path), isolation_level=None)
        self._before = before or (lambda what: None)
        self._inside = False
        self.statements = 0

    def rows(self, sql: str, *params: Value) -> list[tuple[Any, ...]]:
        assert sql.count("?") == len(params), sql
        word = sql.split(None, 1)[0].upper()
        assert word not in ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "PRAGMA"), "not in an object"
        assert len(params) <= 100, "an object binds at most 100 parameters"
        assert all(not isinstance(value, str) or len(value) < 2_000_000 for value in params), "a row holds 2 MB"
        if word != "SELECT":
            self._before(sql)
        self.statements += 1
        return [tuple(row) for row in self._db.execute(sql, params)]

    def transaction(self, work: Callable[[], T]) -> T:
        assert not self._inside, "transactions are not nested"
        self._inside = True
        self._db.execute("BEGIN")
        try:
            result = work()
            self._before("commit")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        else:
            self._db.execute("COMMIT")
        finally:
            self._inside = False
        self._before("committed")
        return result

    def close(self) -> None:
        self._db.close()


class NativeD1:
    """The project's own migrations in memory; `down` makes every call fail as D1 does."""

    def __init__(self) -> None:
        self._db = sqlite3.connect(":memory:", isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.executescript((ROOT / "migrations" / "0001_foundation.sql").read_text())
        self.down = False
        self.after_commit: Callable[[], None] | None = None
        self.batches: list[int] = []

    async def rows(self, sql: str, *params: Value) -> list[dict[str, Any]]:
        self._check(Statement(sql, params))
        return [dict(row) for row in self._db.execute(sql, params)]

    async def read(self, statements: Sequence[Statement]) -> list[list[dict[str, Any]]]:
        return [await self.rows(each.sql, *each.params) for each in statements]

    async def batch(self, statements: Sequence[Statement]) -> list[int]:
        assert len(statements) <= 50
        for statement in statements:
            self._check(statement)
        self._db.execute("BEGIN")
        changed = [self._db.execute(each.sql, each.params).rowcount for each in statements]
        self._db.execute("COMMIT")
        self.batches.append(len(statements))
        if self.after_commit is not None:
            self.after_commit()
        return changed

    def _check(self, statement: Statement) -> None:
        assert len(statement.params) <= 100, "D1 binds at most 100 parameters"
        if self.down:
            raise StorageUnavailable("D1 did not answer")


class NativeAlarm:
    def __init__(self) -> None:
        self.at_ms: int | None = None
        self.arms = 0

    def arm(self, at_ms: int) -> None:
        self.at_ms = at_ms
        self.arms += 1
