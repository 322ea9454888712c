"""What still has to be done in the world, derived from the state: sent, asked, cancelled, one step of an order at a time.

Nothing here decides: the venue's answer becomes a command, and the core says what it means. Requests interleave at every await,
so an order that is being worked on is left alone by all others.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from shared import log
from shared.desk import commands
from shared.desk.session import Session
from shared.desk.state import DeskState
from shared.errors import NotFound, Refused, Retryable
from shared.model import OrderStatus
from shared.venues.venue import OrderReport, Trading

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


def pending(state: DeskState) -> list[Effect]:
    """What the open orders call for, in the order in which they were intended."""
    return [Effect(_DUE[order.status], order.client_id) for order in state.orders.values() if order.status in _DUE]


class Effects:
    """`suspects` are orders that the venue may know more about than the desk: they are asked about once, whatever their status."""

    def __init__(self, session: Session, venue: Trading, run: Callable[[commands.Command, str], None]) -> None:
        self._session = session
        self._venue = venue
        self._run = run
        self._busy: set[str] = set()
        self._sent: set[str] = set()
        self.suspects: set[str] = set()

    def waiting(self) -> list[Effect]:
        """Everything that is due, whether or not it is being worked on."""
        state = self._session.state
        if state is None:
            return []
        # a question comes before the next step: the answer may be that nothing is left to do
        asked = [Effect(Do.ASK, name) for name in state.orders if name in self.suspects]
        return asked + [effect for effect in pending(state) if effect.client_id not in self.suspects]

    async def settle(self) -> bool:
        """Tries every due effect once; whether nothing is left to do."""
        tried: set[Effect] = set()
        while due := [each for each in self.waiting() if each not in tried and each.client_id not in self._busy]:
            for effect in due:
                if self._is_due(effect):
                    tried.add(effect)
                    self._busy.add(effect.client_id)
                    try:
                        await self._perform(effect)
                    finally:
                        self._busy.discard(effect.client_id)
        return not self.waiting()

    def _is_due(self, effect: Effect) -> bool:
        """Still, after what has happened since it was found, and left alone by all others."""
        order = self._session.state.orders.get(effect.client_id) if self._session.state else None
        if order is None or effect.client_id in self._busy:
            return False
        return effect.do is (Do.ASK if effect.client_id in self.suspects else _DUE.get(order.status))

    async def _perform(self, effect: Effect) -> None:
        client_id = effect.client_id
        try:
            if effect.do is Do.PLACE:
                await self._place(client_id)
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

    async def _place(self, client_id: str) -> None:
        state = self._session.state
        if client_id in self._sent or state is None:
            # it went out before and the answer was lost on the way to the store: never again without asking
            self._run(commands.Unanswered(client_id, "answer_lost"), client_id)
            return
        self._sent.add(client_id)
        try:
            report = await self._venue.place(state.orders[client_id])
        except Refused as error:
            self._run(commands.TurnedDown(client_id, error.error_code, error.detail), client_id)
        except Retryable as error:
            self._run(commands.Unanswered(client_id, error.error_code), client_id)
        else:
            self._told(report)
        self._sent.discard(client_id)

    async def _ask(self, client_id: str) -> None:
        report = await self._venue.order(client_id, self._venue_id(client_id))
        if report is None:
            self._not_known(client_id)
        else:
            self._told(report)
        self.suspects.discard(client_id)

    def _venue_id(self, client_id: str) -> str | None:
        order = self._session.state.orders.get(client_id) if self._session.state else None
        return None if order is None else order.venue_order_id

    def _told(self, report: OrderReport) -> None:
        self._run(commands.Reported(report), report.client_id)

    def _not_known(self, client_id: str) -> None:
        self._run(commands.NotKnown(client_id), client_id)
        self._sent.discard(client_id)
        self.suspects.discard(client_id)
