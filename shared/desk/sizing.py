"""How much to buy: a fixed fraction of equity at risk, then every limit as a cap.

    qty = equity * risk_per_trade_bps / 10_000 / (stop_distance * multiplier)

Source: fixed fractional position sizing (R. Vince, Portfolio Management Formulas, 1990; V. Tharp's "percent risk" model):
what is lost when the stop is hit at its price is the chosen fraction of equity. Caps are the room left under each notional
limit and the free balance, at the order's own price; the smallest wins and the result is floored to the lot.
"""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal
from typing import NamedTuple

from shared.desk import ledger
from shared.desk.context import Context
from shared.desk.promised import promised
from shared.desk.state import DeskState
from shared.model import Instrument, OrderKind, exact

MARKET_MOVE_BPS = 100
"""What a market order's price may move between the decision and the fill, kept free besides slippage and fee."""


class Size(NamedTuple):
    """`bound` is the code of the gate whose limit made it as small as it is, or `risk`."""

    qty: Decimal
    bound: str


def allowance(state: DeskState, kind: OrderKind) -> Decimal:
    """What a buy may cost beside its notional, as a factor of 1 or more: the fee, and for a market order slippage and a move."""
    bps = state.paper.fee_bps
    if kind is OrderKind.MARKET:
        bps = exact.add(exact.add(bps, state.paper.slippage_bps), Decimal(MARKET_MOVE_BPS))
    return exact.add(Decimal(1), exact.multiply(bps, Decimal("0.0001")))


def cost_of(state: DeskState, instrument: Instrument, kind: OrderKind, qty: Decimal, price: Decimal) -> Decimal:
    """What a buy may take out of the balance at most, in quote."""
    return exact.multiply(instrument.notional(qty, price), allowance(state, kind))


def reserved(state: DeskState, quote: str) -> Decimal:
    """What the open buy orders may still take out of the balance of `quote`."""
    total = exact.ZERO
    for (asset, kind), notional in promised(state).by_kind.items():
        if asset == quote:
            total = exact.add(total, exact.multiply(notional, allowance(state, kind)))
    return total


def free_balance(state: DeskState, quote: str) -> Decimal:
    """Cash less what open buys reserve; may be negative after a gap against the desk."""
    return exact.subtract(state.cash.get(quote, exact.ZERO), reserved(state, quote))


def entry_size(
    state: DeskState, context: Context, instrument: Instrument, price: Decimal, stop_distance: Decimal, equity: Decimal
) -> Size:
    """The quantity of a market entry at `price`, a multiple of the lot, 0 where there is no room at all."""
    unit = exact.multiply(price, instrument.multiplier)
    limits = state.limits
    at_risk = exact.multiply(equity, exact.multiply(Decimal(limits.risk_per_trade_bps), Decimal("0.0001")))
    marks = context.marks
    symbol_room = exact.subtract(limits.max_symbol_notional, ledger.symbol_exposure(state, marks, instrument.id))
    total_room = exact.subtract(limits.max_total_notional, ledger.total_exposure(state, marks))
    cost_of_one = exact.multiply(unit, allowance(state, OrderKind.MARKET))
    caps = (
        Size(_per(at_risk, exact.multiply(stop_distance, instrument.multiplier)), "risk"),
        Size(_per(limits.max_order_notional, unit), "max_order_notional"),
        Size(_per(symbol_room, unit), "max_symbol_notional"),
        Size(_per(total_room, unit), "max_total_notional"),
        Size(_per(free_balance(state, instrument.quote), cost_of_one), "free_balance"),
    )
    smallest = min(caps)
    return Size(exact.floor_to(max(smallest.qty, exact.ZERO), instrument.lot), smallest.bound)


def _per(amount: Decimal, unit: Decimal) -> Decimal:
    # towards zero, so that no cap is passed by the rounding
    quotient = exact.ROUNDED.divide(amount, unit)
    return quotient.quantize(ledger.PLACES, rounding=ROUND_DOWN, context=exact.ROUNDED)
