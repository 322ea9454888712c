"""Ledger against venue: what of the venue's side the desk does not know, and what a person takes over of it. Pure.

Only what the desk trades is compared: positions of listed instruments, and balances of the assets that it counts cash in. What
else lies in the account is not the desk's; if it moves money, that shows in a balance.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from shared.desk import commands, ledger
from shared.desk import events as ev
from shared.desk.apply import apply
from shared.desk.context import Context
from shared.desk.state import DeskState, Difference
from shared.errors import Conflict, NotFound
from shared.model import Fill, exact, ids

CODE = "unreconciled"
"""The code of the reduction that stands while ledger and venue are not known to agree."""
FOREIGN_ORDER = "foreign_order"
CLOSED_ORDER = "closed_order"
FOREIGN_FILL = "foreign_fill"
POSITION = "position"
BALANCE = "balance"

Found = dict[str, ev.DifferenceFound]


def looked(state: DeskState, command: commands.Looked, context: Context) -> list[ev.Event]:
    """Books fills that belong to no order, and records which differences came and went. Looking twice adds nothing.

    A difference counts when it is seen in two looks in a row, or at once while no order is open.
    """
    found: list[ev.Event] = [event for fill in _foreign(state, command, context) for event in _booked(state, fill)]
    for event in found:
        state = apply(state, event, context.now_ms)
    seen = compare(state, command)
    at_once = not state.orders and command.whole
    counted = {
        name: event
        for name, event in seen.items()
        if name in state.differences or name in command.seen_before or at_once
    }
    gone = {name: was for name, was in state.differences.items() if name not in seen and _judged(state, was, command)}
    subjects = {(event.difference, event.subject) for event in seen.values()}
    for name, was in gone.items():
        how = "changed" if (was.kind, was.subject) in subjects else "agreed"
        found.append(ev.DifferenceResolved(id=name, how=how, by="desk"))
    found += [event for name, event in counted.items() if name not in state.differences]
    standing = (state.differences.keys() - gone.keys()) | seen.keys()
    if command.whole and not standing and CODE in state.reductions:
        found.append(ev.ReductionLifted(code=CODE, reason="ledger and venue agree"))
    return found


def due(state: DeskState, _context: Context) -> list[ev.Event]:
    """Entries stand still while a difference does, whoever resumed meanwhile."""
    if not state.differences or CODE in state.reductions:
        return []
    names = sorted({f"{each.kind} of {each.subject}" for each in state.differences.values()})
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return [ev.Reduced(code=CODE, by="desk", reason=f"ledger and venue differ: {', '.join(names[:5])}{more}")]


def look_failed(state: DeskState, command: commands.LookFailed, _context: Context) -> list[ev.Event]:
    """What could not be asked is not known: no entries until a look succeeds."""
    if CODE in state.reductions:
        return []
    return [ev.Reduced(code=CODE, by="desk", reason=f"the venue could not be compared with: {command.reason}")]


# --- what differs ---


def compare(state: DeskState, command: commands.Looked) -> Found:
    """All that differs now, by an id that stays the same for the same difference while both sides trade on."""
    found = [*_orders(state, command), *_positions(state, command), *_balances(state, command)]
    return {event.id: event for event in found}


def _difference(state: DeskState, kind: str, subject: str, ours: str, theirs: str, detail: str) -> ev.DifferenceFound:
    sides = [detail] if kind in (POSITION, BALANCE) else [ours, theirs]
    name = ids.digest("difference", state.desk, kind, subject, *sides)
    return ev.DifferenceFound(id=name, difference=kind, subject=subject, ours=ours, theirs=theirs, detail=detail)


def _orders(state: DeskState, command: commands.Looked) -> list[ev.DifferenceFound]:
    found = []
    for report in command.account.orders:
        order = command.known_orders.get(report.client_id)
        if not report.status.is_open or report.client_id in state.orders:
            continue
        name = report.venue_order_id or report.client_id
        if order is None:
            detail = "an open order that the desk did not place: cancel it at the venue"
            found.append(_difference(state, FOREIGN_ORDER, name, "none", "open", detail))
        elif order.instrument not in command.touched:
            detail = f"the desk's order {order.client_id} is over here and open there: cancel it at the venue"
            found.append(_difference(state, CLOSED_ORDER, name, order.status.value, "open", detail))
    return found


def _positions(state: DeskState, command: commands.Looked) -> list[ev.DifferenceFound]:
    theirs = command.account.positions
    if theirs is None:
        return []
    pairs = [
        (POSITION, name, state.position(name).qty, theirs.get(name, exact.ZERO))
        for name in state.instruments
        if name not in command.touched
    ]
    return _unequal(state, pairs)


def _balances(state: DeskState, command: commands.Looked) -> list[ev.DifferenceFound]:
    theirs = command.account.balances
    if theirs is None or command.touched:
        # what is under way may move any balance: price, fee and when are not known yet
        return []
    ours = _expected(state, with_bases=command.account.positions is None)
    return _unequal(state, [(BALANCE, asset, amount, theirs.get(asset, exact.ZERO)) for asset, amount in ours.items()])


def _expected(state: DeskState, with_bases: bool) -> dict[str, Decimal]:
    """Per asset; `with_bases` where the venue tells what is held only as balances of the base assets."""
    quotes = {instrument.quote for instrument in state.instruments.values()}
    ours = dict.fromkeys(sorted(quotes), exact.ZERO) | state.cash
    if with_bases:
        for name, instrument in state.instruments.items():
            ours = ledger.change(ours, instrument.base, state.position(name).qty)
    return ours


def _unequal(state: DeskState, pairs: list[tuple[str, str, Decimal, Decimal]]) -> list[ev.DifferenceFound]:
    return [
        _difference(state, kind, name, exact.text(ours), exact.text(theirs), _by(ours, theirs))
        for kind, name, ours, theirs in pairs
        if ours != theirs
    ]


def _by(ours: Decimal, theirs: Decimal) -> str:
    by = exact.subtract(theirs, ours)
    return f"the venue has {exact.text(abs(by))} {'more' if by > 0 else 'less'}"


def _judged(state: DeskState, was: Difference, command: commands.Looked) -> bool:
    """Whether this look could have seen the difference again."""
    if was.kind == POSITION:
        return command.account.positions is not None and was.subject not in command.touched
    if was.kind == BALANCE:
        return command.account.balances is not None and not command.touched
    return was.kind == FOREIGN_ORDER or not command.touched


# --- fills of no order ---


def _foreign(state: DeskState, command: commands.Looked, context: Context) -> list[Fill]:
    """Of listed instruments that nothing is under way in: there, it may be the fill of an order that cannot be asked about."""
    return [
        fill
        for fill in command.account.fills
        if fill.client_id not in command.known_orders
        and fill.fill_id not in context.known_fills
        and fill.instrument in state.instruments
        and fill.instrument not in command.touched
    ]


def _booked(state: DeskState, fill: Fill) -> list[ev.Event]:
    what = f"{fill.side.value} {exact.text(fill.qty)} at {exact.text(fill.price)}"
    why = f"the venue filled {what} for the order {fill.client_id}, which this desk did not place"
    name = ids.digest("difference", state.desk, FOREIGN_FILL, fill.fill_id)
    found = ev.DifferenceFound(
        id=name, difference=FOREIGN_FILL, subject=fill.instrument, ours="none", theirs=what, detail=why
    )
    booked = ev.FillFound(
        fill_id=fill.fill_id,
        instrument=fill.instrument,
        side=fill.side,
        qty=fill.qty,
        price=fill.price,
        fee=fill.fee,
        ts_ms=fill.ts_ms,
        value=ledger.value_of(state.instruments[fill.instrument], fill.qty, fill.price),
        explanation=why,
    )
    return [found, booked, ev.DifferenceResolved(id=name, how="explained", by="desk", reason=why)]


# --- a person's word ---


class _Taken(NamedTuple):
    """What is left of a position's quantity and cost, after the venue's side was taken over."""

    qty: Decimal
    cost: Decimal


def accept(state: DeskState, command: commands.Accept, context: Context) -> list[ev.Event]:
    """The venue's side of a position or a balance goes into the ledger; `Conflict` for what cannot be booked."""
    difference = state.differences.get(command.difference)
    if difference is None:
        raise NotFound(f"no difference {command.difference} stands open", code="difference_not_found")
    if difference.kind == BALANCE:
        by = exact.subtract(Decimal(difference.theirs), Decimal(difference.ours))
        booked = ev.LedgerAdjusted(asset=difference.subject, amount=by, by=command.by, reason=command.reason)
    elif difference.kind == POSITION:
        booked = _adjusted_position(state, difference, command, context)
    else:
        raise Conflict(
            f"a {difference.kind} cannot be taken over: {difference.detail}",
            code="not_acceptable",
            kind=difference.kind,
        )
    resolved = ev.DifferenceResolved(id=command.difference, how="accepted", by=command.by, reason=command.reason)
    return [booked, resolved]


def _adjusted_position(
    state: DeskState, difference: Difference, command: commands.Accept, context: Context
) -> ev.LedgerAdjusted:
    name = difference.subject
    by = exact.subtract(Decimal(difference.theirs), Decimal(difference.ours))
    position = state.position(name)
    kept = _kept(_Taken(position.qty, position.cost), exact.add(position.qty, by))
    more = exact.subtract(exact.add(position.qty, by), kept.qty)
    cost = exact.subtract(kept.cost, position.cost)
    if more:
        mark = context.marks.get(name)
        if mark is None:
            raise Conflict(f"there is no price of {name} to take it over at", code="no_price", instrument=name)
        cost = exact.add(cost, ledger.value_of(state.instruments[name], more, mark.price))
    return ev.LedgerAdjusted(instrument=name, qty=by, cost=cost, by=command.by, reason=command.reason)


def _kept(before: _Taken, qty: Decimal) -> _Taken:
    """The part of the position that stays, at the cost it had: rounded once to 18 places."""
    if not before.qty or not qty or (before.qty > 0) != (qty > 0):
        return _Taken(exact.ZERO, exact.ZERO)
    if abs(qty) >= abs(before.qty):
        return before
    share = exact.ROUNDED.divide(exact.ROUNDED.multiply(before.cost, qty), before.qty)
    return _Taken(qty, ledger.to_places(share))
