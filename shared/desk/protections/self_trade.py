"""The desk does not trade with itself."""

from __future__ import annotations

from decimal import Decimal

from shared.desk.context import Context
from shared.desk.intent import Intent, Refusal
from shared.desk.protection import Protection
from shared.desk.state import DeskState
from shared.model import Order, OrderKind, Side, exact


class SelfTrade(Protection):
    """Refuses an order that would meet an open limit order of the desk's own, on the other side of the same instrument.

    Idea: a wash trade costs two fees, moves nothing and is forbidden. A market order meets what rests at the ask (the bid) or
    better, or at the price where no quote is known. A reduce-only order always passes: getting out comes first, and the ways
    out of the desk's own cancel what is in their way. Units: prices of the quote asset; no windows, so no clock.
    Source: CFTC and CME rule 534, wash trades prohibited.
    """

    always = True
    place = 95
    refusals = ("self_trade",)

    def refuse(self, state: DeskState, intent: Intent, context: Context) -> Refusal | None:
        if intent.reduce_only or intent.kind.has_trigger or not state.orders:
            return None
        reach = _reach(intent, context)
        for order in state.open.of(intent.instrument.id):
            if order.side is not intent.side and _meets(order, intent, reach):
                return Refusal("self_trade", f"would trade with the desk's own order {order.client_id}")
        return None


def _reach(intent: Intent, context: Context) -> Decimal:
    """The furthest price that it would take at once."""
    mark = context.marks.get(intent.instrument.id)
    if intent.kind is not OrderKind.MARKET or mark is None:
        return intent.price
    return (mark.ask if intent.side is Side.BUY else mark.bid) or mark.price


def _meets(order: Order, intent: Intent, reach: Decimal) -> bool:
    if order.limit_price is None or order.kind.has_trigger:
        return False
    return exact.multiply(Decimal(intent.side.sign), exact.subtract(reach, order.limit_price)) >= 0
