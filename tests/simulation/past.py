"""What the protections look back on, counted anew from the log and the venue's fills: round trips, errors, silence."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from shared.desk import events as ev
from shared.model import Cause, Money, Side
from tests.simulation.venue import SimVenue

ZERO = Decimal(0)


@dataclass(frozen=True)
class Trip:
    """From flat to flat: what it brought after fees, what went in (None: nobody can tell), and what caused its last fill."""

    instrument: str
    closed_ms: int
    net: Decimal
    cost: Decimal | None
    cause: Cause


@dataclass
class Course:
    """A round trip that is under way; `flow` is all that came in less all that went out, in quote."""

    qty: Decimal = ZERO
    flow: Decimal = ZERO
    cost: Decimal | None = ZERO

    def fill(self, signed: Decimal, price: Decimal, fee: Decimal) -> None:
        self.flow -= signed * price + fee
        self.pay(signed, abs(signed) * price)
        self.qty += signed

    def pay(self, signed: Decimal, amount: Decimal) -> None:
        """What goes in, if it does not take out."""
        if self.qty * signed >= 0 and self.cost is not None:
            self.cost += amount


class Past:
    """`trips` and `errors_ms` (wall time) are those since the last resume."""

    def __init__(self, venue: SimVenue) -> None:
        self._venue = venue
        self._courses: dict[str, Course] = {}
        self._causes: dict[str, Cause] = {}
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
            self._causes[event.order.client_id] = event.order.cause
        elif isinstance(event, ev.OrderFilled):
            self._fill(event.fill.fill_id, self._causes.get(event.fill.client_id, Cause.MANUAL))
        elif isinstance(event, ev.FillFound):
            self._fill(event.fill_id, Cause.MANUAL)
        elif isinstance(event, ev.LedgerAdjusted) and event.instrument is not None:
            self._adjust(event.instrument, event.qty, event.cost)

    def _fill(self, fill_id: str, cause: Cause) -> None:
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
            self.trips.append(Trip(fill.instrument, fill.ts_ms, net, course.cost, cause))
            self._courses[fill.instrument] = turned

    def _adjust(self, instrument: str, qty: Decimal, cost: Decimal) -> None:
        """What is taken over without a fill is no round trip; what it is booked at counts as paid."""
        course = self._courses.setdefault(instrument, Course())
        course.pay(qty, abs(cost))
        if course.qty * (course.qty + qty) < 0:
            # turned round by hand: what was given up and what was taken on are one sum
            course.cost = None
        course.qty += qty
        course.flow -= cost
        if not course.qty:
            del self._courses[instrument]


def _in_quote(fee: Money) -> Decimal:
    return fee.amount if fee.asset == "USD" else ZERO
