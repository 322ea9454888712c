"""What a buy may cost, and what is free to pay for it."""

from __future__ import annotations

from decimal import Decimal

from shared.desk.promised import promised
from shared.desk.state import DeskState
from shared.model import Instrument, OrderKind, exact

MARKET_MOVE_BPS = 100
"""What a market order's price may move between the decision and the fill, kept free besides slippage and fee."""


def allowance(state: DeskState, kind: OrderKind) -> Decimal:
    """What a buy may cost beside its notional, as a factor of 1 or more: the fee, and without a limit slippage and a move."""
    bps = state.paper.fee_bps
    if not kind.has_limit:
        bps = exact.add(exact.add(bps, state.paper.worse_bps), Decimal(MARKET_MOVE_BPS))
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


def free(state: DeskState, quote: str) -> Decimal:
    """Cash less what open buys reserve; may be negative after a gap against the desk."""
    return exact.subtract(state.cash.get(quote, exact.ZERO), reserved(state, quote))
