"""What the contract needs of a venue under test. A new adapter brings one of these, and inherits the suites."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from decimal import Decimal
from typing import Any, Protocol, TypeVar

import pytest

from shared.errors import Refused
from shared.model import Cause, Fill, Instrument, Order, OrderKind, OrderStatus, Side, TimeInForce, exact, ids
from shared.venues.venue import OrderReport, Trading

T = TypeVar("T")
D = Decimal
PRICE = D(100)
"""Where every market begins."""
PLENTY = D(10)
"""What the market takes at once."""
TOO_MUCH = D(50_000)
"""What it does not."""
CASH = D(100_000_000)


class Line(Protocol):
    """The wire between adapter and venue, where there is one: it can be told to fail, and it knows what the venue saw."""

    def fault(self, endpoint: str, kind: str, **more: Any) -> None:
        """One more, until `clear`; `kind` is one of `tests/sandbox/faults.py`."""

    def clear(self) -> None: ...

    def seen(self, endpoint: str) -> int:
        """How many requests the venue has received there."""

    def deliver(self) -> None:
        """Waits until what was under way has arrived."""

    def rights(self, *rights: str) -> None:
        """What the key may do; none: it is revoked."""

    def push(self, seconds: int) -> None:
        """So much wall time passes at the venue."""


class World(ABC):
    """One account with `CASH` dollars at a venue with one instrument, whose market stands at `PRICE`."""

    name: str
    venue: Trading
    instrument: Instrument
    line: Line | None = None

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Until it is done."""
        raise NotImplementedError

    @abstractmethod
    def move(self, *prices: str) -> None:
        """The market goes through these prices one after the other and trades plenty at each."""

    @abstractmethod
    def thin(self, qty: str, price: str) -> None:
        """So little is traded at this price, with whoever buys there."""

    @abstractmethod
    def market_ms(self) -> int:
        """The venue's market time."""

    @abstractmethod
    def later(self) -> int:
        """Market time goes on by a step, and the venue notices; its length, the same for each."""

    @abstractmethod
    def again(self) -> Trading:
        """Another adapter on the same account, as after a restart."""

    # what follows is the same for all

    _numbers = itertools.count(1)

    def order(self, side: Side = Side.BUY, qty: Decimal = PLENTY, **changes: Any) -> Order:
        """One that was never seen before; `limit` and `trigger` are decimal text and make its kind."""
        limit, trigger = changes.pop("limit", None), changes.pop("trigger", None)
        kinds = {
            (False, False): OrderKind.MARKET,
            (True, False): OrderKind.LIMIT,
            (False, True): OrderKind.STOP,
            (True, True): OrderKind.STOP_LIMIT,
        }
        fields = {
            "client_id": ids.digest("contract", next(self._numbers)),
            "instrument": self.instrument.id,
            "side": side,
            "kind": kinds[limit is not None, trigger is not None],
            "qty": qty,
            "limit_price": None if limit is None else D(limit),
            "trigger_price": None if trigger is None else D(trigger),
            "cause": Cause.MANUAL,
            "by": "contract",
            "reference_price": PRICE,
            "market_ms": self.market_ms(),
            "intended_ms": 1,
        }
        return Order(**{**fields, **changes})

    def place(self, order: Order) -> OrderReport:
        return self.run(self.venue.place(order))

    def ask(self, report: OrderReport, venue: Trading | None = None) -> OrderReport:
        """What the venue says of it now."""
        found = self.run((venue or self.venue).order(report.client_id, report.venue_order_id))
        assert found is not None, "the venue knows what it acknowledged"
        return found

    def cancel(self, report: OrderReport) -> OrderReport:
        return self.run(self.venue.cancel(report.client_id, report.venue_order_id))

    def placed(self, side: Side = Side.BUY, qty: Decimal = PLENTY, **changes: Any) -> OrderReport:
        return self.place(self.order(side, qty, **changes))

    def filled(self, side: Side = Side.BUY, qty: Decimal = PLENTY) -> OrderReport:
        """A market order, and the market goes on."""
        report = self.placed(side, qty)
        self.move("100")
        return self.ask(report)

    def code_of_refusal(self, order: Order) -> str:
        """Why it was not taken: the venue may say no at once, or acknowledge and report it rejected."""
        try:
            report = self.place(order)
        except Refused as error:
            return error.error_code
        self.move("100")
        report = self.ask(report)
        assert report.status is OrderStatus.REJECTED, f"{self.name} took it: {report}"
        assert not report.fills
        return report.reason

    def offered(self, order: Order, *, offers: bool) -> bool:
        """Whether the venue offers such an order; where it does not, it must refuse it so."""
        if not offers:
            assert self.code_of_refusal(order) == "not_offered"
        return offers

    def offers_time(self, time: TimeInForce) -> bool:
        return time in self.venue.offers.times_in_force

    def wire(self) -> Line:
        """The line, or a skip that says why."""
        if self.line is None:
            pytest.skip(f"there is no line to {self.name}: it lives with the desk")
        return self.line

    def only_with_client_ids(self) -> None:
        if not self.venue.offers.client_ids:
            pytest.skip(f"{self.name} takes no client ids")


def total(fills: tuple[Fill, ...]) -> Decimal:
    """What they come to."""
    found = exact.ZERO
    for fill in fills:
        found = exact.add(found, fill.qty)
    return found


def value(fills: tuple[Fill, ...]) -> Decimal:
    """What they cost, signed, fees left out."""
    found = exact.ZERO
    for fill in fills:
        signed = exact.multiply(Decimal(fill.side.sign), exact.multiply(fill.qty, fill.price))
        found = exact.add(found, signed)
    return found
