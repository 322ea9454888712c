"""The desk of a backtest: the very rules of the live one, over a venue on paper, with memory in place of storage."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from shared.desk import commands, following, proposing
from shared.desk import events as ev
from shared.desk.course import Course
from shared.desk.effects import Effects
from shared.desk.market import Market
from shared.desk.orders import client_id_of, project
from shared.desk.state import DeskState
from shared.model import Candle, Order, Proposal
from shared.venues.paper import PaperVenue
from shared.venues.paper_tables import MemoryTables
from shared.venues.venue import Offers, OrderReport

T = TypeVar("T")
KEPT = 512
"""Closed orders that are remembered: a long backtest must not outgrow the memory of a worker."""


class Trial(Course):
    """Decisions that become part of the account when they are committed."""

    def __init__(self, account: Account, now_ms: int) -> None:
        super().__init__(account.state, account, now_ms)
        self._known = account.orders
        self.orders: dict[str, Order | None] = {}

    def order(self, client_id: str) -> Order | None:
        """Open or closed, as of this draft."""
        if client_id in self.orders:
            return self.orders[client_id]
        return self._known.get(client_id)

    def add(self, event: ev.Event) -> None:
        """Into the state, and the order with it."""
        client_id = client_id_of(event)
        if client_id is not None:
            self.orders[client_id] = project(self.order(client_id), event)
        super().add(event)


class Prices(Market):
    """Marks that are kept nowhere."""

    def __init__(self) -> None:
        self.marks = {}
        self.market_ms = 0
        self.step_ms = 0
        self._latest_ms = 0

    def store(self, now_ms: int) -> None:
        """Nothing: nobody wakes from it."""


class Account:
    """What a desk knows, without a log: `orders` are the newest, open or closed, `events` those since they were last taken."""

    reconciled = True
    live_open: bool | None = True

    def __init__(self, market: Market, offers: Offers) -> None:
        self.market = market
        self.offers = offers
        self.state: DeskState | None = None
        self.orders: dict[str, Order] = {}
        self.fills: set[str] = set()
        self.events: list[ev.Event] = []

    def draft(self, now_ms: int) -> Trial:
        """Decisions on the present state."""
        return Trial(self, now_ms)

    def commit(self, draft: Trial) -> None:
        """The draft is what is, from now on."""
        self.state = draft.state
        for name, order in draft.orders.items():
            if order is not None:
                # what changed last stands last
                self.orders.pop(name, None)
                self.orders[name] = order
        if len(self.orders) > 2 * KEPT:
            self.orders = {
                name: order
                for at, (name, order) in enumerate(self.orders.items())
                if order.status.is_open or at >= len(self.orders) - KEPT
            }
        for event in draft.events:
            if isinstance(event, ev.OrderFilled):
                self.fills.add(event.fill.fill_id)
        self.events += draft.events


class BacktestDesk:
    """`Works` in memory. Time is the market's: `now_ms` is set to each close before anything of it is told."""

    def __init__(self, opening: commands.Open) -> None:
        self.now_ms = 0
        self.venue = PaperVenue(MemoryTables())
        self.venue.configure(
            opening.paper, {each.id: each for each in opening.instruments}, {opening.currency: opening.cash}
        )
        self.market: Market = Prices()
        self.market.step_ms = opening.interval_ms
        self.session = Account(self.market, self.venue.offers)
        self.effects = Effects(self.session, self.venue, self._run)
        draft = self.session.draft(self.now_ms)
        draft.decide(opening)
        self.commit(draft)

    def ready(self) -> DeskState:
        """The state; a backtest's desk is open from the start."""
        state = self.session.state
        if state is None:
            raise ValueError("the desk of a backtest was not opened")
        return state

    def commit(self, draft: Trial) -> None:
        """As `Account.commit`."""
        self.session.commit(draft)

    def book(self, report: OrderReport) -> int:
        """Takes the venue's report of one order over; the number of fills that were new."""
        before = len(self.session.fills)
        self._run(commands.Reported(report))
        self.effects.suspects.discard(report.client_id)
        return len(self.session.fills) - before

    def _run(self, *told: commands.AboutOrder) -> None:
        draft = self.session.draft(self.now_ms)
        for command in told:
            known: frozenset[str] = frozenset()
            if isinstance(command, commands.Reported):
                known = frozenset(fill.fill_id for fill in command.report.fills if fill.fill_id in self.session.fills)
            draft.decide(command, command.client_id, known)
        self.commit(draft)

    async def settle(self) -> bool:
        """Whether nothing is left to do at the venue."""
        return await self.effects.settle()

    def bars(self, candles: list[Candle], now_ms: int) -> None:
        """Bars of one close: fills, crossed levels, and what follows from the prices."""
        self.now_ms = now_ms
        at_once(self._bars(candles))

    async def _bars(self, candles: list[Candle]) -> None:
        await following.close(self, candles)
        await self.settle()

    def propose(self, proposals: Sequence[Proposal], now_ms: int) -> list[dict[str, Any]]:
        """What became of each."""
        self.now_ms = now_ms
        return at_once(proposing.propose(self, proposals))

    def events(self) -> list[ev.Event]:
        """What has happened since this was asked the last time."""
        found, self.session.events = self.session.events, []
        return found


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """The result of what never has to wait; RuntimeError where it does."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    work.close()
    raise RuntimeError("a venue on paper answers at once")
