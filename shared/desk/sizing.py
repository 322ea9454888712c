"""How much to buy: a fixed fraction of equity at risk, then every limit as a cap.

    qty = equity * risk_per_trade_bps / 10_000 / (stop_distance * multiplier)

Source: fixed fractional position sizing (R. Vince, Portfolio Management Formulas, 1990; V. Tharp's "percent risk" model):
what is lost when the stop is hit at its price is the chosen fraction of equity. Caps are the rooms that the protections leave,
at the order's own price; the smallest wins and the result is floored to the lot.
"""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from typing import NamedTuple

from shared.desk import guards, ledger
from shared.desk.context import Context
from shared.desk.state import DeskState
from shared.model import Instrument, exact


class Size(NamedTuple):
    """`bound` is the code of the gate whose limit made it as small as it is, or `risk`."""

    qty: Decimal
    bound: str


def entry_size(
    state: DeskState, context: Context, instrument: Instrument, price: Decimal, stop_distance: Decimal, equity: Decimal
) -> Size:
    """The quantity of a market entry at `price`, a multiple of the lot, 0 where there is no room at all."""
    unit = exact.multiply(price, instrument.multiplier)
    at_risk = exact.multiply(equity, exact.multiply(Decimal(state.limits.risk_per_trade_bps), Decimal("0.0001")))
    smallest = Size(_per(at_risk, exact.multiply(stop_distance, instrument.multiplier)), "risk")
    for protection in guards.of(state).acting:
        for room in protection.rooms(state, instrument, context):
            smallest = min(smallest, Size(_per(room.notional, unit), room.code))
    return Size(exact.floor_to(max(smallest.qty, exact.ZERO), instrument.lot), smallest.bound)


def _per(amount: Decimal, unit: Decimal) -> Decimal:
    # towards zero, so that no cap is passed by the rounding
    quotient = exact.ROUNDED.divide(amount, unit)
    return quotient.quantize(ledger.PLACES, rounding=ROUND_DOWN, context=exact.ROUNDED)
