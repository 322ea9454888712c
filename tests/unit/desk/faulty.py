"""A venue and a store that fail on purpose, and a crash that ends everything where it stands."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from shared.errors import Refused, VenueUnavailable
from shared.model import Candle, Order
from shared.venues.paper import PaperVenue
from shared.venues.venue import OrderReport
from tests.unit.desk.native_sql import NativeSql


class Crash(BaseException):
    """The process is gone: nothing after this may write."""


class Doom:
    """Counts boundaries down; at zero the process dies, and stays dead."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.dead = False

    def at(self, _what: str) -> None:
        if self.dead:
            raise Crash
        if self.left is not None:
            self.left -= 1
            if self.left <= 0:
                self.dead = True
                raise Crash


def sent_body(order: Order) -> tuple[Any, ...]:
    return (order.instrument, order.side, order.kind, order.qty, order.limit_price, order.reduce_only)


class FaultyVenue(PaperVenue):
    """The paper venue behind a bad line. `script` holds what happens to the next calls: `before`, `after`, `no` or `ok`.

    `before` is lost on the way there, `after` on the way back, `no` is a refusal. `sent` keeps every body under its id.
    """

    def __init__(self, sql: NativeSql, doom: Doom | None = None, watch: Callable[[Order], None] | None = None) -> None:
        super().__init__(sql)
        self.script: deque[str] = deque()
        self.sent: dict[str, set[tuple[Any, ...]]] = {}
        self.places: list[str] = []
        self._doom = doom or Doom()
        self._watch = watch

    def _enter(self, what: str) -> str:
        self._doom.at(what)
        fault = self.script.popleft() if self.script else "ok"
        if fault == "before":
            raise VenueUnavailable("time-out on the way there")
        if fault == "no":
            raise Refused("no", code="venue_says_no")
        return fault

    def _leave(self, what: str, fault: str) -> None:
        self._doom.at(what)
        if fault == "after":
            raise VenueUnavailable("time-out on the way back")

    async def place(self, order: Order) -> OrderReport:
        if self._watch is not None:
            self._watch(order)
        self.places.append(order.client_id)
        self.sent.setdefault(order.client_id, set()).add(sent_body(order))
        fault = self._enter("place")
        report = await super().place(order)
        self._leave("placed", fault)
        return report

    async def cancel(self, client_id: str, venue_order_id: str | None = None) -> OrderReport:
        fault = self._enter("cancel")
        report = await super().cancel(client_id)
        self._leave("cancelled", fault)
        return report

    async def order(self, client_id: str, venue_order_id: str | None = None) -> OrderReport | None:
        fault = self._enter("ask")
        report = await super().order(client_id)
        self._leave("asked", fault)
        return report

    def on_bars(self, candles: list[Candle]) -> list[OrderReport]:  # type: ignore[override]
        self._doom.at("bars")
        reports = super().on_bars(candles)
        self._doom.at("filled")
        return reports
