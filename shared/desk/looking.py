"""Looks at the venue's side of the ledger: when the object wakes, when the venue is back, and every few minutes.

What the look brings is booked or compared by the core. An answer that failed or was only a part is never read as "there is none".
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared import log
from shared.desk import commands, reconcile
from shared.desk.state import DeskState
from shared.desk.timers import backoff_ms
from shared.errors import Refused, Retryable
from shared.model import Fill, Order, OrderStatus, ids
from shared.venues.venue import AccountView, OrderReport

if TYPE_CHECKING:
    from shared.desk.engine import Engine

TIMER = "look"
EVERY_MS = 300_000
AGAIN_MS = 2000
STANDING_MS = 30_000
OVERLAP_MS = 600_000
ROUNDS = 3
_HORIZON = "look_fills_ms"
_IN_MOTION = (OrderStatus.INTENDED, OrderStatus.SENT, OrderStatus.UNKNOWN, OrderStatus.CANCELLING)
_LISTED = (OrderStatus.ACKNOWLEDGED, OrderStatus.PARTLY_FILLED)
_log = log.get("desk.looking")


@dataclass(frozen=True, slots=True)
class Seen:
    """One answer of the venue, and how the desk stood when it was asked."""

    view: AccountView
    orders: Mapping[str, Order]
    known: Mapping[str, Order]
    touched: frozenset[str]
    in_motion: frozenset[str]


class Looking:
    """`looked_ms` is the wall time of the newest whole answer, `failing` why there is none since."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._running = False
        self._waiting: list[asyncio.Future[None]] = []
        self._seen: frozenset[str] = frozenset()
        self._tried = False
        self._failures = 0
        self._unsure = 0
        self.looked_ms: int | None = None
        self.failing: str | None = None

    def begin(self) -> None:
        """The object is awake: until the first clean look nothing is known of the venue."""
        self._engine.session.reconciled = False
        self._engine.timers.put(TIMER, self._engine.now_ms)

    async def first(self) -> None:
        """Before entries: the look of this waking, if it is still to come. One that failed is left to the timer."""
        if not self._engine.session.reconciled and (self._running or not self._tried):
            await self.look()

    async def look(self) -> bool:
        """Whether ledger and venue are now known to agree. Whoever asks during a look shares it."""
        if self._running:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            await waiter
            return self._engine.session.reconciled
        self._running = self._tried = True
        try:
            return await self._look()
        finally:
            self._running = False
            waiting, self._waiting = self._waiting, []
            for waiter in waiting:
                if not waiter.done():
                    waiter.set_result(None)
            self._engine.timers.arm()

    async def _look(self) -> bool:
        asked: set[str] = set()
        for _ in range(ROUNDS):
            await self._engine.settle()
            try:
                seen = await self._ask()
            except (Retryable, Refused) as error:
                self._failed(error.detail)
                return False
            finally:
                if news := self._engine.venue.news(self._engine.session.state):
                    self._engine.decide(news)
            if not self._take(seen, asked):
                break
        return self._compare(seen)

    def _failed(self, reason: str) -> None:
        engine = self._engine
        self.failing = reason
        engine.session.reconciled = False
        _log.warning("look_failed", extra={"reason": reason})
        engine.decide(commands.LookFailed(reason))
        engine.timers.put(TIMER, engine.now_ms + backoff_ms(self._failures))
        self._failures += 1

    async def _ask(self) -> Seen:
        engine = self._engine
        before = engine.ready()
        view = await engine.venue.account(self._since_ms(before))
        after = engine.ready()
        view = _in_our_names(view, {**before.orders, **after.orders})
        names = {report.client_id for report in view.orders} | {fill.client_id for fill in view.fills}
        known = {each.order.client_id: each.order for each in engine.session.store.orders(sorted(names))}
        listed = {report.client_id for report in view.orders}
        # one that is open here and not listed there has ended: until it is asked about, fills may be its own
        moving = {
            each.instrument
            for each in after.orders.values()
            if each.status in _IN_MOTION or (each.status in _LISTED and each.client_id not in listed)
        }
        held_back = {each.instrument for each in after.orders.values() if self._unaskable(each)}
        moved = _moved(before, after)
        return Seen(view, after.orders, known, frozenset(moving | moved), frozenset((moving - held_back) | moved))

    def _unaskable(self, order: Order) -> bool:
        """Nobody but a person can tell what became of it: it holds its own instrument back, and nothing else."""
        client_ids = self._engine.session.offers.client_ids
        return order.status is OrderStatus.UNKNOWN and not client_ids and order.venue_order_id is None

    def _since_ms(self, state: DeskState) -> int:
        """Fills up to the newest of the last clean look are known, and some before it are asked for again."""
        begun_ms = 0 if state.trading.kind == "paper" else state.opened_ms
        newest_ms = int(self._engine.session.store.meta(_HORIZON) or 0)
        return max(begun_ms, newest_ms - OVERLAP_MS)

    def _take(self, seen: Seen, asked: set[str]) -> bool:
        """Books what is said of the desk's own orders and asks about those that the venue does not list; whether that was news."""
        engine = self._engine
        before = engine.session.head.seq
        for report in _reports(seen, self._unknown(seen.view.fills)):
            engine.book(report)
        listed = {report.client_id for report in seen.view.orders}
        missing = {
            name
            for name, order in engine.ready().orders.items()
            if order.status in _LISTED and seen.orders.get(name) is order and name not in listed and name not in asked
        }
        asked |= missing
        engine.effects.suspects |= missing
        return bool(missing) or engine.session.head.seq > before

    def _unknown(self, fills: tuple[Fill, ...]) -> set[str]:
        return {fill.fill_id for fill in fills} - self._engine.session.store.known_fills(each.fill_id for each in fills)

    def _compare(self, seen: Seen) -> bool:
        engine = self._engine
        moved = _moved_since(seen, engine.ready())
        command = commands.Looked(
            account=seen.view,
            known_orders=seen.known,
            touched=seen.touched | moved,
            seen_before=self._seen,
            whole=not seen.in_motion | moved,
        )
        known = engine.session.store.known_fills(fill.fill_id for fill in seen.view.fills)
        engine.decide(command, known_fills=known)
        state = engine.ready()
        self._seen = frozenset(reconcile.compare(state, command))
        self.looked_ms, self.failing, self._failures = engine.now_ms, None, 0
        clean = command.whole and not self._seen and not state.differences
        if clean or state.differences:
            engine.session.reconciled = clean
        if clean and not command.touched and seen.view.fills:
            self._remember(max(fill.ts_ms for fill in seen.view.fills))
        engine.timers.put(TIMER, engine.now_ms + self._wait_ms(state, whole=command.whole))
        return clean

    def _wait_ms(self, state: DeskState, whole: bool) -> int:
        """Soon where something was in flight, but ever later where it stays so."""
        if whole and self._seen <= state.differences.keys():
            self._unsure = 0
            return STANDING_MS if state.differences else EVERY_MS
        self._unsure += 1
        return min(STANDING_MS, AGAIN_MS << min(self._unsure - 1, 10))

    def _remember(self, newest_ms: int) -> None:
        store = self._engine.session.store
        if newest_ms > int(store.meta(_HORIZON) or 0):
            store.put_meta(_HORIZON, str(newest_ms))


def _in_our_names(view: AccountView, orders: Mapping[str, Order]) -> AccountView:
    """A venue without client ids names orders by its own: those of ours that it acknowledged are called by ours."""
    ours = {order.venue_order_id: name for name, order in orders.items() if order.venue_order_id}
    called = {ids.stand_in(venue_id): name for venue_id, name in ours.items()}
    called |= {each.client_id: ours[each.venue_order_id] for each in view.orders if each.venue_order_id in ours}

    def named(fills: tuple[Fill, ...]) -> tuple[Fill, ...]:
        return tuple(
            fill.model_copy(update={"client_id": called[fill.client_id]}) if fill.client_id in called else fill
            for fill in fills
        )

    reports = tuple(
        each._replace(client_id=called.get(each.client_id, each.client_id), fills=named(each.fills))
        for each in view.orders
    )
    return view._replace(orders=reports, fills=named(view.fills))


def _moved(before: DeskState, after: DeskState) -> set[str]:
    """Instruments of which an order or the position is another one now."""
    names = {
        name
        for name in {**before.positions, **after.positions}
        if before.positions.get(name) is not after.positions.get(name)
    }
    return names | _moved_orders(before.orders, after.orders)


def _moved_orders(before: Mapping[str, Order], after: Mapping[str, Order]) -> set[str]:
    both = {**before, **after}
    return {order.instrument for name, order in both.items() if before.get(name) is not after.get(name)}


def _moved_since(seen: Seen, state: DeskState) -> frozenset[str]:
    """What the answer itself led to, where the rounds ended before it was asked anew."""
    return frozenset(_moved_orders(seen.orders, state.orders))


def _reports(seen: Seen, unknown: set[str]) -> list[OrderReport]:
    """What the answer says of the desk's own orders: the open ones as listed, and fills that are not booked yet."""
    fills: dict[str, list[Fill]] = {}
    for fill in seen.view.fills:
        if fill.fill_id in unknown and fill.client_id in seen.known:
            fills.setdefault(fill.client_id, []).append(fill)
    listed = {report.client_id: report for report in seen.view.orders if report.client_id in seen.orders}
    found = []
    for name in listed.keys() | fills.keys():
        order = seen.orders.get(name) or seen.known[name]
        status = OrderStatus.PARTLY_FILLED if order.status.is_open else order.status
        report = listed.get(name) or OrderReport(name, order.venue_order_id, status)
        have = {fill.fill_id for fill in report.fills}
        more = tuple(fill for fill in fills.get(name, ()) if fill.fill_id not in have)
        found.append(report._replace(fills=report.fills + more))
    return sorted(found, key=lambda report: report.client_id)
