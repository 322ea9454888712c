"""The paper venue's own tables: orders and fills. It never opens a transaction, except to make them."""

from __future__ import annotations

from typing import Any

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


class PaperTables:
    def __init__(self, sql: Sql) -> None:
        self._sql = sql
        sql.transaction(self._create)

    def _create(self) -> None:
        for table in _TABLES:
            self._sql.rows(table)

    def keep(self, held: Working) -> None:
        """As it is now."""
        self._sql.rows(
            "INSERT INTO paper_orders (client_id, is_open, body) VALUES (?, ?, ?)"
            " ON CONFLICT (client_id) DO UPDATE SET is_open = excluded.is_open, body = excluded.body",
            held.client_id,
            int(held.status.is_open),
            held.json_text(),
        )

    def keep_fill(self, fill: Fill) -> None:
        """Fails, and its transaction with it, if there is one of that id."""
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
        """As they came."""
        found = self._sql.rows("SELECT body FROM paper_orders WHERE is_open = 1 ORDER BY rowid")
        return [Working.parse(body) for (body,) in found]

    def fills_of(self, client_id: str) -> tuple[Fill, ...]:
        return _read(self._sql.rows("SELECT body FROM paper_fills WHERE client_id = ? ORDER BY rowid", client_id))

    def fills_since(self, ts_ms: int) -> tuple[Fill, ...]:
        return _read(self._sql.rows("SELECT body FROM paper_fills WHERE ts_ms >= ? ORDER BY rowid", ts_ms))

    def fills_after(self, row: int) -> list[tuple[int, Fill]]:
        """With their rows, the first of which is 1."""
        found = self._sql.rows("SELECT rowid, body FROM paper_fills WHERE rowid > ? ORDER BY rowid", row)
        return [(number, Fill.parse(body)) for number, body in found]


def _read(rows: list[tuple[Any, ...]]) -> tuple[Fill, ...]:
    return tuple(Fill.parse(body) for (body,) in rows)
