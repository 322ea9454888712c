"""The line between one life of the desk and the venue: latency, time-outs, lost and repeated answers. It dies with that life."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from shared.config import Paper
from shared.errors import DeskError, NotFound, Refused, VenueUnavailable
from shared.model import Candle, Instrument, Order
from shared.venues.venue import AccountView, Credentials, Offers, OrderReport

if TYPE_CHECKING:
    from tests.simulation.world import Life

TIMEOUT_MS = 5_000
WRONG = {
    "error_before": "502",
    "error_after": "500",
    "too_many": "429",
    "garbled": "cut off in the middle",
    "call_lost": "time-out",
    "answer_lost": "time-out",
    "late_arrival": "time-out",
    "venue_silent": "time-out",
}
NOT_DONE = ("error_before", "too_many", "said_no", "call_lost", "venue_silent")


class Line:
    """`Trading` for one life of the desk, with the seams of the paper venue that the engine asks for."""

    def __init__(self, life: Life) -> None:
        self._life = life
        self._world = life.world
        self._venue = life.world.venue
        self.silent_ms = 0
        """Wall time of the first call without an answer since the last one with one; 0 while it answers."""

    @property
    def offers(self) -> Offers:
        return self._venue.offers

    def configure(self, rules: Paper, instruments: Mapping[str, Instrument], *_: Any, **__: Any) -> None:
        """Nothing: the venue has rules of its own."""

    def on_bars(self, candles: list[Candle]) -> list[OrderReport]:
        """Nothing fills on bars here: what fills is pushed."""
        return []

    async def credentials(self) -> Credentials:
        self.silent_ms = 0
        return Credentials(valid=True, may_trade=True, may_withdraw=False)

    async def keep_alive(self, within_s: int) -> None:
        """The venue has no such switch, and says so."""
        self.silent_ms = 0

    async def place(self, order: Order) -> OrderReport:
        self._life.doom.at("place")
        self._world.judge.sent(order)
        done = await self._call("place", order.client_id, lambda: self._venue.place(order))
        assert isinstance(done, OrderReport)
        return done

    async def cancel(self, client_id: str, venue_order_id: str | None = None) -> OrderReport:
        self._life.doom.at("cancel")
        try:
            done = await self._call("cancel", client_id, lambda: self._venue.cancel(client_id, venue_order_id))
        except NotFound:
            self._world.judge.denied(client_id)
            raise
        assert isinstance(done, OrderReport)
        return done

    async def order(self, client_id: str, venue_order_id: str | None = None) -> OrderReport | None:
        self._life.doom.at("ask")
        if venue_order_id is None and not self.offers.client_ids:
            self._world.judge.wrong(f"asked about {client_id} by its id where ids are not known")
        done: OrderReport | None = await self._call(
            "ask", client_id, lambda: self._venue.order(client_id, venue_order_id)
        )
        if done is None:
            self._world.judge.denied(client_id)
        return done

    async def account(self, since_ms: int) -> AccountView:
        self._life.doom.at("account")
        if self._world.faults.strike("account_fails"):
            self._heard(VenueUnavailable)
            raise VenueUnavailable("the account came back partial")
        done: AccountView = await self._call("account", "", lambda: self._venue.account(since_ms))
        return done

    async def _call(self, what: str, subject: str, handle: Callable[[], Any]) -> Any:
        """Sends, waits in simulated time, and answers as the fault would have it."""
        world, loop = self._world, self._world.loop
        fault = "venue_silent" if world.venue_away else world.faults.on_call()
        if not fault and what == "place" and world.faults.strike("late_arrival"):
            fault = "late_arrival"
        answer: asyncio.Future[Any] = loop.create_future()
        there, back = world.latency(), world.latency()
        if fault == "slow":
            there, back = there + world.faults.dice.randint(500, 2_000), back + world.faults.dice.randint(500, 2_000)
        if fault == "late_arrival":
            there = TIMEOUT_MS + world.faults.dice.randint(1, 30_000)

        def arrive() -> None:
            if self._life.doom.dead and world.faults.dice.random() < 0.5:
                return
            try:
                done, error = handle(), None
            except DeskError as no:
                done, error = None, no
            world.note(f"venue   {what} {subject[:6]} -> {_told(done, error)}")
            if fault in ("", "slow"):
                loop.after(back, _settle, answer, done, error)

        world.note(f"desk    {what} {subject[:6]}" + (f"   [{fault}]" if fault else ""))
        if fault not in NOT_DONE:
            loop.after(there, arrive)
        if fault and fault != "slow":
            wait = TIMEOUT_MS if WRONG.get(fault) == "time-out" else there + back
            refusal: DeskError = Refused("no", code="venue_says_no")
            if fault != "said_no":
                refusal = VenueUnavailable(WRONG[fault], retry_after_s=1 if fault == "too_many" else None)
            loop.after(wait, _settle, answer, None, refusal)
        try:
            done = await answer
            self._heard(None)
            return done
        except DeskError as error:
            self._heard(type(error))
            raise
        finally:
            self._life.doom.at(f"{what} answered")

    def _heard(self, error: type[DeskError] | None) -> None:
        """A no is an answer."""
        silent = error is not None and issubclass(error, VenueUnavailable)
        self.silent_ms = (self.silent_ms or self._world.now_ms()) if silent else 0


def _settle(answer: asyncio.Future[Any], done: Any, error: DeskError | None) -> None:
    if answer.done():
        return
    if error is None:
        answer.set_result(done)
    else:
        answer.set_exception(error)


def _told(done: Any, error: DeskError | None) -> str:
    if error is not None:
        return f"{type(error).__name__} {error.error_code}"
    if isinstance(done, OrderReport):
        return f"{done.status} {len(done.fills)} fills {done.reason}".strip()
    return "not known" if done is None else "account"
