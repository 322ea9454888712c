"""`apply(state, event, at_ms) -> state`: what an event changes.

It checks nothing and decides nothing, so that a log can always be replayed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from shared.desk import events as ev
from shared.desk import ledger
from shared.desk.orders import client_id_of, project
from shared.desk.state import DeskState, DeskStatus, Rejections, ResumeRequest
from shared.model import Cause, Side, exact

RATE_WINDOW_MS = 60_000
REFUSED_KEPT = 256


def apply(state: DeskState | None, event: ev.Event, at_ms: int) -> DeskState:
    """The state after the event that was logged at wall time `at_ms`; ValueError for a log that does not begin with an opening."""
    if state is None:
        if not isinstance(event, ev.DeskOpened):
            raise ValueError(f"a desk begins with desk_opened, not with {event.kind}")
        return _opened(event, at_ms)
    if isinstance(event, ev.DeskOpened):
        raise ValueError("a desk opens once")
    changes = _CHANGES[type(event)](state, event, at_ms)
    changes["seq"] = state.seq + 1
    return state.model_copy(update=changes)


def _opened(event: ev.DeskOpened, at_ms: int) -> DeskState:
    return DeskState(
        desk=event.desk,
        mode=event.mode,
        venue=event.venue,
        interval_ms=event.interval_ms,
        currency=event.currency,
        initial_cash=event.cash,
        opened_ms=at_ms,
        limits=event.limits,
        paper=event.paper,
        since_ms=at_ms,
        cash={event.currency: event.cash},
        seq=1,
    )


Changes = dict[str, Any]


def _limits(_state: DeskState, event: ev.LimitsChanged, _at_ms: int) -> Changes:
    return {"limits": event.limits, "paper": event.paper}


def _listed(state: DeskState, event: ev.InstrumentsListed, _at_ms: int) -> Changes:
    named = {instrument.id: instrument for instrument in event.instruments}
    delisted = (set(state.delisted) - named.keys()) | set(event.removed)
    return {"instruments": {**state.instruments, **named}, "delisted": tuple(sorted(delisted))}


def _intended(state: DeskState, event: ev.OrderIntended, at_ms: int) -> Changes:
    recent = state.recent_order_ms
    recent = (*recent[bisect_right(recent, at_ms - RATE_WINDOW_MS) :], at_ms)
    return {"orders": {**state.orders, event.order.client_id: event.order}, "recent_order_ms": recent}


def _order_moved(state: DeskState, event: ev.Event, _at_ms: int) -> Changes:
    client_id = client_id_of(event)
    order = state.orders.get(client_id or "")
    if client_id is None or order is None:
        return {}
    after = project(order, event)
    if after.status.is_open:
        return {"orders": {**state.orders, client_id: after}}
    return {"orders": {name: kept for name, kept in state.orders.items() if name != client_id}}


def _filled(state: DeskState, event: ev.OrderFilled, at_ms: int) -> Changes:
    fill = event.fill
    instrument = state.instruments[fill.instrument]
    position = ledger.book(state.position(fill.instrument), fill, event.value, instrument.quote)
    if not position.is_flat and (event.stop_price is not None or event.target_price is not None):
        position = position.model_copy(update={"stop_price": event.stop_price, "target_price": event.target_price})
    paid = exact.multiply(Decimal(-fill.side.sign), event.value)
    cash = ledger.change(state.cash, instrument.quote, paid)
    changes = _order_moved(state, event, at_ms)
    changes["positions"] = {**state.positions, fill.instrument: position}
    changes["cash"] = ledger.change(cash, fill.fee.asset, exact.subtract(exact.ZERO, fill.fee.amount))
    changes["fees"] = ledger.change(state.fees, fill.fee.asset, fill.fee.amount)
    if fill.side is Side.SELL and fill.instrument in state.rejected_exits:
        kept = {name: value for name, value in state.rejected_exits.items() if name != fill.instrument}
        changes["rejected_exits"] = kept
    return changes


def _rejected(state: DeskState, event: ev.OrderRejected, at_ms: int) -> Changes:
    changes = _order_moved(state, event, at_ms)
    order = state.orders.get(event.client_id)
    if order is not None and order.cause in (Cause.STOP, Cause.TARGET):
        before = state.rejected_exits.get(order.instrument)
        now = Rejections(count=before.count + 1 if before else 1, at_ms=at_ms)
        changes["rejected_exits"] = {**state.rejected_exits, order.instrument: now}
    return changes


def _refused(state: DeskState, event: ev.ProposalRefused, _at_ms: int) -> Changes:
    kept = {name: code for name, code in state.refused.items() if name != event.client_id}
    if len(kept) >= REFUSED_KEPT:
        del kept[next(iter(kept))]
    return {"refused": {**kept, event.client_id: event.code}}


def _triggered(state: DeskState, event: ev.LevelTriggered, _at_ms: int) -> Changes:
    name = event.level.instrument
    return {"exits": {**state.exits, name: state.exits.get(name, 0) + 1}}


def _halted(_state: DeskState, event: ev.Halted, at_ms: int) -> Changes:
    return {"status": DeskStatus.HALTED, "halt_reason": event.reason, "since_ms": at_ms, "resume": None}


def _resume_requested(_state: DeskState, event: ev.ResumeRequested, _at_ms: int) -> Changes:
    request = ResumeRequest(
        by=event.by, reason=event.reason, confirm_hash=event.confirm_hash, expires_ms=event.expires_ms
    )
    return {"resume": request}


def _resume_expired(_state: DeskState, _event: ev.ResumeExpired, _at_ms: int) -> Changes:
    return {"resume": None}


def _resumed(_state: DeskState, _event: ev.Resumed, at_ms: int) -> Changes:
    return {"status": DeskStatus.ACTIVE, "halt_reason": "", "since_ms": at_ms, "resume": None}


def _nothing(_state: DeskState, _event: ev.Event, _at_ms: int) -> Changes:
    return {}


_CHANGES: dict[type[ev.Event], Callable[[DeskState, Any, int], Changes]] = {
    ev.LimitsChanged: _limits,
    ev.InstrumentsListed: _listed,
    ev.OrderIntended: _intended,
    ev.OrderAcknowledged: _order_moved,
    ev.OrderRejected: _rejected,
    ev.OrderFilled: _filled,
    ev.OrderCancelRequested: _order_moved,
    ev.OrderCancelled: _order_moved,
    ev.OrderExpired: _order_moved,
    ev.OrderUnknown: _order_moved,
    ev.OrderNotFound: _order_moved,
    ev.ProposalRefused: _refused,
    ev.OrderRefused: _nothing,
    ev.LevelTriggered: _triggered,
    ev.Halted: _halted,
    ev.ResumeRequested: _resume_requested,
    ev.ResumeExpired: _resume_expired,
    ev.Resumed: _resumed,
}
