"""What still has to be done in the world, derived from the state: sent, asked, cancelled, one step of an order at a time.

Nothing here decides: the venue's answer becomes a command, and the core says what it means. Requests interleave at every await,
so an order that is being worked on is left alone by all others.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, Protocol

from shared import log
from shared.desk import commands
from shared.desk.context import OFFERS
from shared.desk.orders import fits, is_lost_guard, out_of_reach
from shared.desk.state import DeskState, is_guard
from shared.desk.terms import as_offered
from shared.errors import NotFound, Refused, Retryable
from shared.model import Order, OrderStatus, Side
from shared.venues.venue import Offers, OrderReport, Trading

_log = log.get("desk.effects")


class Do(StrEnum):
    PLACE = "place"
    ASK = "ask"
    CANCEL = "cancel"


class Effect(NamedTuple):
    do: Do
    client_id: str


_DUE = {
    OrderStatus.INTENDED: Do.PLACE,
    OrderStatus.SENT: Do.ASK,
    OrderStatus.UNKNOWN: Do.ASK,
    OrderStatus.CANCELLING: Do.CANCEL,
}


def pending(state: DeskState, offers: Offers = OFFERS) -> list[Effect]:
    """What the open orders call for, in the order in which they were intended."""
    found = ((_due(state, order, offers), order.client_id) for order in state.orders.values() if order.status in _DUE)
    return [Effect(do, client_id) for do, client_id in found if do is not None]


def _due(state: DeskState, order: Order, offers: Offers) -> Do | None:
    if out_of_reach(order, offers):
        # an answer is waited for no longer; then only a person can tell
        return None if order.status is OrderStatus.UNKNOWN else Do.ASK
    if order.status is OrderStatus.INTENDED and _has_to_wait(state, order, offers):
        return None
    return _DUE.get(order.status)


def _has_to_wait(state: DeskState, order: Order, offers: Offers) -> bool:
    """A sell, until the guards that hold what it sells are gone from the venue."""
    if order.side is Side.BUY or is_guard(order):
        return False
    guards = (
        each.status is not OrderStatus.INTENDED and is_guard(each) and not is_lost_guard(each, offers)
        for each in state.open_orders(order.instrument, Side.SELL)
    )
    return any(guards) and not fits(state, order, offers)


class Account(Protocol):
    @property
    def state(self) -> DeskState | None:
        """As it is now."""


class Run(Protocol):
    def __call__(self, *told: commands.AboutOrder) -> None:
        """Decides and stores them in one transaction."""


class Effects:
    """`suspects` are orders that the venue may know more about than the desk: they are asked about once, whatever their status."""

    def __init__(self, session: Account, venue: Trading, run: Run) -> None:
        self._session = session
        self._venue = venue
        self._run = run
        self._busy: set[str] = set()
        self.suspects: set[str] = set()

    def waiting(self) -> list[Effect]:
        """Everything that is due, whether or not it is being worked on."""
        state = self._session.state
        if state is None or not state.orders:
            return []
        # a question comes before the next step: the answer may be that nothing is left to do
        asked = [Effect(Do.ASK, name) for name in state.orders if self._is_suspect(name)]
        return asked + [each for each in pending(state, self._venue.offers) if not self._is_suspect(each.client_id)]

    def _is_suspect(self, client_id: str) -> bool:
        """What never left needs no question, and about what is out of reach there is none."""
        order = self._order(client_id)
        if order is None or client_id not in self.suspects or order.status is OrderStatus.INTENDED:
            return False
        return not out_of_reach(order, self._venue.offers)

    def _order(self, client_id: str) -> Order | None:
        return self._session.state.orders.get(client_id) if self._session.state else None

    async def settle(self) -> bool:
        """Tries every due effect once; whether nothing is left to do."""
        tried: set[Effect] = set()
        while due := [each for each in self.waiting() if each not in tried and each.client_id not in self._busy]:
            tried |= set(due)
            leaving = self._leave([effect.client_id for effect in due if effect.do is Do.PLACE])
            try:
                for number, effect in enumerate(due):
                    if effect.client_id in leaving or self._is_due(effect):
                        await self._alone(effect, leaving, first=not number)
            finally:
                self._busy -= leaving
        return not self.waiting()

    def _leave(self, client_ids: list[str]) -> set[str]:
        """Stores that they leave, all in one transaction; those that may. From here on they are left alone by all others."""
        if client_ids:
            self._run(*(commands.Sending(client_id) for client_id in client_ids))
            self.suspects -= set(client_ids)
        leaving = {name for name in client_ids if (order := self._order(name)) and order.status is OrderStatus.SENT}
        self._busy |= leaving
        return leaving

    def _is_due(self, effect: Effect) -> bool:
        """Still, after what has happened since it was found, and left alone by all others."""
        order, state = self._order(effect.client_id), self._session.state
        if order is None or state is None or effect.do is Do.PLACE or order.client_id in self._busy:
            return False
        return effect.do is (Do.ASK if self._is_suspect(order.client_id) else _due(state, order, self._venue.offers))

    async def _alone(self, effect: Effect, leaving: set[str], first: bool) -> None:
        self._busy.add(effect.client_id)
        try:
            await self._perform(effect, first)
        finally:
            self._busy.discard(effect.client_id)
            leaving.discard(effect.client_id)

    async def _perform(self, effect: Effect, first: bool) -> None:
        client_id = effect.client_id
        try:
            if effect.do is Do.PLACE:
                await self._place(client_id, first)
            elif effect.do is Do.CANCEL:
                self._told(await self._venue.cancel(client_id, self._venue_id(client_id)))
            else:
                await self._ask(client_id)
        except NotFound:
            self._not_known(client_id)
        except Retryable as error:
            _log.warning("venue_silent", extra={"client_id": client_id, "effect": effect.do, "code": error.error_code})
        except Refused as error:
            # the venue would not cancel: what it says of the order is what counts
            self.suspects.add(client_id)
            _log.warning("venue_refused", extra={"client_id": client_id, "effect": effect.do, "code": error.error_code})

    async def _place(self, client_id: str, first: bool) -> None:
        if not first:
            # others went out before this one: perhaps the desk was stopped, or what it would sell is sold
            self._run(commands.Sending(client_id))
        order = self._order(client_id)
        if order is not None and order.status is OrderStatus.CANCELLING:
            # nobody has to be asked: it never left
            self._run(commands.NotKnown(client_id))
        if order is None or order.status is not OrderStatus.SENT:
            return
        try:
            report = await self._venue.place(as_offered(order, self._venue.offers))
        except Refused as error:
            self._run(commands.TurnedDown(client_id, error.error_code, error.detail))
        except Retryable as error:
            self._run(commands.Unanswered(client_id, error.error_code))
        else:
            self._told(report)

    async def _ask(self, client_id: str) -> None:
        order = self._order(client_id)
        if order is not None and (order.status is OrderStatus.SENT or out_of_reach(order, self._venue.offers)):
            # the answer came and could not be kept, or there is no way to ask for it
            self._run(commands.Unanswered(client_id, "answer_lost"))
            order = self._order(client_id)
        if order is None or out_of_reach(order, self._venue.offers):
            return
        report = await self._venue.order(client_id, order.venue_order_id)
        if report is None:
            self._not_known(client_id)
        else:
            self._told(report)
        self.suspects.discard(client_id)

    def _venue_id(self, client_id: str) -> str | None:
        order = self._order(client_id)
        return None if order is None else order.venue_order_id

    def _told(self, report: OrderReport) -> None:
        self._run(commands.Reported(report))

    def _not_known(self, client_id: str) -> None:
        self._run(commands.NotKnown(client_id))
        self.suspects.discard(client_id)
