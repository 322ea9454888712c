"""The desk in memory over its store: wakes from snapshot and tail, drafts decisions, commits them in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from shared.desk import events as ev
from shared.desk import log
from shared.desk.apply import apply
from shared.desk.booking import NO_ORDER
from shared.desk.course import Course
from shared.desk.log import Head
from shared.desk.market import Market
from shared.desk.orders import client_id_of, project
from shared.desk.state import DeskState
from shared.desk.store import Store, StoredOrder
from shared.errors import Halt, Invalid
from shared.model import Order
from shared.ports import Sql
from shared.venues.venue import Offers

SNAPSHOT_EVERY = 256
_TAIL_AT_ONCE = 1000


class Line(NamedTuple):
    """One event of a draft with what it becomes in the log, and its order afterwards."""

    event: ev.Event
    record: log.Record
    order: Order | None


class Draft(Course):
    """Decisions that are not stored yet, each event with its place in the log."""

    def __init__(self, session: Session, now_ms: int) -> None:
        super().__init__(session.state, session, now_ms)
        self._store = session.store
        self._orders: dict[str, Order | None] = {}
        self.head = session.head
        self.lines: list[Line] = []

    def order(self, client_id: str) -> Order | None:
        """Open or closed, as of this draft."""
        if client_id not in self._orders:
            found = self.state.orders.get(client_id) if self.state is not None else None
            self._orders[client_id] = found or self._store.order(client_id)
        return self._orders[client_id]

    def foresee(self, client_ids: Iterable[str]) -> None:
        """Reads the orders that will be asked for, in as few calls as it takes; asking gives the same without it."""
        known = self.state.orders if self.state is not None else {}
        unread = [name for name in client_ids if name not in known and name not in self._orders]
        self._orders |= dict.fromkeys(unread)
        self._orders |= {each.order.client_id: each.order for each in self._store.orders(unread)}

    def add(self, event: ev.Event) -> None:
        """As a line that is still to be stored."""
        record = log.next_record(self.head, event, self._now_ms)
        _read_back(record)
        client_id = client_id_of(event)
        order = None
        if client_id is not None:
            order = self._orders[client_id] = project(self.order(client_id), event)
        self.take(event, record.at_ms)
        self.head = Head(record.seq, record.hash, record.at_ms)
        self.lines.append(Line(event, record, order))


class Session:
    """`state` is None until the desk was opened. Everything that changes it goes through `commit`.

    `offers`, `reconciled` and `live_open` are what the shell knows of the venue, for every decision's context.
    """

    def __init__(self, sql: Sql, market: Market) -> None:
        self._sql = sql
        self.store = Store(sql)
        self.market = market
        self.state: DeskState | None = None
        self.head = Head()
        self.offers = Offers()
        self.reconciled = True
        self.live_open: bool | None = True

    def load(self) -> None:
        """Newest snapshot plus the events after it; `Halt` (`log_broken`) if those do not follow from one another.

        After a long way without a snapshot, as behind those of another release, a new one is written.
        """
        state, start = self.store.snapshot()
        head = start
        while records := self.store.events(head.seq, _TAIL_AT_ONCE):
            head = log.follow(head, records)
            state = _replayed(state, records)
        self.state, self.head = state, head
        if state is not None and head.seq - start.seq > SNAPSHOT_EVERY:
            known = state
            self._sql.transaction(lambda: self.store.write_snapshot(known, head))

    def draft(self, now_ms: int) -> Draft:
        return Draft(self, now_ms)

    def commit(self, draft: Draft, also: Callable[[], None] | None = None) -> None:
        """Events, order projection, booked fills, snapshot and what `also` writes: in one transaction, then in memory.

        ValueError for a draft that was begun before another commit.
        """
        if draft.head.seq - len(draft.lines) != self.head.seq:
            raise ValueError("the desk moved on since this draft was begun")
        if draft.lines or also is not None:
            self._sql.transaction(lambda: self._write(draft, also))
        self.state, self.head = draft.state, draft.head

    def _write(self, draft: Draft, also: Callable[[], None] | None) -> None:
        orders: dict[str, StoredOrder] = {}
        fills = []
        for event, record, order in draft.lines:
            if order is not None:
                before = orders.get(order.client_id)
                intended_seq = before.intended_seq if before else record.seq
                orders[order.client_id] = StoredOrder(order, intended_seq, record.seq)
            if isinstance(event, ev.OrderFilled):
                fills.append((event.fill.fill_id, event.fill.client_id, record.seq))
            elif isinstance(event, ev.FillFound):
                fills.append((event.fill_id, NO_ORDER, record.seq))
        self.store.append([line.record for line in draft.lines])
        self.store.put_fills(fills)
        self.store.put_orders(orders.values())
        if draft.state is not None and draft.head.seq // SNAPSHOT_EVERY != self.head.seq // SNAPSHOT_EVERY:
            self.store.write_snapshot(draft.state, draft.head)
        if also is not None:
            also()

    def verify(self) -> Head:
        """The whole chain from the first event on; `Halt` (`log_broken`) with the seq where it breaks.

        What the events after the oldest snapshot add up to has to be the state that the desk works with.
        """
        state, start = self.store.snapshot(oldest=True)
        head = Head()
        while records := self.store.events(head.seq, _TAIL_AT_ONCE):
            head = log.follow(head, records)
            state = _replayed(state, [record for record in records if record.seq > start.seq])
        if head != self.head:
            raise log.broken(head.seq + 1, f"the log ends at {head.seq}, the desk stands at {self.head.seq}")
        if state != self.state:
            raise log.broken(head.seq, "the events add up to another state than the desk's")
        return head


def _read_back(record: log.Record) -> None:
    """`Invalid` for what could not be read again: once stored, it would end the desk for good."""
    try:
        ev.read(record.kind, record.v, record.body)
    except Halt as error:
        raise Invalid(f"nothing was stored, since {error.detail}") from None


def _replayed(state: DeskState | None, records: Iterable[log.Record]) -> DeskState | None:
    for record in records:
        state = apply(state, ev.read(record.kind, record.v, record.body), record.at_ms)
    return state
