"""Prices and quantities that nobody can mean, and markets that nobody should chase."""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field

from shared.desk.context import Context, Mark
from shared.desk.intent import Intent, Refusal
from shared.desk.protection import BPS, Protection
from shared.desk.state import DeskState
from shared.model import OrderKind, exact

MAX_QTY = Decimal(10) ** 12


class PriceBand(Protection):
    """Refuses a fat finger, of every order: a quantity above 10^12, a price `wrong_side_bps` through the market, or `span` times
    away.

    Idea: a buy far above, or a sell far below the market, would fill at once at a price that nobody meant. And refuses an entry
    after a flash: a price `jump_bps` or more away from the close before it, until another bar has closed near it.
    Units: basis points of the market's price, of the close before it; no windows, so no clock.
    Source: SEC Limit Up-Limit Down plan (2012); FIA, Best Practices for Automated Trading Risk Controls (2024), price tolerance.
    """

    always = True
    place = 50
    sized = True
    refusals = ("qty_absurd", "price_absurd", "price_jump")
    wrong_side_bps: int = Field(default=2000, ge=1, le=9000)
    span: int = Field(default=10, ge=2, le=100)
    jump_bps: int = Field(default=5000, ge=1, le=100_000)

    def refuse(self, state: DeskState, intent: Intent, context: Context) -> Refusal | None:
        if intent.qty > MAX_QTY:
            return Refusal("qty_absurd", f"qty {exact.text(intent.qty)} is above {MAX_QTY}")
        mark = context.marks.get(intent.instrument.id)
        if mark is None:
            return None
        if intent.kind is not OrderKind.MARKET and self._is_absurd(intent, mark):
            return Refusal("price_absurd", f"price {exact.text(intent.price)} is too far from {exact.text(mark.price)}")
        if intent.is_entry and self._has_jumped(mark):
            reason = f"{exact.text(mark.price)} is {self.jump_bps} bps or more from the close before it"
            return Refusal("price_jump", reason)
        return None

    def _is_absurd(self, intent: Intent, mark: Mark) -> bool:
        span = Decimal(self.span)
        if intent.price > exact.multiply(mark.price, span) or exact.multiply(intent.price, span) < mark.price:
            return True
        # what rests until its trigger lies beyond the market by its nature
        if intent.kind.has_trigger:
            return False
        worse = exact.multiply(Decimal(intent.side.sign), exact.subtract(intent.price, mark.price))
        return exact.multiply(worse, BPS) > exact.multiply(mark.price, Decimal(self.wrong_side_bps))

    def is_beyond(self, price: Decimal, market: Decimal) -> bool:
        """Whether a price lies outside of the band, on either side of the market's."""
        return _off(price, market) > exact.multiply(market, Decimal(self.wrong_side_bps))

    def _has_jumped(self, mark: Mark) -> bool:
        before = mark.before
        return before is not None and _off(mark.price, before) >= exact.multiply(before, Decimal(self.jump_bps))


def _off(price: Decimal, market: Decimal) -> Decimal:
    """How far apart, ten thousand times over."""
    return exact.multiply(abs(exact.subtract(price, market)), BPS)
