"""What the protections look back on, counted anew from the log and the venue's fills: round trips, errors, silence."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from shared.desk import events as ev
from shared.model import Cause, Money, Order, Side
from tests.simulation.venue import SimVenue

ZERO = Decimal(0)


class Opened(NamedTuple):
    """By whom, whether one strategy alone, and the risk taken (None: not known)."""

    by: str
    alone: bool
    risk: Decimal | None


@dataclass(frozen=True)
class Trip:
    """From flat to flat: what it brought after fees, what went in (None: nobody can tell), and what caused its last fill.

    `opened`: by whom, whether one strategy alone bought it, and at what risk; None: nobody can tell.
    """

    instrument: str
    closed_ms: int
    net: Decimal
    cost: Decimal | None
    cause: Cause
    opened: Opened | None = None


@dataclass
class Course:
    """A round trip that is under way; `flow` is all that came in less all that went out, in quote."""

    qty: Decimal = ZERO
    flow: Decimal = ZERO
    cost: Decimal | None = ZERO
    opened: Opened | None = None
    stop: Decimal | None = None

    def fill(self, signed: Decimal, price: Decimal, fee: Decimal) -> None:
        self.flow -= signed * price + fee
        self.pay(signed, abs(signed) * price)
        self.qty += signed

    def pay(self, signed: Decimal, amount: Decimal) -> None:
        """What goes in, if it does not take out."""
        if self.qty * signed >= 0 and self.cost is not None:
            self.cost += amount

    def buy(self, qty: Decimal, price: Decimal, order: Order | None) -> None:
        """Who opened it and what is at risk once so much was bought, for long."""
        if qty == self.qty:
            self.opened = None if order is None else _opened(qty, price, order, None)
        elif self.opened is not None:
            more = None if order is None else _opened(qty, price, order, self.stop)
            both = self.opened.risk is not None and more is not None and more.risk is not None
            alone = self.opened.alone and more is not None and more.alone and more.by == self.opened.by
            risk = self.opened.risk + more.risk if both else None  # type: ignore[union-attr, operator]
            self.opened = Opened(self.opened.by, alone, risk)


def _opened(qty: Decimal, price: Decimal, order: Order, stop: Decimal | None) -> Opened:
    """What one purchase puts at risk: a strategy's stop moves with the price that is paid, a person's stays where it is."""
    by_strategy = order.cause is Cause.PROPOSAL
    distance = order.trail_distance
    if order.stop_price is not None:
        distance = (order.reference_price if by_strategy else price) - order.stop_price
    elif distance is None and stop is not None:
        distance = price - stop
    risk = None if distance is None else qty * max(ZERO, distance)
    return Opened(order.by, by_strategy and order.replaces is None, risk)


class Past:
    """`trips` and `errors_ms` (wall time) are those since the last resume."""

    def __init__(self, venue: SimVenue) -> None:
        self._venue = venue
        self._courses: dict[str, Course] = {}
        self._orders: dict[str, Order] = {}
        self.trips: list[Trip] = []
        self.errors_ms: list[int] = []

    def take(self, event: ev.Event, at_ms: int) -> None:
        """What the event adds; `at_ms` is the wall time at which it was logged."""
        if isinstance(event, ev.Resumed):
            self.trips.clear()
            self.errors_ms.clear()
        elif isinstance(event, ev.OrderUnknown | ev.OrderRejected):
            self.errors_ms.append(at_ms)
        elif isinstance(event, ev.OrderIntended):
            self._orders[event.order.client_id] = event.order
        elif isinstance(event, ev.OrderFilled):
            self._fill(event.fill.fill_id, self._orders.get(event.fill.client_id))
            if event.stop_price or event.target_price or event.trail_distance:
                self._stop(event.fill.instrument, event.stop_price)
        elif isinstance(event, ev.LevelsMoved):
            self._stop(event.instrument, event.stop_price)
        elif isinstance(event, ev.FillFound):
            self._fill(event.fill_id, None)
        elif isinstance(event, ev.LedgerAdjusted) and event.instrument is not None:
            self._adjust(event.instrument, event.qty, event.cost)

    def _stop(self, instrument: str, price: Decimal | None) -> None:
        if instrument in self._courses:
            self._courses[instrument].stop = price

    def _fill(self, fill_id: str, order: Order | None) -> None:
        fill = self._venue.fills.get(fill_id)
        if fill is None:
            return
        course = self._courses.setdefault(fill.instrument, Course())
        signed, before = fill.qty if fill.side is Side.BUY else -fill.qty, course.qty
        course.fill(signed, fill.price, _in_quote(fill.fee))
        if before and before * course.qty <= 0:
            # the fill that turns a position round ends the one and begins the other
            turned = Course(course.qty, cost=abs(course.qty) * fill.price)
            turned.flow = -course.qty * fill.price
            net = course.flow - turned.flow
            cause = Cause.MANUAL if order is None else order.cause
            self.trips.append(Trip(fill.instrument, fill.ts_ms, net, course.cost, cause, course.opened))
            self._courses[fill.instrument] = course = turned
        if signed > 0 and course.qty > 0:
            course.buy(min(signed, course.qty), fill.price, order)

    def _adjust(self, instrument: str, qty: Decimal, cost: Decimal) -> None:
        """What is taken over without a fill is no round trip; what it is booked at counts as paid."""
        course = self._courses.setdefault(instrument, Course())
        course.pay(qty, abs(cost))
        if course.qty * (course.qty + qty) < 0:
            # turned round by hand: what was given up and what was taken on are one sum
            course.cost = None
        course.qty += qty
        course.flow -= cost
        if course.opened is not None:
            course.opened = Opened(course.opened.by, False, None) if course.qty > 0 else None
        if not course.qty:
            del self._courses[instrument]


def _in_quote(fee: Money) -> Decimal:
    return fee.amount if fee.asset == "USD" else ZERO
