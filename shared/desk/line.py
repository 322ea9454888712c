"""The way to the venue: whichever venue it is, and since when it has been silent."""

from __future__ import annotations

from collections.abc import Awaitable
from decimal import Decimal
from typing import Protocol, TypeVar

from shared.clock import Clock
from shared.config import Paper
from shared.desk import commands
from shared.desk.state import DeskState
from shared.errors import Refused, Retryable, VenueUnavailable
from shared.model import Candle, Instrument, Order
from shared.venues.venue import AccountView, Credentials, Offers, OrderReport, Trading

T = TypeVar("T")


class PaperTrading(Trading, Protocol):
    """A venue that fills from the bars it is shown."""

    def configure(self, rules: Paper, instruments: dict[str, Instrument], cash: dict[str, Decimal]) -> None: ...

    def on_bars(self, candles: list[Candle]) -> list[OrderReport]: ...


class Line:
    """`Trading` that passes everything on, and hears whether anybody answered. `paper` is the venue where it is one of that kind.

    `silent_ms` is the wall time of the first call without a readable answer since the last one that had one; 0 while it answers.
    A venue's no is an answer. Without a `venue` nothing ever answers, so that a desk whose venue is not set up can still be
    looked at and halted.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.venue: Trading | None = None
        self.paper: PaperTrading | None = None
        self.silent_ms = 0
        self.detail = ""

    def take(self, venue: Trading | None, paper: PaperTrading | None = None) -> None:
        """From now on calls go to `venue`, or to `paper`."""
        self.venue, self.paper = paper or venue, paper

    @property
    def offers(self) -> Offers:
        return self._there().offers if self.venue is not None else Offers(client_ids=False)

    def news(self, state: DeskState | None) -> commands.VenueSilent | commands.VenueAnswered | None:
        """What the core has to hear of the silence, or of its end."""
        if state is None:
            return None
        if self.silent_ms:
            return commands.VenueSilent(self.silent_ms, self.detail)
        return commands.VenueAnswered() if state.venue_silent_ms else None

    def on_bars(self, candles: list[Candle]) -> list[OrderReport]:
        """What the bars fill on paper; elsewhere nothing."""
        return [] if self.paper is None else self.paper.on_bars(candles)

    async def place(self, order: Order) -> OrderReport:
        return await self._hear(self._there().place(order))

    async def cancel(self, client_id: str, venue_order_id: str | None) -> OrderReport:
        return await self._hear(self._there().cancel(client_id, venue_order_id))

    async def order(self, client_id: str, venue_order_id: str | None) -> OrderReport | None:
        return await self._hear(self._there().order(client_id, venue_order_id))

    async def account(self, since_ms: int) -> AccountView:
        return await self._hear(self._there().account(since_ms))

    async def credentials(self) -> Credentials:
        return await self._hear(self._there().credentials())

    async def keep_alive(self, within_s: int) -> None:
        return await self._hear(self._there().keep_alive(within_s))

    def _there(self) -> Trading:
        if self.venue is None:
            self._silence("the venue of this desk is not set up here")
            raise VenueUnavailable(self.detail, code="venue_not_set_up")
        return self.venue

    async def _hear(self, answer: Awaitable[T]) -> T:
        try:
            told = await answer
        except Retryable as error:
            self._silence(error.detail)
            raise
        except Refused:
            self.silent_ms = 0
            raise
        self.silent_ms = 0
        return told

    def _silence(self, detail: str) -> None:
        self.silent_ms = self.silent_ms or self._clock.now_ms()
        self.detail = detail
