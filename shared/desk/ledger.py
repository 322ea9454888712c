"""Exact money: what a fill does to cash and position, and what the whole is worth.

For every quote asset, to the last decimal and after every fill:

    cash + open cost = initial cash + realised - fees
    cash = initial cash - sum(side sign * value of each fill) - fees
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from shared.desk.context import Mark
from shared.desk.promised import promised
from shared.desk.state import DeskState
from shared.model import Fill, Instrument, Position, exact

PLACES = Decimal(1).scaleb(-exact.MAX_DIGITS)


def value_of(instrument: Instrument, qty: Decimal, price: Decimal) -> Decimal:
    """qty * price * multiplier in quote, rounded half-even once to 18 places.

    For a listed instrument nothing is rounded: `open` refuses steps whose product is finer than that.
    """
    return to_places(instrument.notional(qty, price))


def to_places(value: Decimal) -> Decimal:
    return value.quantize(PLACES, context=exact.ROUNDED)


def change(amounts: Mapping[str, Decimal], asset: str, by: Decimal) -> dict[str, Decimal]:
    """The amounts with one of them changed."""
    return {**amounts, asset: exact.add(amounts.get(asset, exact.ZERO), by)}


def book(position: Position, fill: Fill, value: Decimal, quote: str) -> Position:
    """The position after a fill worth `value` in quote.

    On a partial close the cost removed is cost * closed / held, rounded once to 18 places; what is realised takes the
    difference, so that cash + cost is conserved exactly. A fill larger than an opposite position turns it round.
    """
    signed = exact.multiply(Decimal(fill.side.sign), fill.qty)
    fees = exact.add(position.fees, fill.fee.amount) if fill.fee.asset == quote else position.fees
    if position.is_flat or (position.qty > 0) == (signed > 0):
        return _enlarged(position.model_copy(update={"fees": fees}), fill, signed, value)
    closed = min(fill.qty, abs(position.qty))
    closed_value = value if closed == fill.qty else to_places(_share(value, closed, fill.qty))
    removed = (
        position.cost if closed == abs(position.qty) else to_places(_share(position.cost, closed, abs(position.qty)))
    )
    # what came in for a sold long, or went out for a bought-back short
    received = exact.multiply(Decimal(-fill.side.sign), closed_value)
    left = position.model_copy(
        update={
            "qty": exact.add(position.qty, exact.multiply(Decimal(fill.side.sign), closed)),
            "cost": exact.subtract(position.cost, removed),
            "realised": exact.add(position.realised, exact.subtract(received, removed)),
            "fees": fees,
        }
    )
    if left.is_flat:
        left = left.model_copy(
            update={
                "paid": exact.ZERO,
                "stop_price": None,
                "target_price": None,
                "trail_distance": None,
                "opened_ms": None,
                "entry": None,
            }
        )
    if closed == fill.qty:
        return left
    rest = exact.multiply(Decimal(fill.side.sign), exact.subtract(fill.qty, closed))
    return _enlarged(left, fill, rest, exact.subtract(value, closed_value))


def _share(value: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    return exact.ROUNDED.divide(exact.ROUNDED.multiply(value, part), whole)


def _enlarged(position: Position, fill: Fill, signed: Decimal, value: Decimal) -> Position:
    sign = Decimal(fill.side.sign)
    return position.model_copy(
        update={
            "qty": exact.add(position.qty, signed),
            "cost": exact.add(position.cost, exact.multiply(sign, value)),
            "paid": exact.add(position.paid, value),
            "opened_ms": fill.ts_ms if position.opened_ms is None else position.opened_ms,
        }
    )


def conversion(state: DeskState, marks: Mapping[str, Mark], asset: str) -> Decimal | None:
    """Units of the reporting currency for one unit of `asset`; None where it is not known, never a guess.

    Known are the currency itself and the base of a listed instrument that is quoted in the currency and has a mark.
    """
    if asset == state.currency:
        return Decimal(1)
    for instrument in state.instruments.values():
        if instrument.base == asset and instrument.quote == state.currency and instrument.multiplier == 1:
            mark = marks.get(instrument.id)
            if mark is not None:
                return mark.price
    return None


def market_value(instrument: Instrument, qty: Decimal, mark: Mark | None) -> Decimal | None:
    """Signed, in quote; None without a mark."""
    return None if mark is None else instrument.notional(qty, mark.price)


def equity(state: DeskState, marks: Mapping[str, Mark], since_ms: int | None = None) -> Decimal | None:
    """Cash and positions in the reporting currency; None while a price or a conversion is not known.

    With `since_ms` (wall time), what has no newer price than that counts for no more than it cost: to size on.
    """
    total = exact.ZERO
    for asset, amount in state.cash.items():
        rate = conversion(state, marks, asset) if amount else exact.ZERO
        if rate is None:
            return None
        total = exact.add(total, exact.multiply(amount, rate))
    for position in state.held():
        instrument = state.instruments[position.instrument]
        value = market_value(instrument, position.qty, marks.get(position.instrument))
        rate = conversion(state, marks, instrument.quote)
        if value is None or rate is None:
            return None
        if since_ms is not None and marks[position.instrument].received_ms < since_ms:
            value = min(value, position.cost)
        total = exact.add(total, exact.multiply(value, rate))
    return total


def unrealised(state: DeskState, marks: Mapping[str, Mark], position: Position) -> Decimal | None:
    """Market value less cost, in quote."""
    value = market_value(state.instruments[position.instrument], position.qty, marks.get(position.instrument))
    return None if value is None else exact.subtract(value, position.cost)


def symbol_exposure(state: DeskState, marks: Mapping[str, Mark], instrument_id: str) -> Decimal:
    """Absolute notional in quote: what is held, at its mark or else at cost, and what open buys may still add."""
    held = _exposure(state, marks, [state.position(instrument_id)])
    return exact.add(held, promised(state).by_instrument.get(instrument_id, exact.ZERO))


def total_exposure(state: DeskState, marks: Mapping[str, Mark]) -> Decimal:
    """The sum over all instruments; one currency, since an entry in another one is refused (`no_conversion`)."""
    return exact.add(held_exposure(state, marks), promised(state).total)


def held_exposure(state: DeskState, marks: Mapping[str, Mark]) -> Decimal:
    """The absolute notional of what is held, without open orders."""
    return _exposure(state, marks, state.held())


def _exposure(state: DeskState, marks: Mapping[str, Mark], positions: Iterable[Position]) -> Decimal:
    total = exact.ZERO
    for position in positions:
        if not position.is_flat:
            instrument = state.instruments[position.instrument]
            value = market_value(instrument, position.qty, marks.get(position.instrument))
            total = exact.add(total, abs(position.cost if value is None else value))
    return total
