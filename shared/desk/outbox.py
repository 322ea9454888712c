"""Brings what happened to D1, where history is read: in order, in batches, and as often as it takes.

Everything above the watermark is sent again until D1 has said yes; D1 keeps each (desk, seq) once, and an order only if it is
newer. `desks.as_of_seq` moves in the same D1 batch as the events, so a reader knows how far history goes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from shared import log
from shared.alerts import rows
from shared.desk import events as ev
from shared.desk.booking import fill_of
from shared.desk.notices import tell
from shared.desk.orders import client_id_of
from shared.desk.session import Session
from shared.desk.state import DeskState
from shared.desk.store import StoredOrder
from shared.errors import Retryable
from shared.jsontext import read_json
from shared.model import exact
from shared.model.alert import Alert, Severity
from shared.ports import Database, Statement, Value

EVENTS_AT_ONCE = 100
_BATCHES_AT_ONCE = 50
MAX_PARAMS = 100
_WATERMARK = "outbox_seq"
_HALTS = "halts_told"
_log = log.get("desk.outbox")


def inserts(head: str, rows: Sequence[tuple[Value, ...]], tail: str = "") -> list[Statement]:
    """As few statements as 100 bound parameters each allow."""
    if not rows:
        return []
    width = len(rows[0])
    at_once = MAX_PARAMS // width
    one = "(" + ", ".join("?" * width) + ")"
    found = []
    for start in range(0, len(rows), at_once):
        some = rows[start : start + at_once]
        sql = f"{head} VALUES {', '.join([one] * len(some))}{tail}"
        found.append(Statement(sql, tuple(value for row in some for value in row)))
    return found


class Outbox:
    def __init__(self, session: Session, database: Database) -> None:
        self._session = session
        self._database = database
        self._running = False
        self._urgent: Alert | None = None
        self.watermark = 0

    def load(self) -> None:
        self.watermark = int(self._session.store.meta(_WATERMARK) or 0)

    @property
    def lag(self) -> int:
        """How many events D1 does not have yet."""
        return self._session.head.seq - self.watermark

    async def flush(self) -> bool:
        """Sends what is waiting; whether nothing is left. A D1 that fails is no error here: all is kept and tried again."""
        if self._running:
            return False
        self._running = True
        try:
            for _ in range(_BATCHES_AT_ONCE):
                if not self.lag:
                    return True
                await self._send()
        except Retryable as error:
            _log.warning("outbox_waits", extra={"lag": self.lag, "code": error.error_code})
        finally:
            self._running = False
        return not self.lag

    def urgent(self) -> Alert | None:
        """The newest alert that D1 was given since the last call and that a person should not wait for."""
        found, self._urgent = self._urgent, None
        return found

    async def _send(self) -> None:
        state = self._session.state
        records = self._session.store.events(self.watermark, EVENTS_AT_ONCE)
        if state is None or not records:
            return
        upto = records[-1].seq
        happened = [(record.seq, ev.read(record.kind, record.v, record.body)) for record in records]
        halts = self._session.store.meta(_HALTS) or "[]"
        told = tell(
            state.desk,
            [(record, event) for record, (_, event) in zip(records, happened, strict=True)],
            read_json(halts),
        )
        touched = sorted({name for _, event in happened if (name := client_id_of(event)) is not None})
        statements = [
            *inserts(
                "INSERT OR IGNORE INTO journal (desk, seq, v, at_ms, kind, body, hash)",
                [(state.desk, r.seq, r.v, r.at_ms, r.kind, r.body, r.hash) for r in records],
            ),
            *_orders(state.desk, self._session.store.orders(touched)),
            *_fills(state.desk, happened),
            *rows.insert(told.filed),
            _as_of(state, upto),
        ]
        await self._database.batch(statements)
        # before the watermark: a halt told of twice is kept once, one forgotten would stay open at the pager
        if (kept := json.dumps(told.halts)) != halts:
            self._session.store.put_meta(_HALTS, kept)
        self._session.store.put_meta(_WATERMARK, str(upto))
        self.watermark = upto
        urgent = [each.alert for each in told.filed if each.alert.severity is not Severity.INFO]
        self._urgent = urgent[-1] if urgent else self._urgent


def _orders(desk: str, orders: Sequence[StoredOrder]) -> list[Statement]:
    """The orders as they are now, which may be later than the batch: the guard keeps the newest whatever comes when."""
    rows: list[tuple[Value, ...]] = [
        (
            desk,
            order.client_id,
            order.instrument,
            order.side.value,
            order.status.value,
            order.json_text(),
            intended_seq,
            updated_seq,
        )
        for order, intended_seq, updated_seq in orders
    ]
    return inserts(
        "INSERT INTO orders (desk, client_id, instrument, side, status, body, intended_seq, updated_seq)",
        rows,
        " ON CONFLICT (desk, client_id) DO UPDATE SET status = excluded.status, body = excluded.body,"
        " updated_seq = excluded.updated_seq WHERE orders.updated_seq < excluded.updated_seq",
    )


def _fills(desk: str, happened: Sequence[tuple[int, ev.Event]]) -> list[Statement]:
    rows: list[tuple[Value, ...]] = []
    for seq, event in happened:
        if isinstance(event, ev.OrderFilled | ev.FillFound):
            fill = event.fill if isinstance(event, ev.OrderFilled) else fill_of(event)
            numbers = (exact.text(fill.qty), exact.text(fill.price), exact.text(fill.fee.amount))
            rows.append(
                (
                    desk,
                    seq,
                    fill.fill_id,
                    fill.client_id,
                    fill.instrument,
                    fill.side.value,
                    *numbers,
                    fill.fee.asset,
                    fill.ts_ms,
                )
            )
    return inserts(
        "INSERT OR IGNORE INTO fills"
        " (desk, seq, fill_id, client_id, instrument, side, qty, price, fee, fee_asset, ts_ms)",
        rows,
    )


def _as_of(state: DeskState, seq: int) -> Statement:
    return Statement(
        "INSERT INTO desks (desk, venue, currency, mode, opened_ms, as_of_seq) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (desk) DO UPDATE SET as_of_seq = max(desks.as_of_seq, excluded.as_of_seq)",
        (state.desk, state.venue, state.currency, state.mode, state.opened_ms, seq),
    )
