"""What a fill, or a booking beside one, changes: money, the position, and what waits for the order."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeVar

from shared.desk import entries, ledger
from shared.desk import events as ev
from shared.desk.state import DeskState
from shared.model import Cause, Fill, Position, Side, Trade, exact

V = TypeVar("V")
Changes = dict[str, Any]
NO_ORDER = "0" * 32
TRADES_KEPT = 200


def without(mapping: Mapping[str, V], name: str | None) -> dict[str, V]:
    return {key: value for key, value in mapping.items() if key != name}


def filled(state: DeskState, event: ev.OrderFilled) -> Changes:
    """What the fill does to money, position and whoever waits for the rest of the order."""
    fill = event.fill
    instrument = state.instruments[fill.instrument]
    before = state.position(fill.instrument)
    position = ledger.book(before, fill, event.value, instrument.quote)
    order = state.orders.get(fill.client_id)
    update: Changes = {}
    if not position.is_flat and (event.stop_price or event.target_price or event.trail_distance):
        update = _levels(event)
    if fill.side is Side.BUY:
        more = event.entry if order is None else entries.bought(instrument, order, fill, before)
        update["entry"] = entries.after(before, more)
    if update:
        position = position.model_copy(update=update)
    cause = event.cause or (order.cause if order is not None else Cause.MANUAL)
    changes = _traded(state, before, position, fill.ts_ms, cause)
    changes |= _paid(state, fill, event.value, instrument.quote)
    if fill.side is Side.SELL and fill.instrument in state.rejected_exits:
        changes["rejected_exits"] = without(state.rejected_exits, fill.instrument)
    waiting = state.replacements.get(fill.client_id)
    if waiting is not None:
        # what the old order fills is not left for the new one
        filled = min(waiting.qty, exact.add(waiting.filled_qty, fill.qty))
        waiting = waiting.model_copy(update={"filled_qty": filled})
        changes["replacements"] = {**state.replacements, fill.client_id: waiting}
    return changes


def _levels(event: ev.OrderFilled | ev.LevelsMoved) -> Changes:
    return {name: getattr(event, name) for name in ("stop_price", "target_price", "trail_distance")}


def _paid(state: DeskState, fill: Fill | ev.FillFound, value: Decimal, quote: str) -> Changes:
    cash = ledger.change(state.cash, quote, exact.multiply(Decimal(-fill.side.sign), value))
    return {
        "cash": ledger.change(cash, fill.fee.asset, exact.subtract(exact.ZERO, fill.fee.amount)),
        "fees": ledger.change(state.fees, fill.fee.asset, fill.fee.amount),
    }


def _traded(state: DeskState, before: Position, after: Position, ts_ms: int, cause: Cause) -> Changes:
    """The position after the fill, and the round trip that it ended, if it did."""
    changes: Changes = {}
    if not before.is_flat and (after.is_flat or (after.qty > 0) != (before.qty > 0)):
        net = exact.subtract(after.realised, after.fees)
        trade = Trade(
            instrument=after.instrument,
            opened_ms=before.opened_ms or ts_ms,
            closed_ms=ts_ms,
            net=exact.subtract(net, before.flat_net),
            cost=before.paid,
            cause=cause,
            seq=state.seq + 1,
            entry=before.entry,
        )
        changes["trades"] = (*state.trades[1 - TRADES_KEPT :], trade)
        after = after.model_copy(update={"flat_net": net})
    changes["positions"] = {**state.positions, after.instrument: after}
    return changes


def found(state: DeskState, event: ev.FillFound) -> Changes:
    instrument = state.instruments[event.instrument]
    before = state.position(event.instrument)
    fill = fill_of(event)
    after = ledger.book(before, fill, event.value, instrument.quote)
    if fill.side is Side.BUY and after.entry is not None:
        after = after.model_copy(update={"entry": after.entry.disturbed()})
    return {
        **_traded(state, before, after, event.ts_ms, Cause.MANUAL),
        **_paid(state, fill, event.value, instrument.quote),
    }


def fill_of(event: ev.FillFound) -> Fill:
    """The fill itself; no order of the desk stands behind it."""
    return Fill(
        fill_id=event.fill_id,
        client_id=NO_ORDER,
        instrument=event.instrument,
        side=event.side,
        qty=event.qty,
        price=event.price,
        fee=event.fee,
        ts_ms=event.ts_ms,
    )


def levels_moved(state: DeskState, event: ev.LevelsMoved) -> Changes:
    position = state.position(event.instrument)
    if position.is_flat:
        return {}
    after = position.model_copy(update=_levels(event))
    return {"positions": {**state.positions, event.instrument: after}}


def _paid_in(before: Position, qty: Decimal, cost: Decimal) -> Decimal:
    """What went in by now, where a person has the position be of this quantity and cost."""
    if before.is_flat or (before.qty > 0) != (qty > 0):
        return abs(cost)
    return exact.add(before.paid, max(exact.ZERO, exact.subtract(abs(cost), abs(before.cost))))


def adjusted(state: DeskState, event: ev.LedgerAdjusted) -> Changes:
    changes: Changes = {}
    if event.asset is not None:
        changes["cash"] = ledger.change(state.cash, event.asset, event.amount)
        changes["adjusted"] = ledger.change(state.adjusted, event.asset, event.amount)
    if event.instrument is not None:
        position = state.position(event.instrument)
        qty, cost = exact.add(position.qty, event.qty), exact.add(position.cost, event.cost)
        update: Changes = {"qty": qty, "cost": cost, "paid": _paid_in(position, qty, cost)}
        # a short position has none
        update["entry"] = position.entry.disturbed() if position.entry is not None and qty > 0 else None
        if not qty:
            update |= {"paid": exact.ZERO, "opened_ms": None}
            update |= {"stop_price": None, "target_price": None, "trail_distance": None}
        after = position.model_copy(update=update)
        changes["positions"] = {**state.positions, event.instrument: after}
        # what a quantity was worth is kept too, so that cash + cost still adds up
        quote = state.instruments[event.instrument].quote
        changes["adjusted"] = ledger.change(changes.get("adjusted", state.adjusted), quote, event.cost)
    return changes
