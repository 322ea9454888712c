"""The account kept a second time, from the venue's record of its fills: the desk's ledger must agree to the last decimal."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from shared.desk import events as ev
from shared.desk.state import DeskState
from tests.simulation.venue import SimVenue

ZERO = Decimal(0)


class Book:
    """`booked` are the fill ids in the log. Nothing here is rounded: the market's steps multiply exactly."""

    def __init__(self, venue: SimVenue, wrong: Callable[[str], None]) -> None:
        self._venue = venue
        self._wrong = wrong
        self.booked: set[str] = set()
        self.foreign = False
        self._initial: dict[str, Decimal] = {}
        self._cash: dict[str, Decimal] = {}
        self._fees: dict[str, Decimal] = {}
        self._adjusted: dict[str, Decimal] = {}
        self._held: dict[str, Decimal] = {}

    def open(self, event: ev.DeskOpened) -> None:
        self._initial = {event.currency: event.cash}
        self._cash = dict(self._initial)

    def take(self, event: ev.OrderFilled | ev.FillFound | ev.LedgerAdjusted, after: DeskState) -> None:
        """Books what the log says was booked, as the venue has it, and compares."""
        if isinstance(event, ev.LedgerAdjusted):
            self._adjust(event, after)
        else:
            self._fill(event)
        self._compare(after)

    def _fill(self, event: ev.OrderFilled | ev.FillFound) -> None:
        told = event.fill if isinstance(event, ev.OrderFilled) else event
        theirs = self._venue.fills.get(told.fill_id)
        if theirs is None:
            self._wrong(f"the fill {told.fill_id} never happened")
            return
        if told.fill_id in self.booked:
            self._wrong(f"the fill {told.fill_id} was booked twice")
        self.booked.add(told.fill_id)
        mine = (told.instrument, told.side, told.qty, told.price, told.fee, told.ts_ms)
        if mine != (theirs.instrument, theirs.side, theirs.qty, theirs.price, theirs.fee, theirs.ts_ms):
            self._wrong(f"the fill {told.fill_id} was booked as {mine}")
        if event.value != theirs.qty * theirs.price:
            self._wrong(f"the fill {told.fill_id} is worth {theirs.qty * theirs.price}, not {event.value}")
        sign = Decimal(theirs.side.sign)
        _add(self._cash, "USD", -sign * theirs.qty * theirs.price)
        _add(self._cash, theirs.fee.asset, -theirs.fee.amount)
        _add(self._fees, theirs.fee.asset, theirs.fee.amount)
        _add(self._held, theirs.instrument, sign * theirs.qty)

    def _adjust(self, event: ev.LedgerAdjusted, after: DeskState) -> None:
        if event.asset is not None:
            _add(self._cash, event.asset, event.amount)
            _add(self._adjusted, event.asset, event.amount)
        if event.instrument is not None:
            _add(self._held, event.instrument, event.qty)
            _add(self._adjusted, after.instruments[event.instrument].quote, event.cost)

    def _compare(self, after: DeskState) -> None:
        for name, mine, theirs in (
            ("cash", self._cash, after.cash),
            ("fees", self._fees, after.fees),
            ("positions", self._held, {name: position.qty for name, position in after.positions.items()}),
        ):
            if {k: v for k, v in mine.items() if v} != {k: v for k, v in theirs.items() if v}:
                self._wrong(f"{name} should be {mine}, the desk has {theirs}")
        cost = sum((position.cost for position in after.positions.values()), ZERO)
        realised = sum((position.realised for position in after.positions.values()), ZERO)
        for asset in self._cash:
            left = after.cash.get(asset, ZERO) + (cost if asset == "USD" else ZERO)
            right = self._initial.get(asset, ZERO) - after.fees.get(asset, ZERO) + self._adjusted.get(asset, ZERO)
            right += realised if asset == "USD" else ZERO
            if left != right:
                self._wrong(f"{asset} is not conserved: {left} against {right}")

    def unbooked(self) -> list[str]:
        """Fills of the venue that the ledger does not have."""
        return [name for name in self._venue.fills if name not in self.booked]


def _add(amounts: dict[str, Decimal], name: str, by: Decimal) -> None:
    amounts[name] = amounts.get(name, ZERO) + by
