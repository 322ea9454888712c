"""An order in the venue's own steps, and no smaller than it takes."""

from __future__ import annotations

from shared.desk.context import Context
from shared.desk.intent import Intent, Refusal
from shared.desk.protection import Protection
from shared.desk.state import DeskState
from shared.model import exact


class MinNotionalAndPrecision(Protection):
    """Refuses a price off the tick, a quantity off the lot, and an entry below the venue's smallest quantity or notional.

    Idea: what the venue would reject is not sent. A reduce-only order may be smaller, and one for all that is free off the lot too:
    what is left of a position has to be sold whatever its size. Units: the instrument's own steps; no windows, so no clock.
    Source: the venue's instrument rules.
    """

    always = True
    place = 70
    sized = True
    refusals = ("tick", "lot", "min_qty", "min_notional")

    def refuse(self, state: DeskState, intent: Intent, context: Context) -> Refusal | None:
        return _off_tick(intent) or _off_lot(state, intent) or _too_small(intent)


def _off_tick(intent: Intent) -> Refusal | None:
    tick = intent.instrument.tick
    prices = [intent.stop_price, intent.target_price, intent.trigger_price]
    if intent.kind.has_limit:
        prices.append(intent.price)
    for price in prices:
        if price is not None and not exact.on_step(price, tick):
            return Refusal("tick", f"price {exact.text(price)} is not a multiple of the tick {exact.text(tick)}")
    return None


def _off_lot(state: DeskState, intent: Intent) -> Refusal | None:
    lot = intent.instrument.lot
    # the lot may have grown since it was bought: all of it can be sold whatever its size
    if exact.on_step(intent.qty, lot) or (intent.reduce_only and intent.qty == state.free_qty(intent.instrument.id)):
        return None
    return Refusal("lot", f"qty {exact.text(intent.qty)} is not a multiple of the lot {exact.text(lot)}")


def _too_small(intent: Intent) -> Refusal | None:
    if intent.reduce_only:
        return None
    instrument = intent.instrument
    if intent.qty < instrument.min_qty:
        least = exact.text(instrument.min_qty)
        return Refusal("min_qty", f"qty {exact.text(intent.qty)} is below the smallest, {least}")
    if intent.notional < instrument.min_notional:
        least = exact.text(instrument.min_notional)
        return Refusal("min_notional", f"notional {exact.text(intent.notional)} is below the smallest, {least}")
    return None
