"""Reads and writes of the desk's tables. It never opens a transaction: who calls it says what belongs together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from shared.desk.log import Head, Record, broken
from shared.desk.state import DeskState
from shared.model import Order
from shared.ports import Sql

SNAPSHOTS_KEPT = 3
_IN_AT_ONCE = 90


class StoredOrder(NamedTuple):
    """An order as it is now, with the events that made it and changed it last."""

    order: Order
    intended_seq: int
    updated_seq: int


class Store:
    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def snapshot(self) -> tuple[DeskState | None, Head]:
        """The newest one, checked against its own hash and the log's; `(None, Head())` when there is none yet."""
        found = self._sql.rows("SELECT seq, at_ms, hash, body, body_hash FROM snapshots ORDER BY seq DESC LIMIT 1")
        if not found:
            return None, Head()
        seq, at_ms, chain_hash, body, body_hash = found[0]
        if _text_hash(body) != body_hash:
            raise broken(seq, "its snapshot was changed")
        event = self._sql.rows("SELECT hash FROM events WHERE seq = ?", seq)
        if not event or event[0][0] != chain_hash:
            raise broken(seq, "its snapshot belongs to another log")
        return DeskState.parse(body), Head(seq, chain_hash, at_ms)

    def write_snapshot(self, state: DeskState, head: Head) -> None:
        body = state.json_text()
        self._sql.rows(
            "INSERT INTO snapshots (seq, at_ms, hash, body, body_hash) VALUES (?, ?, ?, ?, ?)",
            head.seq,
            head.at_ms,
            head.hash,
            body,
            _text_hash(body),
        )
        self._sql.rows(
            "DELETE FROM snapshots WHERE seq NOT IN (SELECT seq FROM snapshots ORDER BY seq DESC LIMIT ?)",
            SNAPSHOTS_KEPT,
        )

    def events(self, after_seq: int, limit: int) -> list[Record]:
        """Up to `limit` events with a seq above `after_seq`, ascending."""
        found = self._sql.rows(
            "SELECT seq, v, at_ms, kind, body, prev_hash, hash FROM events WHERE seq > ? ORDER BY seq LIMIT ?",
            after_seq,
            limit,
        )
        return [Record(*row) for row in found]

    def append(self, record: Record) -> None:
        self._sql.rows(
            "INSERT INTO events (seq, v, at_ms, kind, body, prev_hash, hash) VALUES (?, ?, ?, ?, ?, ?, ?)", *record
        )

    def put_order(self, order: Order, seq: int) -> None:
        self._sql.rows(
            "INSERT INTO orders (client_id, status, body, intended_seq, updated_seq) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (client_id) DO UPDATE SET status = excluded.status, body = excluded.body,"
            " updated_seq = excluded.updated_seq",
            order.client_id,
            order.status.value,
            order.json_text(),
            seq,
            seq,
        )

    def order(self, client_id: str) -> Order | None:
        found = self._sql.rows("SELECT body FROM orders WHERE client_id = ?", client_id)
        return Order.parse(found[0][0]) if found else None

    def orders(self, client_ids: Sequence[str]) -> list[StoredOrder]:
        found: list[StoredOrder] = []
        for start in range(0, len(client_ids), _IN_AT_ONCE):
            some = client_ids[start : start + _IN_AT_ONCE]
            marks = ", ".join("?" * len(some))
            rows = self._sql.rows(
                f"SELECT body, intended_seq, updated_seq FROM orders WHERE client_id IN ({marks})", *some
            )
            found += [StoredOrder(Order.parse(body), intended, updated) for body, intended, updated in rows]
        return found

    def put_fill(self, fill_id: str, client_id: str, seq: int) -> None:
        """Fails, and its transaction with it, if the fill was booked before."""
        self._sql.rows("INSERT INTO fills (fill_id, client_id, seq) VALUES (?, ?, ?)", fill_id, client_id, seq)

    def known_fills(self, fill_ids: Iterable[str]) -> frozenset[str]:
        """Those of the ids that are booked."""
        ids = list(fill_ids)
        known: set[str] = set()
        for start in range(0, len(ids), _IN_AT_ONCE):
            some = ids[start : start + _IN_AT_ONCE]
            marks = ", ".join("?" * len(some))
            known |= {
                name for (name,) in self._sql.rows(f"SELECT fill_id FROM fills WHERE fill_id IN ({marks})", *some)
            }
        return frozenset(known)

    def meta(self, name: str) -> str | None:
        found = self._sql.rows("SELECT value FROM meta WHERE name = ?", name)
        return str(found[0][0]) if found else None

    def put_meta(self, name: str, value: str) -> None:
        self._sql.rows("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", name, value)


def _text_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
