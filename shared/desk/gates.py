"""The gates that every order passes: each a pure function that answers None, or a coded refusal.

The codes stand in docs/desk.md. A reduce-only order can only lower the risk: `halted`, `stale_data`, `order_rate`, the notional
limits and the free balance do not hold it back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from shared.desk import ledger, sizing
from shared.desk.apply import RATE_WINDOW_MS
from shared.desk.context import Context
from shared.desk.state import DeskState, DeskStatus
from shared.model import Instrument, OrderKind, Side, exact

PRICE_BAND = Decimal("0.2")
"""A price this far on the wrong side of the mark, as a share of it, is a mistake."""
PRICE_SPAN = Decimal(10)
"""A limit price beyond the mark times or divided by this is a mistake on either side."""
MAX_QTY = Decimal(10) ** 12
MAX_OPEN_ORDERS = 1000
"""Above what any desk may be set to, so that there is always room to get out; a snapshot has to fit in one row of 2 MB."""


class Refusal(NamedTuple):
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Intent:
    """An order that is not one yet. `price` is its limit, or for a market order the mark; `qty` in lots of the instrument."""

    instrument: Instrument
    side: Side
    kind: OrderKind
    qty: Decimal
    price: Decimal
    reduce_only: bool = False
    stop_price: Decimal | None = None
    target_price: Decimal | None = None

    @property
    def is_entry(self) -> bool:
        return not self.reduce_only

    @property
    def notional(self) -> Decimal:
        return self.instrument.notional(self.qty, self.price)


Gate = Callable[[DeskState, Intent, Context], Refusal | None]


def halted(state: DeskState, intent: Intent, _context: Context) -> Refusal | None:
    if intent.is_entry and state.status is not DeskStatus.ACTIVE:
        return Refusal("halted", f"the desk is {state.status}: {state.halt_reason}; only reduce-only orders pass")
    return None


def listed(state: DeskState, intent: Intent, _context: Context) -> Refusal | None:
    if intent.is_entry and intent.instrument.id in state.delisted:
        return Refusal("unknown_instrument", f"{intent.instrument.id} is not listed any more")
    return None


def convertible(state: DeskState, intent: Intent, _context: Context) -> Refusal | None:
    if intent.is_entry and intent.instrument.quote != state.currency:
        return Refusal("no_conversion", f"{intent.instrument.quote} cannot be counted in {state.currency}")
    return None


def fresh(state: DeskState, intent: Intent, context: Context) -> Refusal | None:
    mark = context.marks.get(intent.instrument.id)
    if intent.reduce_only:
        return None
    if mark is None:
        return Refusal("stale_data", f"no price of {intent.instrument.id} yet")
    age_ms = context.now_ms - mark.received_ms
    if age_ms > state.limits.max_data_age_ms:
        return Refusal("stale_data", f"the price is {age_ms} ms old, more than {state.limits.max_data_age_ms}")
    return None


def sane(_state: DeskState, intent: Intent, context: Context) -> Refusal | None:
    if intent.qty > MAX_QTY:
        return Refusal("qty_absurd", f"qty {exact.text(intent.qty)} is above {MAX_QTY}")
    mark = context.marks.get(intent.instrument.id)
    if mark is None or intent.kind is OrderKind.MARKET:
        return None
    band = exact.multiply(mark.price, PRICE_BAND)
    # a buy far above, or a sell far below the market, would fill at once at a price nobody meant
    worse = exact.multiply(Decimal(intent.side.sign), exact.subtract(intent.price, mark.price))
    far = intent.price > exact.multiply(mark.price, PRICE_SPAN) or exact.multiply(intent.price, PRICE_SPAN) < mark.price
    if worse > band or far:
        return Refusal("price_absurd", f"price {exact.text(intent.price)} is too far from {exact.text(mark.price)}")
    return None


def levels_sane(_state: DeskState, intent: Intent, _context: Context) -> Refusal | None:
    """A stop lies on the losing side of the price and a target on the winning one."""
    sign = Decimal(intent.side.sign)
    for name, level, way in (("stop", intent.stop_price, -1), ("target", intent.target_price, 1)):
        if level is not None and exact.multiply(sign * way, exact.subtract(level, intent.price)) <= 0:
            return Refusal(
                f"{name}_absurd", f"{name} {exact.text(level)} is on the wrong side of {exact.text(intent.price)}"
            )
    return None


def on_tick(_state: DeskState, intent: Intent, _context: Context) -> Refusal | None:
    tick = intent.instrument.tick
    prices = [intent.stop_price, intent.target_price]
    if intent.kind is OrderKind.LIMIT:
        prices.append(intent.price)
    for price in prices:
        if price is not None and not exact.on_step(price, tick):
            return Refusal("tick", f"price {exact.text(price)} is not a multiple of the tick {exact.text(tick)}")
    return None


def on_lot(state: DeskState, intent: Intent, _context: Context) -> Refusal | None:
    if intent.reduce_only and intent.qty == state.free_qty(intent.instrument.id):
        # the lot may have grown since it was bought: all of it can be sold whatever its size
        return None
    if not exact.on_step(intent.qty, intent.instrument.lot):
        return Refusal(
            "lot", f"qty {exact.text(intent.qty)} is not a multiple of the lot {exact.text(intent.instrument.lot)}"
        )
    return None


def big_enough(_state: DeskState, intent: Intent, _context: Context) -> Refusal | None:
    """A reduce-only order may be smaller: what is left of a position has to be sold whatever its size."""
    if intent.reduce_only:
        return None
    if intent.qty < intent.instrument.min_qty:
        least = exact.text(intent.instrument.min_qty)
        return Refusal("min_qty", f"qty {exact.text(intent.qty)} is below the smallest, {least}")
    if intent.notional < intent.instrument.min_notional:
        least = exact.text(intent.instrument.min_notional)
        return Refusal("min_notional", f"notional {exact.text(intent.notional)} is below the smallest, {least}")
    return None


def reduces(state: DeskState, intent: Intent, _context: Context) -> Refusal | None:
    if not intent.reduce_only:
        return None
    position = state.position(intent.instrument.id)
    if position.is_flat:
        return Refusal("no_position", f"nothing of {intent.instrument.id} is held")
    free = state.free_qty(intent.instrument.id)
    if intent.side is not Side.SELL or intent.qty > free:
        return Refusal("reduce_only", f"would not only reduce: {exact.text(free)} can be sold")
    return None


def covered(state: DeskState, intent: Intent, _context: Context) -> Refusal | None:
    """Spot, long only: nothing is sold that is not held and free."""
    if intent.reduce_only or intent.side is Side.BUY:
        return None
    free = state.free_qty(intent.instrument.id)
    if intent.qty > free:
        return Refusal("short_not_allowed", f"{exact.text(free)} can be sold; the desk does not sell short")
    return None


def order_limit(state: DeskState, intent: Intent, _context: Context) -> Refusal | None:
    return _above(intent, "max_order_notional", intent.notional, state.limits.max_order_notional)


def symbol_limit(state: DeskState, intent: Intent, context: Context) -> Refusal | None:
    if intent.side is Side.SELL:
        return None
    held = ledger.symbol_exposure(state, context.marks, intent.instrument.id)
    return _above(intent, "max_symbol_notional", exact.add(held, intent.notional), state.limits.max_symbol_notional)


def total_limit(state: DeskState, intent: Intent, context: Context) -> Refusal | None:
    if intent.side is Side.SELL:
        return None
    held = ledger.total_exposure(state, context.marks)
    return _above(intent, "max_total_notional", exact.add(held, intent.notional), state.limits.max_total_notional)


def _above(intent: Intent, code: str, notional: Decimal, limit: Decimal) -> Refusal | None:
    if intent.side is Side.SELL or notional <= limit:
        return None
    return Refusal(code, f"{exact.text(notional)} would be above {exact.text(limit)}")


def position_count(state: DeskState, intent: Intent, _context: Context) -> Refusal | None:
    """Positions held and entries under way, each instrument once."""
    if intent.side is Side.SELL:
        return None
    names = {position.instrument for position in state.held()}
    names |= {order.instrument for order in state.orders.values() if order.side is Side.BUY}
    if intent.instrument.id not in names and len(names) >= state.limits.max_open_positions:
        return Refusal("max_open_positions", f"{len(names)} positions are open or being opened")
    return None


def order_count(state: DeskState, intent: Intent, _context: Context) -> Refusal | None:
    most = state.limits.max_open_orders if intent.is_entry else MAX_OPEN_ORDERS
    if len(state.orders) >= most:
        return Refusal("max_open_orders", f"{len(state.orders)} orders are open")
    return None


def order_rate(state: DeskState, intent: Intent, context: Context) -> Refusal | None:
    since = context.now_ms - RATE_WINDOW_MS
    recent = sum(1 for at_ms in state.recent_order_ms if at_ms > since)
    if intent.is_entry and recent >= state.limits.max_orders_per_minute:
        return Refusal("order_rate", f"{recent} orders in the last minute")
    return None


def balance(state: DeskState, intent: Intent, _context: Context) -> Refusal | None:
    if intent.side is Side.SELL:
        return None
    cost = sizing.cost_of(state, intent.instrument, intent.kind, intent.qty, intent.price)
    free = sizing.free_balance(state, intent.instrument.quote)
    if cost > free:
        return Refusal("free_balance", f"may cost {exact.text(cost)} with fee and slippage; {exact.text(free)} is free")
    return None


BEFORE_SIZE: tuple[Gate, ...] = (halted, listed, convertible, fresh, order_rate, position_count, order_count)
"""What can be said before the quantity is known."""

ALL: tuple[Gate, ...] = (
    halted,
    listed,
    convertible,
    fresh,
    sane,
    levels_sane,
    on_tick,
    on_lot,
    big_enough,
    reduces,
    covered,
    order_limit,
    symbol_limit,
    total_limit,
    position_count,
    order_count,
    order_rate,
    balance,
)


def check(state: DeskState, intent: Intent, context: Context, gates: Iterable[Gate] = ALL) -> Refusal | None:
    """The first gate that refuses, in a fixed order; None when all let it pass."""
    for gate in gates:
        refusal = gate(state, intent, context)
        if refusal is not None:
            return refusal
    return None
