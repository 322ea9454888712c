"""The paper venue's own tables: orders and fills. Nothing here opens a transaction by itself, except to make them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TypeVar

from shared.model import Fill
from shared.ports import Sql
from shared.venues.matching import Working

_TABLES = (
    "CREATE TABLE IF NOT EXISTS paper_orders (client_id TEXT PRIMARY KEY, is_open INTEGER NOT NULL, body TEXT NOT NULL) STRICT",
    "CREATE INDEX IF NOT EXISTS paper_orders_open ON paper_orders (is_open) WHERE is_open = 1",
    "CREATE TABLE IF NOT EXISTS paper_fills"
    " (fill_id TEXT PRIMARY KEY, client_id TEXT NOT NULL, ts_ms INTEGER NOT NULL, body TEXT NOT NULL) STRICT",
    "CREATE INDEX IF NOT EXISTS paper_fills_of ON paper_fills (client_id)",
    "CREATE INDEX IF NOT EXISTS paper_fills_at ON paper_fills (ts_ms)",
)

T = TypeVar("T")


class Tables(ABC):
    """Orders by client id and fills by row, the first of which is 1; rows come back as they came."""

    @abstractmethod
    def transaction(self, work: Callable[[], T]) -> T:
        """All that `work` keeps, or nothing of it."""

    @abstractmethod
    def keep(self, held: Working) -> None:
        """As it is now."""

    @abstractmethod
    def keep_fill(self, fill: Fill) -> None:
        """Fails, and its transaction with it, if there is one of that id."""

    @abstractmethod
    def order(self, client_id: str) -> Working | None: ...

    @abstractmethod
    def open_orders(self) -> list[Working]: ...

    @abstractmethod
    def fills_of(self, client_id: str) -> tuple[Fill, ...]: ...

    @abstractmethod
    def fills_since(self, ts_ms: int) -> tuple[Fill, ...]:
        """Of that market time or later."""

    @abstractmethod
    def fills_after(self, row: int) -> list[tuple[int, Fill]]:
        """With their rows."""


class PaperTables(Tables):
    """In SQLite."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql
        sql.transaction(self._create)

    def _create(self) -> None:
        for table in _TABLES:
            self._sql.rows(table)

    def transaction(self, work: Callable[[], T]) -> T:
        return self._sql.transaction(work)

    def keep(self, held: Working) -> None:
        self._sql.rows(
            "INSERT INTO paper_orders (client_id, is_open, body) VALUES (?, ?, ?)"
            " ON CONFLICT (client_id) DO UPDATE SET is_open = excluded.is_open, body = excluded.body",
            held.client_id,
            int(held.status.is_open),
            held.json_text(),
        )

    def keep_fill(self, fill: Fill) -> None:
        self._sql.rows(
            "INSERT INTO paper_fills (fill_id, client_id, ts_ms, body) VALUES (?, ?, ?, ?)",
            fill.fill_id,
            fill.client_id,
            fill.ts_ms,
            fill.json_text(),
        )

    def order(self, client_id: str) -> Working | None:
        found = self._sql.rows("SELECT body FROM paper_orders WHERE client_id = ?", client_id)
        return Working.parse(found[0][0]) if found else None

    def open_orders(self) -> list[Working]:
        found = self._sql.rows("SELECT body FROM paper_orders WHERE is_open = 1 ORDER BY rowid")
        return [Working.parse(body) for (body,) in found]

    def fills_of(self, client_id: str) -> tuple[Fill, ...]:
        return _read(self._sql.rows("SELECT body FROM paper_fills WHERE client_id = ? ORDER BY rowid", client_id))

    def fills_since(self, ts_ms: int) -> tuple[Fill, ...]:
        return _read(self._sql.rows("SELECT body FROM paper_fills WHERE ts_ms >= ? ORDER BY rowid", ts_ms))

    def fills_after(self, row: int) -> list[tuple[int, Fill]]:
        found = self._sql.rows("SELECT rowid, body FROM paper_fills WHERE rowid > ? ORDER BY rowid", row)
        return [(number, Fill.parse(body)) for number, body in found]


def _read(rows: list[tuple[Any, ...]]) -> tuple[Fill, ...]:
    return tuple(Fill.parse(body) for (body,) in rows)


class MemoryTables(Tables):
    """In memory, for an account that lives no longer than the process: what is given in is frozen, so nothing is copied.

    Of closed orders and of fills only the newest `kept` are remembered; the rows of fills count on.
    """

    def __init__(self, kept: int = 1024) -> None:
        self._kept = kept
        self._open: dict[str, Working] = {}
        self._closed: dict[str, Working] = {}
        self._fills: list[Fill] = []
        self._forgotten = 0
        self._of: dict[str, list[Fill]] = {}

    def transaction(self, work: Callable[[], T]) -> T:
        return work()

    def keep(self, held: Working) -> None:
        if held.status.is_open:
            self._open[held.client_id] = held
            return
        self._open.pop(held.client_id, None)
        self._closed[held.client_id] = held
        if len(self._closed) > self._kept:
            oldest = next(iter(self._closed))
            del self._closed[oldest]
            self._of.pop(oldest, None)

    def keep_fill(self, fill: Fill) -> None:
        of = self._of.setdefault(fill.client_id, [])
        if any(known.fill_id == fill.fill_id for known in of):
            raise ValueError(f"there is a fill {fill.fill_id} already")
        of.append(fill)
        self._fills.append(fill)
        if len(self._fills) > 2 * self._kept:
            del self._fills[: self._kept]
            self._forgotten += self._kept

    def order(self, client_id: str) -> Working | None:
        return self._open.get(client_id) or self._closed.get(client_id)

    def open_orders(self) -> list[Working]:
        return list(self._open.values())

    def fills_of(self, client_id: str) -> tuple[Fill, ...]:
        return tuple(self._of.get(client_id, ()))

    def fills_since(self, ts_ms: int) -> tuple[Fill, ...]:
        return tuple(fill for fill in self._fills if fill.ts_ms >= ts_ms)

    def fills_after(self, row: int) -> list[tuple[int, Fill]]:
        return list(enumerate(self._fills[max(0, row - self._forgotten) :], max(row, self._forgotten) + 1))
