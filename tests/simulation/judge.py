"""What must hold at every moment, judged from the log and from the venue's own record rather than from the desk's word."""

from __future__ import annotations

import sqlite3
import traceback
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from shared.desk import events as ev
from shared.desk import log
from shared.desk.apply import apply
from shared.desk.state import DeskState, DeskStatus
from shared.model import Order, OrderStatus, Side, Trade
from tests.simulation.bans import Moment, forbidden
from tests.simulation.book import Book
from tests.simulation.bounds import entry_beyond, guards, promised, protection_beyond, sells
from tests.simulation.past import Past, Trip
from tests.simulation.venue import body_of

if TYPE_CHECKING:
    from tests.simulation.world import World

ZERO = Decimal(0)
TRIPS_KEPT = 200


class Judge:
    """`wrongs` are the broken rules. It follows the log commit by commit, a replay of its own: `state` is every prefix in turn."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.wrongs: list[str] = []
        self.state: DeskState | None = None
        self.seq = 0
        self.kinds: Counter[str] = Counter()
        self.book = Book(world.venue, self.wrong)
        self.past = Past(world.venue)
        self.codes: Counter[str] = Counter()
        self._bodies: dict[str, tuple[object, ...]] = {}
        self._unasked: set[str] = set()
        self._halted = False
        self._reductions: set[str] = set()
        self._armed_until_ms = 0

    def wrong(self, what: str, bug: Exception | None = None) -> None:
        """A rule is broken: the run ends with the callback that broke it."""
        self._world.note(f"WRONG   {what}")
        if bug is not None and self._world.trace is not None:
            self._world.trace += [line.rstrip() for line in traceback.format_exception(bug)[-6:]]
        self.wrongs.append(what)

    # what the venue sees
    def sent(self, order: Order) -> None:
        """The desk has sent an order off."""
        name = order.client_id
        if self._bodies.setdefault(name, body_of(order)) != body_of(order):
            self.wrong(f"{name} was sent with two bodies")
        if name in self._unasked:
            self.wrong(f"{name} was sent again though the venue never said that it does not know it")
        self._unasked.add(name)
        stored = self.state.orders.get(name) if self.state is not None else None
        if stored is None:
            self.wrong(f"{name} was sent, but in the log it is not open")
        elif stored.status is not OrderStatus.SENT:
            self.wrong(f"{name} was sent before that was stored: it is {stored.status}")
        if order.reduce_only and self.state is not None:
            gone = [each for each in sells(self.state, order.instrument) if self._has_left(each)]
            self._reduces(self.state, order, gone, "was sent")
        elif self._halted or self._reductions:
            self.wrong(f"the entry {name} was sent while {'halted' if self._halted else 'reducing'}")
        elif self._world.mode == "live" and self._world.now_ms() >= self._armed_until_ms:
            self.wrong(f"the entry {name} was sent by a live desk that is not armed")

    def _has_left(self, order: Order) -> bool:
        """Whether it may be at the venue. A guard of which nobody can tell does not stand in the way of getting out."""
        lost = not self._world.offers.client_ids and order.venue_order_id is None
        return order.status is not OrderStatus.INTENDED and not (
            lost and guards(order) and order.status is OrderStatus.UNKNOWN
        )

    def denied(self, client_id: str) -> None:
        """The venue has answered that it does not know the order."""
        self._unasked.discard(client_id)

    # what the log says
    def catch_up(self) -> None:
        """Takes every event that was committed since; called inside the synchronous stretch that committed it."""
        try:
            rows = self._world.life.sql.rows(
                "SELECT seq, v, at_ms, kind, body, prev_hash, hash FROM events WHERE seq > ? ORDER BY seq", self.seq
            )
        except sqlite3.OperationalError:
            # the tables are not there yet
            return
        for row in rows:
            record = log.Record(*row)
            event = ev.read(record.kind, record.v, record.body)
            before = self.state
            self.state = apply(before, event, record.at_ms)
            self.seq = record.seq
            self.kinds[record.kind] += 1
            self._world.note(f"log     {record.seq} {_short(event)}")
            self._check(before, event, self.state, record.at_ms)
        if rows and self._halted and self.state is not None:
            self._braked(self.state)

    def _braked(self, state: DeskState) -> None:
        """After every transaction of a halted desk no entry is left that nobody takes away."""
        for name, order in state.orders.items():
            if not order.reduce_only and order.status not in (OrderStatus.CANCELLING, OrderStatus.UNKNOWN):
                self.wrong(f"the desk is halted and an entry still rests: {name} is {order.status}")

    def _check(self, before: DeskState | None, event: ev.Event, after: DeskState, at_ms: int) -> None:
        if isinstance(event, ev.DeskOpened):
            self.book.open(event)
        elif isinstance(event, ev.OrderFilled | ev.FillFound | ev.LedgerAdjusted):
            self.book.take(event, after)
        elif isinstance(event, ev.OrderIntended) and before is not None:
            self._intended(before, event.order, after, at_ms)
        self.past.take(event, at_ms)
        self._follow(event)
        expected = DeskStatus.REDUCING if self._reductions else DeskStatus.ACTIVE
        if after.status is not (DeskStatus.HALTED if self._halted else expected):
            self.wrong(f"the desk says {after.status} where the log says otherwise")
        self._sound(after)
        if not _same(after.trades, self.past.trips[-TRIPS_KEPT:]):
            self.wrong(f"the desk's round trips are {after.trades[-2:]}, they were {self.past.trips[-2:]}")

    def _follow(self, event: ev.Event) -> None:
        if isinstance(event, ev.ProposalRefused | ev.OrderRefused | ev.ReplacementDropped | ev.Reduced | ev.Halted):
            self.codes[event.code] += 1
        if isinstance(event, ev.Halted):
            self._halted = True
        elif isinstance(event, ev.Resumed):
            self._halted = False
            self._reductions.clear()
        elif isinstance(event, ev.Reduced):
            self._reductions.add(event.code)
        elif isinstance(event, ev.ReductionLifted):
            self._reductions.discard(event.code)
        elif isinstance(event, ev.Armed | ev.Disarmed):
            self._armed_until_ms = event.until_ms if isinstance(event, ev.Armed) else 0

    def _intended(self, before: DeskState, order: Order, after: DeskState, at_ms: int) -> None:
        market = self._world.life.desk.engine.market
        silent_ms = self._world.life.line.silent_ms
        bars = self._world.market.closed
        now = Moment(before, order, market.marks, self.past, bars, market.market_ms, at_ms, silent_ms)
        for why in forbidden(now):
            self.wrong(f"{order.client_id} was intended against {why}")
        if order.reduce_only:
            # a guard gives way to other sells before they leave, so the two kinds are counted by themselves
            alike = [each for each in sells(after, order.instrument) if guards(each) is guards(order)]
            self._reduces(before, order, alike, "was intended")
            return
        if self._halted or self._reductions:
            self.wrong(f"the entry {order.client_id} was intended while not active")
        beyond = [
            *entry_beyond(before, order, after, market.marks, at_ms),
            *protection_beyond(before, order, after, market.marks),
        ]
        for what in beyond:
            self.wrong(f"{order.client_id} goes beyond {what}")

    def _reduces(self, state: DeskState, order: Order, beside: list[Order], what: str) -> None:
        held = state.position(order.instrument).qty
        if order.side is not Side.SELL or promised(beside) > held:
            self.wrong(f"{order.client_id} {what} and reduces more than the {held} held: {promised(beside)}")

    def _sound(self, state: DeskState) -> None:
        """What holds of a desk after any event."""
        for name, order in state.orders.items():
            if order.client_id != name or not order.status.is_open or not ZERO <= order.filled_qty <= order.qty:
                self.wrong(f"{name} is kept as open and is not: {order.status} {order.filled_qty}/{order.qty}")
        for position in state.positions.values():
            if position.qty < 0 and not self.book.foreign:
                self.wrong(f"{position.instrument} is short: {position.qty}")
            if not position.qty and position.cost:
                self.wrong(f"{position.instrument} is flat and has a cost of {position.cost}")

    def between_steps(self) -> None:
        """What the desk has in memory is what its log adds up to."""
        engine = self._world.life.desk.engine
        if engine.session.state is not None and engine.session.state != self.state:
            self.wrong("the desk's memory is not what its log adds up to")
        for error in self._world.loop.errors:
            self.wrong(f"a callback failed: {error}")


def _same(trades: Sequence[Trade], trips: Sequence[Trip]) -> bool:
    """Whether the desk has the round trips as they were."""
    return len(trades) == len(trips) and all(
        (each.instrument, each.closed_ms, each.net, each.cause)
        == (trip.instrument, trip.closed_ms, trip.net, trip.cause)
        and (each.entry and (each.entry.by, each.entry.proposed, each.entry.risk)) == trip.opened
        and trip.cost in (None, each.cost)
        for each, trip in zip(trades, trips, strict=True)
    )


def _short(event: ev.Event) -> str:
    """An event in a few words."""
    if isinstance(event, ev.OrderIntended):
        order = event.order
        terms = f"{order.side} {order.qty} {order.instrument[3:]} {order.kind}"
        return f"{event.kind} {order.client_id[:6]} {terms}{' reduce-only' if order.reduce_only else ''} {order.cause}"
    if isinstance(event, ev.OrderFilled):
        return f"{event.kind} {event.fill.client_id[:6]} {event.fill.qty} at {event.fill.price}"
    known = {name: value for name, value in event if name in ("client_id", "reason", "code", "detail", "by")}
    if "client_id" in known:
        known["client_id"] = str(known["client_id"])[:6]
    return f"{event.kind} {' '.join(str(value)[:60] for value in known.values() if value)}"
