"""`apply(state, event, at_ms) -> state`: what an event changes.

It checks nothing and decides nothing, so that a log can always be replayed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import Any

from shared.desk import booking
from shared.desk import events as ev
from shared.desk.booking import Changes, without
from shared.desk.orders import client_id_of, project
from shared.desk.state import (
    ArmRequest,
    DeskState,
    DeskStatus,
    Difference,
    Equity,
    Reduction,
    Rejections,
    ResumeRequest,
    is_guard,
)
from shared.model import Cause, Order

RATE_WINDOW_MS = 60_000
REFUSED_KEPT = 256
ERRORS_KEPT = 200
EXITS = (Cause.STOP, Cause.TARGET, Cause.FLATTEN)
"""The causes of exits that the desk itself tries again, after a while, when the venue does not take them."""


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
        protections=event.protections,
        trading=event.trading,
        rehearsed_as=event.rehearsed_as,
        rehearsal_days=event.rehearsal_days,
        since_ms=at_ms,
        cash={event.currency: event.cash},
        seq=1,
    )


def _limits(_state: DeskState, event: ev.LimitsChanged, _at_ms: int) -> Changes:
    names = ("limits", "paper", "rehearsed_as", "rehearsal_days")
    return {name: getattr(event, name) for name in names}


def _protections(_state: DeskState, event: ev.ProtectionsChanged, _at_ms: int) -> Changes:
    return {"protections": event.protections}


def _listed(state: DeskState, event: ev.InstrumentsListed, _at_ms: int) -> Changes:
    named = {instrument.id: instrument for instrument in event.instruments}
    delisted = (set(state.delisted) - named.keys()) | set(event.removed)
    return {"instruments": {**state.instruments, **named}, "delisted": tuple(sorted(delisted))}


def _intended(state: DeskState, event: ev.OrderIntended, at_ms: int) -> Changes:
    recent = state.recent_order_ms
    recent = (*recent[bisect_right(recent, at_ms - RATE_WINDOW_MS) :], at_ms)
    order = project(_waiting(state, event), event)
    changes: Changes = {"orders": state.open.having(order), "recent_order_ms": recent}
    if order.replaces in state.replacements:
        changes["replacements"] = without(state.replacements, order.replaces)
    if is_guard(order):
        # one that rests; what a crossed level causes is counted where it is triggered
        changes["exits"] = {**state.exits, order.instrument: state.exits.get(order.instrument, 0) + 1}
    return changes


def _waiting(state: DeskState, event: ev.OrderIntended) -> Order | None:
    found = state.replacements.get(event.order.replaces or "")
    return found if found is not None and found.client_id == event.order.client_id else None


def _replacement_intended(state: DeskState, event: ev.ReplacementIntended, _at_ms: int) -> Changes:
    return {"replacements": {**state.replacements, event.client_id: project(None, event)}}


def _replacement_dropped(state: DeskState, event: ev.ReplacementDropped, _at_ms: int) -> Changes:
    return {"replacements": without(state.replacements, event.client_id)}


def _order_moved(state: DeskState, event: ev.Event, _at_ms: int) -> Changes:
    client_id = client_id_of(event)
    order = state.orders.get(client_id or "")
    if client_id is None or order is None:
        return {}
    after = project(order, event)
    if after.status.is_open:
        return {"orders": state.open.having(after)}
    return {"orders": state.open.without(client_id)}


def _unknown(state: DeskState, event: ev.OrderUnknown, at_ms: int) -> Changes:
    return {**_order_moved(state, event, at_ms), "recent_error_ms": _with_error(state, at_ms)}


def _with_error(state: DeskState, at_ms: int) -> tuple[int, ...]:
    return (*state.recent_error_ms[1 - ERRORS_KEPT :], at_ms)


def _acknowledged(state: DeskState, event: ev.OrderAcknowledged, at_ms: int) -> Changes:
    changes = _order_moved(state, event, at_ms)
    order = state.orders.get(event.client_id)
    if order is not None and is_guard(order) and order.instrument in state.rejected_guards:
        changes["rejected_guards"] = without(state.rejected_guards, order.instrument)
    return changes


def _filled(state: DeskState, event: ev.OrderFilled, at_ms: int) -> Changes:
    return {**_order_moved(state, event, at_ms), **booking.filled(state, event)}


def _found(state: DeskState, event: ev.FillFound, _at_ms: int) -> Changes:
    return booking.found(state, event)


def _levels_moved(state: DeskState, event: ev.LevelsMoved, _at_ms: int) -> Changes:
    return booking.levels_moved(state, event)


def _adjusted(state: DeskState, event: ev.LedgerAdjusted, _at_ms: int) -> Changes:
    return booking.adjusted(state, event)


def _rejected(state: DeskState, event: ev.OrderRejected, at_ms: int) -> Changes:
    changes = {**_order_moved(state, event, at_ms), "recent_error_ms": _with_error(state, at_ms)}
    order = state.orders.get(event.client_id)
    if order is not None and order.cause in EXITS:
        name, rejected = "rejected_exits", state.rejected_exits
        if is_guard(order):
            name, rejected = "rejected_guards", state.rejected_guards
        before = rejected.get(order.instrument)
        now = Rejections(count=before.count + 1 if before else 1, at_ms=at_ms)
        changes[name] = {**rejected, order.instrument: now}
    return changes


def _came_to_nothing(state: DeskState, event: ev.OrderCancelled | ev.OrderExpired, at_ms: int) -> Changes:
    """A sale of a halt that ends without being sold counts like one that was rejected: the next attempt waits."""
    changes = _order_moved(state, event, at_ms)
    order = state.orders.get(event.client_id)
    if order is not None and order.cause is Cause.FLATTEN:
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


def _awaited(state: DeskState, event: ev.LevelAwaited, at_ms: int) -> Changes:
    kept = {name: since_ms for name, since_ms in state.awaited.items() if name in state.orders}
    return {"awaited": {**kept, event.client_id: at_ms}}


def _halted(state: DeskState, event: ev.Halted, at_ms: int) -> Changes:
    return {
        "status": DeskStatus.HALTED,
        "halt_reason": event.reason,
        "halt_code": event.code,
        "hold_until_ms": event.hold_until_ms,
        "flattening": state.flattening or event.flatten,
        "since_ms": at_ms,
        "resume": None,
    }


def _reduced(state: DeskState, event: ev.Reduced, at_ms: int) -> Changes:
    reduction = Reduction(reason=event.reason, by=event.by, since_ms=at_ms, until_ms=event.until_ms, clock=event.clock)
    return _status(state, {**state.reductions, event.code: reduction}, at_ms)


def _reduction_lifted(state: DeskState, event: ev.ReductionLifted, at_ms: int) -> Changes:
    return _status(state, without(state.reductions, event.code), at_ms)


def _status(state: DeskState, reductions: dict[str, Reduction], at_ms: int) -> Changes:
    changes: Changes = {"reductions": reductions}
    status = DeskStatus.REDUCING if reductions else DeskStatus.ACTIVE
    if state.status not in (DeskStatus.HALTED, status):
        changes |= {"status": status, "since_ms": at_ms}
    return changes


def _equity_marked(_state: DeskState, event: ev.EquityMarked, _at_ms: int) -> Changes:
    return {"equity": Equity(peak=event.peak, day_ms=event.day_ms, day_start=event.day_start)}


def _venue_lost(_state: DeskState, event: ev.VenueLost, _at_ms: int) -> Changes:
    return {"venue_silent_ms": event.since_ms}


def _venue_back(_state: DeskState, _event: ev.VenueBack, _at_ms: int) -> Changes:
    return {"venue_silent_ms": 0}


def _difference_found(state: DeskState, event: ev.DifferenceFound, at_ms: int) -> Changes:
    found = Difference(
        kind=event.difference,
        subject=event.subject,
        ours=event.ours,
        theirs=event.theirs,
        detail=event.detail,
        found_ms=at_ms,
    )
    return {"differences": {**state.differences, event.id: found}}


def _difference_resolved(state: DeskState, event: ev.DifferenceResolved, _at_ms: int) -> Changes:
    return {"differences": without(state.differences, event.id)}


def _arm_requested(_state: DeskState, event: ev.ArmRequested, _at_ms: int) -> Changes:
    request = ArmRequest(
        by=event.by,
        reason=event.reason,
        confirm_hash=event.confirm_hash,
        expires_ms=event.expires_ms,
        until_ms=event.until_ms,
    )
    return {"arm": request}


def _armed(_state: DeskState, event: ev.Armed, _at_ms: int) -> Changes:
    return {"armed_until_ms": event.until_ms, "arm": None}


def _disarmed(_state: DeskState, _event: ev.Disarmed, _at_ms: int) -> Changes:
    return {"armed_until_ms": 0, "arm": None}


def _resume_requested(_state: DeskState, event: ev.ResumeRequested, _at_ms: int) -> Changes:
    request = ResumeRequest(
        by=event.by, reason=event.reason, confirm_hash=event.confirm_hash, expires_ms=event.expires_ms
    )
    return {"resume": request}


def _resume_expired(_state: DeskState, _event: ev.ResumeExpired, _at_ms: int) -> Changes:
    return {"resume": None}


def _resumed(state: DeskState, _event: ev.Resumed, at_ms: int) -> Changes:
    """A fresh start: what the protections counted before, the person who resumed has seen."""
    return {
        "status": DeskStatus.ACTIVE,
        "halt_reason": "",
        "halt_code": "",
        "hold_until_ms": 0,
        "flattening": False,
        "since_ms": at_ms,
        "resume": None,
        "reductions": {},
        "trades": (),
        "earlier_trades": (*state.earlier_trades, *state.trades)[-booking.TRADES_KEPT :],
        "equity": None,
        "recent_error_ms": (),
    }


def _nothing(_state: DeskState, _event: ev.Event, _at_ms: int) -> Changes:
    return {}


_CHANGES: dict[type[ev.Event], Callable[[DeskState, Any, int], Changes]] = {
    ev.LimitsChanged: _limits,
    ev.InstrumentsListed: _listed,
    ev.OrderIntended: _intended,
    ev.OrderAcknowledged: _acknowledged,
    ev.OrderRejected: _rejected,
    ev.OrderFilled: _filled,
    ev.OrderCancelRequested: _order_moved,
    ev.OrderCancelled: _came_to_nothing,
    ev.OrderExpired: _came_to_nothing,
    ev.OrderUnknown: _unknown,
    ev.OrderSent: _order_moved,
    ev.ReplacementIntended: _replacement_intended,
    ev.ReplacementDropped: _replacement_dropped,
    ev.ProtectionsChanged: _protections,
    ev.LevelsMoved: _levels_moved,
    ev.EquityMarked: _equity_marked,
    ev.Reduced: _reduced,
    ev.ReductionLifted: _reduction_lifted,
    ev.VenueLost: _venue_lost,
    ev.VenueBack: _venue_back,
    ev.FillFound: _found,
    ev.DifferenceFound: _difference_found,
    ev.DifferenceResolved: _difference_resolved,
    ev.LedgerAdjusted: _adjusted,
    ev.ArmRequested: _arm_requested,
    ev.Armed: _armed,
    ev.Disarmed: _disarmed,
    ev.OrderNotFound: _order_moved,
    ev.ProposalRefused: _refused,
    ev.OrderRefused: _nothing,
    ev.LevelTriggered: _triggered,
    ev.LevelAwaited: _awaited,
    ev.Halted: _halted,
    ev.ResumeRequested: _resume_requested,
    ev.ResumeExpired: _resume_expired,
    ev.Resumed: _resumed,
}
