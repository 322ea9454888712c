"""Reads and writes of the desk's tables. It never opens a transaction: who calls it says what belongs together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NamedTuple

from shared import log as logs
from shared.desk import events as ev
from shared.desk.log import Head, Record, broken
from shared.desk.orders import client_id_of, project
from shared.desk.state import STATE_V, DeskState
from shared.errors import Invalid
from shared.model import Order
from shared.ports import Sql, Value

SNAPSHOTS_KEPT = 3
_IN_AT_ONCE = 90
_MOST_PARAMS = 100
_log = logs.get("desk.store")


class StoredOrder(NamedTuple):
    """An order as it is now, with the events that made it and changed it last."""

    order: Order
    intended_seq: int
    updated_seq: int


class Store:
    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def snapshot(self, oldest: bool = False) -> tuple[DeskState | None, Head]:
        """The newest one that this release can read, or the oldest; `(None, Head())` where there is none.

        Each is checked against its own hash and the log's. One of another release is passed over: the log has it all.
        """
        found = self._sql.rows("SELECT seq, v FROM snapshots ORDER BY seq")
        for seq, v in found if oldest else reversed(found):
            head, body = self._checked(seq)
            try:
                if v == STATE_V:
                    return DeskState.parse(body), head
            except Invalid as error:
                _log.warning("snapshot_unreadable", extra={"seq": seq, "detail": error.detail})
        return None, Head()

    def _checked(self, seq: int) -> tuple[Head, str]:
        """The snapshot's place in the log and its body; `Halt` (`log_broken`) where they do not belong together."""
        found = self._sql.rows("SELECT at_ms, hash, body, body_hash FROM snapshots WHERE seq = ?", seq)
        at_ms, chain_hash, body, body_hash = found[0]
        if _text_hash(body) != body_hash:
            raise broken(seq, "its snapshot was changed")
        event = self._sql.rows("SELECT hash FROM events WHERE seq = ?", seq)
        if not event or event[0][0] != chain_hash:
            raise broken(seq, "its snapshot belongs to another log")
        return Head(seq, chain_hash, at_ms), body

    def write_snapshot(self, state: DeskState, head: Head) -> None:
        body = state.json_text()
        self._sql.rows(
            "INSERT OR REPLACE INTO snapshots (seq, v, at_ms, hash, body, body_hash) VALUES (?, ?, ?, ?, ?, ?)",
            head.seq,
            STATE_V,
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

    def append(self, records: Sequence[Record]) -> None:
        self._insert("INSERT INTO events (seq, v, at_ms, kind, body, prev_hash, hash)", records)

    def put_orders(self, orders: Iterable[StoredOrder]) -> None:
        """As they are now; `intended_seq` counts only for an order that has no row yet."""
        self._insert(
            "INSERT INTO orders (client_id, status, body, intended_seq, updated_seq)",
            [(each.order.client_id, each.order.status.value, each.order.json_text(), *each[1:]) for each in orders],
            " ON CONFLICT (client_id) DO UPDATE SET status = excluded.status, body = excluded.body,"
            " updated_seq = excluded.updated_seq",
        )

    def _insert(self, into: str, rows: Sequence[Sequence[Value]], tail: str = "") -> None:
        """As many rows a statement as its parameters allow: every statement is a call out of Python."""
        while rows:
            some, rows = rows[: _MOST_PARAMS // len(rows[0])], rows[_MOST_PARAMS // len(rows[0]) :]
            marks = ", ".join(["(" + ", ".join("?" * len(some[0])) + ")"] * len(some))
            self._sql.rows(f"{into} VALUES {marks}{tail}", *chain.from_iterable(some))

    def order(self, client_id: str) -> Order | None:
        found = self.orders([client_id])
        return found[0].order if found else None

    def orders(self, client_ids: Sequence[str]) -> list[StoredOrder]:
        found: list[StoredOrder] = []
        for start in range(0, len(client_ids), _IN_AT_ONCE):
            some = client_ids[start : start + _IN_AT_ONCE]
            marks = ", ".join("?" * len(some))
            rows = self._sql.rows(
                f"SELECT client_id, body, intended_seq, updated_seq FROM orders WHERE client_id IN ({marks})", *some
            )
            found += [StoredOrder(self._order(*row), row[2], row[3]) for row in rows]
        return found

    def _order(self, client_id: str, body: str, intended_seq: int, updated_seq: int) -> Order:
        """From its row, or from the log where another release wrote the row."""
        try:
            return Order.parse(body)
        except Invalid as error:
            _log.warning("order_unreadable", extra={"client_id": client_id, "detail": error.detail})
        order: Order | None = None
        for record in self.events(intended_seq - 1, updated_seq - intended_seq + 1):
            event = ev.read(record.kind, record.v, record.body)
            if client_id_of(event) == client_id:
                order = project(order, event)
        if order is None:
            raise broken(intended_seq, f"it does not hold the order {client_id}")
        return order

    def put_fills(self, fills: Sequence[tuple[str, str, int]]) -> None:
        """Rows of fill id, client id and seq; fails, and its transaction with it, if one was booked before."""
        self._insert("INSERT INTO fills (fill_id, client_id, seq)", fills)

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
