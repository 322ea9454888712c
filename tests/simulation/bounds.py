"""The limits that hold at the moment of a decision, counted anew and without the desk's own sums."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from shared.desk.context import Mark
from shared.desk.state import DeskState
from shared.model import Cause, Order, OrderKind, Side

ZERO = Decimal(0)
MINUTE_MS = 60_000


def promised(orders: Iterable[Order]) -> Decimal:
    """What these sells may still sell; the members of a group count once, as the largest."""
    groups: dict[str, Decimal] = {}
    for order in orders:
        group = order.oco or order.client_id
        groups[group] = max(groups.get(group, ZERO), order.remaining_qty)
    return sum(groups.values(), ZERO)


def sells(state: DeskState, instrument: str) -> list[Order]:
    return [each for each in state.orders.values() if each.instrument == instrument and each.side is Side.SELL]


def guards(order: Order) -> bool:
    """Whether it rests at the venue for a position, and goes away for any other sell."""
    return order.cause in (Cause.STOP, Cause.TARGET) and order.kind is not OrderKind.MARKET


def entry_beyond(
    before: DeskState, order: Order, after: DeskState, marks: Mapping[str, Mark], at_ms: int
) -> Iterator[str]:
    """The limits that this entry, intended on `before`, is beyond."""
    limits = before.limits
    if len(before.orders) >= limits.max_open_orders:
        yield f"max_open_orders: {len(before.orders)} were open"
    recent = sum(1 for each in before.recent_order_ms if each > at_ms - MINUTE_MS)
    if recent >= limits.max_orders_per_minute:
        yield f"max_orders_per_minute: {recent} in the minute before"
    mark = marks.get(order.instrument)
    if mark is None or at_ms - mark.received_ms > limits.max_data_age_ms:
        yield f"max_data_age_ms: the price is {mark and at_ms - mark.received_ms} ms old"
    if order.side is not Side.BUY:
        return
    notional = order.qty * price_of(order)
    if notional > limits.max_order_notional:
        yield f"max_order_notional: {notional}"
    exposure = {name: _exposure(after, name, marks) for name in after.instruments}
    if exposure[order.instrument] > limits.max_symbol_notional:
        yield f"max_symbol_notional: {exposure[order.instrument]}"
    total = sum(exposure.values(), ZERO)
    if total > limits.max_total_notional:
        yield f"max_total_notional: {total}"
    names = {name for name, position in before.positions.items() if position.qty}
    names |= {each.instrument for each in before.orders.values() if is_buy(each)}
    if order.instrument not in names and len(names) >= limits.max_open_positions:
        yield f"max_open_positions: {sorted(names)}"
    fee = 1 + after.paper.fee_bps / 10_000
    reserved = sum((each.remaining_qty * price_of(each) * fee for each in after.orders.values() if is_buy(each)), ZERO)
    if reserved > after.cash.get(after.currency, ZERO):
        yield f"the free balance: {reserved} of {after.cash.get(after.currency)}"


def is_buy(order: Order) -> bool:
    return order.side is Side.BUY


def price_of(order: Order) -> Decimal:
    """The least that a unit of it may be counted at."""
    if order.limit_price is not None:
        return order.limit_price
    return min(order.reference_price, order.trigger_price or order.reference_price)


def _exposure(state: DeskState, instrument: str, marks: Mapping[str, Mark]) -> Decimal:
    position = state.positions.get(instrument)
    total = ZERO
    if position is not None and position.qty:
        mark = marks.get(instrument)
        total = abs(position.cost if mark is None else position.qty * mark.price)
    for order in state.orders.values():
        if order.instrument == instrument and order.side is Side.BUY:
            total += order.remaining_qty * price_of(order)
    return total


def protection_beyond(before: DeskState, order: Order, after: DeskState, marks: Mapping[str, Mark]) -> Iterator[str]:
    """The settings of protections that this entry is beyond. Equity is taken at the middle, where the desk takes the bid."""
    equity = _equity(before, marks)
    known = before.protections
    if equity is not None and before.equity is not None:
        for name, start in (("max_drawdown", before.equity.peak), ("daily_loss", before.equity.day_start)):
            limit = known.get(name, {}).get("limit_bps")
            if limit is not None and equity * 10_000 < start * (10_000 - Decimal(str(limit))):
                yield f"{name}: equity {equity} of {start}"
    if order.side is not Side.BUY:
        return
    exposure = {name: _exposure(after, name, marks) for name in after.instruments}
    most = known.get("leverage", {}).get("max")
    total = sum(exposure.values(), ZERO)
    if equity is not None and most is not None and total > Decimal(str(most)) * equity:
        yield f"leverage: {total} on {equity}"
    groups: Any = known.get("exposure", {}).get("groups", {})
    for name, group in groups.items():
        symbols = [f"{after.venue}:{symbol}" for symbol in group["symbols"]]
        together = sum((exposure[each] for each in symbols), ZERO)
        if order.instrument in symbols and together > Decimal(group["max_notional"]):
            yield f"the group {name}: {together}"


def _equity(state: DeskState, marks: Mapping[str, Mark]) -> Decimal | None:
    total = ZERO
    for asset, amount in state.cash.items():
        mark = marks.get(f"{state.venue}:{asset}")
        if asset != state.currency and mark is None:
            return None
        total += amount * (mark.price if mark is not None and asset != state.currency else 1)
    for position in state.positions.values():
        if position.qty:
            mark = marks.get(position.instrument)
            if mark is None:
                return None
            total += position.qty * mark.price
    return total
