"""The terms of an order: whether the venue, or the desk in its place, can keep them, and when their time is over.

Times in force and post-only are the venue's to keep; what it does not offer is refused before anything is sent. `gtd` is kept by
the desk as well: it cancels the order itself once market time has passed, whether or not the venue does.
"""

from __future__ import annotations

from decimal import Decimal

from shared.desk import commands
from shared.desk.context import Context
from shared.desk.event import Event
from shared.desk.intent import Refusal
from shared.desk.orders import GOOD_TILL, cancelled, out_of_reach
from shared.desk.state import DeskState
from shared.model import Instrument, Order, OrderStatus, Side, TimeInForce, exact
from shared.venues.venue import Offers

Terms = Order | commands.Place
LIMIT_BAND = Decimal("0.2")
"""The limit of a stop_limit order this far from its trigger, as a share of it, is a mistake."""
BY_DESK = frozenset({TimeInForce.GTC, TimeInForce.GTD})


def unresolved(state: DeskState, instrument: str, reduce_only: bool) -> Refusal | None:
    """No entry while nobody knows whether another order of the instrument is at the venue."""
    if reduce_only:
        return None
    for order in state.open.of(instrument):
        if order.status is OrderStatus.UNKNOWN:
            return Refusal("symbol_unresolved", f"the venue has not said yet what became of {order.client_id}")
    return None


def refusal(state: DeskState, instrument: Instrument, terms: Terms, context: Context) -> Refusal | None:
    """Why an order on these terms is not sent: nobody can keep them, or they make no sense by now."""
    return (
        unresolved(state, instrument.id, terms.reduce_only)
        or _not_offered(terms, context.offers)
        or _trigger(instrument, terms, context)
        or _over(terms, market_ms(instrument.id, context))
        or _crosses(terms, context)
    )


def _not_offered(terms: Terms, offers: Offers) -> Refusal | None:
    if terms.kind.has_trigger and not offers.resting_stops:
        return Refusal("not_offered", "no stop order may rest at this venue: give the position a stop instead")
    if terms.post_only and not offers.post_only:
        return Refusal("not_offered", "the venue does not offer post_only")
    force = terms.time_in_force
    if force not in offers.times_in_force and force not in BY_DESK:
        return Refusal("not_offered", f"the venue does not offer time_in_force {force}")
    return None


def _trigger(instrument: Instrument, terms: Terms, context: Context) -> Refusal | None:
    """A stop waits for a worse price than the one of now, and its limit is one that is then meant."""
    at = terms.trigger_price
    if at is None:
        return None
    sign = Decimal(terms.side.sign)
    mark = context.marks.get(instrument.id)
    if mark is not None and exact.multiply(sign, exact.subtract(at, mark.price)) <= 0:
        side = "above" if terms.side is Side.BUY else "below"
        return Refusal("trigger_absurd", f"{exact.text(at)} is not {side} the price, {exact.text(mark.price)}")
    if terms.limit_price is not None:
        off = exact.subtract(terms.limit_price, at)
        if abs(off) > exact.multiply(at, LIMIT_BAND):
            return Refusal("price_absurd", f"limit {exact.text(terms.limit_price)} is too far from {exact.text(at)}")
    return None


def _over(terms: Terms, now_ms: int) -> Refusal | None:
    if terms.good_till_ms is not None and terms.good_till_ms <= now_ms:
        return Refusal("good_till_past", f"{terms.good_till_ms} is not after the market's time, {now_ms}")
    return None


def _crosses(terms: Terms, context: Context) -> Refusal | None:
    """By the newest quote, where there is one; the venue has the last word."""
    mark = context.marks.get(terms.instrument)
    if not terms.post_only or mark is None or terms.limit_price is None:
        return None
    other = mark.ask if terms.side is Side.BUY else mark.bid
    if other is None or exact.multiply(Decimal(terms.side.sign), exact.subtract(terms.limit_price, other)) < 0:
        return None
    return Refusal("post_only_crosses", f"{exact.text(terms.limit_price)} would trade at once at {exact.text(other)}")


def market_ms(instrument: str, context: Context) -> int:
    """The newest market time that is known of the instrument, or of the market."""
    mark = context.marks.get(instrument)
    return max(context.market_ms, mark.market_ms if mark else 0)


def as_offered(order: Order, offers: Offers) -> Order:
    """The order as it goes out: what the desk keeps by itself is left away where the venue does not offer it."""
    update: dict[str, object] = {}
    if order.time_in_force is TimeInForce.GTD and TimeInForce.GTD not in offers.times_in_force:
        update = {"time_in_force": TimeInForce.GTC, "good_till_ms": None}
    if order.oco is not None and not offers.oco:
        update["oco"] = None
    return order.model_copy(update=update) if update else order


def due(state: DeskState, context: Context) -> list[Event]:
    """Cancels what is good no longer."""
    found: list[Event] = []
    if not state.open.sorted.timed:
        return found
    for order in state.orders.values():
        till_ms = order.good_till_ms
        over = till_ms is not None and till_ms <= market_ms(order.instrument, context)
        if over and not out_of_reach(order, context.offers):
            found += cancelled(order, "desk", GOOD_TILL)
    return found
