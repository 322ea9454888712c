"""`shared.ports.Sql` over sqlite3: what an object's storage is in the runtime. It outlives the object that uses it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, TypeVar

from shared.ports import Value

T = TypeVar("T")


class NativeSql:
    """`before(sql)` runs before every statement, and may raise; so may `after(sql)`."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect(":memory:", isolation_level=None)
        self.before: Callable[[str], None] = lambda sql: None
        self.after: Callable[[str], None] = lambda sql: None

    def rows(self, sql: str, *params: Value) -> list[tuple[Any, ...]]:
        self.before(sql)
        found = self._connection.execute(sql, params).fetchall()
        self.after(sql)
        return found

    def transaction(self, work: Callable[[], T]) -> T:
        self._connection.execute("BEGIN")
        try:
            result = work()
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")
        return result
