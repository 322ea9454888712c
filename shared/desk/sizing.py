"""How much to buy: what the proposal wants, or the desk's own fraction of equity at risk; then every limit as a cap.

    qty = equity * risk_per_trade_bps / 10_000 / (stop_distance * multiplier)

Source: fixed fractional position sizing (R. Vince, Portfolio Management Formulas, 1990; V. Tharp's "percent risk" model):
what is lost when the stop is hit at its price is the chosen fraction of equity. A proposal may want less than that, never more.
Caps are the rooms that the protections leave, at the order's own price; the smallest wins and the result is floored to the lot.
"""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from typing import NamedTuple

from shared.desk import guards, ledger
from shared.desk.context import Context
from shared.desk.state import DeskState
from shared.model import Instrument, exact
from shared.model.proposal import Size as Wanted

BPS = Decimal("0.0001")


class Size(NamedTuple):
    """`bound` is the code of the gate whose limit made it as small as it is, `risk` of the desk, or `size` of the proposal."""

    qty: Decimal
    bound: str


def entry_size(
    state: DeskState,
    context: Context,
    instrument: Instrument,
    price: Decimal,
    stop_distance: Decimal,
    equity: Decimal,
    wanted: Wanted | None = None,
) -> Size:
    """The quantity of an entry at `price`, a multiple of the lot, 0 where there is no room at all."""
    unit = exact.multiply(price, instrument.multiplier)
    lost = exact.multiply(stop_distance, instrument.multiplier)
    smallest = Size(_per(_share(equity, Decimal(state.limits.risk_per_trade_bps)), lost), "risk")
    if wanted is not None:
        smallest = min(smallest, Size(_wanted(wanted, equity, unit, lost), "size"))
    for protection in guards.of(state).bounding:
        for room in protection.rooms(state, instrument, context):
            smallest = min(smallest, Size(_per(room.notional, unit), room.code))
    return Size(exact.floor_to(max(smallest.qty, exact.ZERO), instrument.lot), smallest.bound)


def _wanted(wanted: Wanted, equity: Decimal, unit: Decimal, lost: Decimal) -> Decimal:
    if wanted.risk_bps is not None:
        return _per(_share(equity, wanted.risk_bps), lost)
    if wanted.exposure is not None:
        return _per(exact.multiply(equity, wanted.exposure), unit)
    return wanted.qty or exact.ZERO


def _share(equity: Decimal, bps: Decimal) -> Decimal:
    return exact.multiply(equity, exact.multiply(bps, BPS))


def _per(amount: Decimal, unit: Decimal) -> Decimal:
    # towards zero, so that no cap is passed by the rounding
    quotient = exact.ROUNDED.divide(amount, unit)
    return quotient.quantize(ledger.PLACES, rounding=ROUND_DOWN, context=exact.ROUNDED)
