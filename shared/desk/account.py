"""Rules about the account itself: opening it, its limits and instruments, halting it and resuming."""

from __future__ import annotations

import hmac
from decimal import Decimal

from pydantic import JsonValue

from shared.desk import commands, guards, modes
from shared.desk import events as ev
from shared.desk.context import Context
from shared.desk.orders import cancelled
from shared.desk.state import DeskState, DeskStatus, survives_halt
from shared.errors import Conflict, Forbidden, Invalid
from shared.model import Instrument, exact

CONFIRM_WITHIN_MS = 300_000
MAX_INSTRUMENTS = 2000
ASKED = "asked"
"""The code of a halt that a person called for."""
COUNTED_IN = ("base", "quote", "settle", "multiplier")


def open_desk(state: DeskState | None, command: commands.Open) -> list[ev.Event]:
    """Opens the desk, or records what changed; `Conflict` where what changed is who the desk is."""
    _tradable(command)
    modes.check(command)
    if state is None:
        opened = ev.DeskOpened(
            desk=command.desk,
            mode=command.mode,
            venue=command.venue,
            interval_ms=command.interval_ms,
            currency=command.currency,
            cash=command.cash,
            limits=command.limits,
            paper=command.paper,
            protections=_protections(command),
            trading=command.trading,
            rehearsed_as=command.rehearsed_as,
            rehearsal_days=command.rehearsal_days,
        )
        return [opened, ev.InstrumentsListed(instruments=command.instruments), *modes.begin(command)]
    _same_desk(state, command)
    return [*_limits(state, command), *_protected(state, command), *_listing(state, command)]


def _same_desk(state: DeskState, command: commands.Open) -> None:
    asked = {
        "desk": (state.desk, command.desk),
        "mode": (state.mode, command.mode),
        "venue": (state.venue, command.venue),
        "interval_ms": (state.interval_ms, command.interval_ms),
        "currency": (state.currency, command.currency),
        "cash": (state.initial_cash, command.cash),
        "trading": (state.trading.kind, command.trading.kind),
    }
    for name, (is_now, wanted) in asked.items():
        if is_now != wanted:
            raise Conflict(f"{name} is {is_now} and cannot become {wanted}", code="desk_differs", field=name)


def _limits(state: DeskState, command: commands.Open) -> list[ev.Event]:
    names = ("limits", "paper", "rehearsed_as", "rehearsal_days")
    wanted = {name: getattr(command, name) for name in names}
    if all(getattr(state, name) == value for name, value in wanted.items()):
        return []
    return [ev.LimitsChanged(**wanted)]


def _protections(command: commands.Open) -> dict[str, dict[str, JsonValue]]:
    """As they are given, once they are known to be readable."""
    guards.read(command.protections)
    return {name: dict(settings) for name, settings in command.protections.items()}


def _protected(state: DeskState, command: commands.Open) -> list[ev.Event]:
    wanted = _protections(command)
    return [] if state.protections == wanted else [ev.ProtectionsChanged(protections=wanted)]


def _listing(state: DeskState, command: commands.Open) -> list[ev.Event]:
    named = {instrument.id: _kept(state, instrument) for instrument in command.instruments}
    news = tuple(
        instrument
        for name, instrument in named.items()
        if state.instruments.get(name) != instrument or name in state.delisted
    )
    removed = tuple(sorted(state.instruments.keys() - named.keys() - set(state.delisted)))
    return [ev.InstrumentsListed(instruments=news, removed=removed)] if news or removed else []


def _kept(state: DeskState, instrument: Instrument) -> Instrument:
    """What the desk lists for it: once it was traded, money, positions and orders are counted in what it was then."""
    before = state.instruments.get(instrument.id)
    if before is None or not (instrument.id in state.positions or state.open_orders(instrument.id)):
        return instrument
    was = {name: getattr(before, name) for name in COUNTED_IN}
    kept = instrument.model_copy(update=was)
    return kept if _places(kept) <= exact.MAX_DIGITS else before


def _tradable(command: commands.Open) -> None:
    if not 1 <= len(command.instruments) <= MAX_INSTRUMENTS:
        raise Invalid.field("instruments", len(command.instruments), f"must be 1 to {MAX_INSTRUMENTS} of them")
    for instrument in command.instruments:
        if instrument.venue != command.venue:
            raise Invalid.field("instruments", instrument.id, f"is not of the venue {command.venue}")
        if instrument.settle != instrument.quote:
            raise Invalid.field(
                "settle", instrument.settle, f"of {instrument.id} must be its quote: the desk trades spot"
            )
        if _places(instrument) > exact.MAX_DIGITS:
            raise Invalid.field(
                "tick", instrument.tick, f"and lot of {instrument.id} are too fine to be counted exactly"
            )


def _places(instrument: Instrument) -> int:
    """The digits after the point that a notional can have."""
    return sum(_digits(step) for step in (instrument.tick, instrument.lot, instrument.multiplier))


def _digits(value: Decimal) -> int:
    exponent = value.normalize(exact.ROUNDED).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else exact.MAX_DIGITS + 1


def halt(state: DeskState, command: commands.HaltDesk, _context: Context) -> list[ev.Event]:
    """Halts, and cancels every open order that a halt does not let live; with `flatten` all positions are sold as well.

    On a halted desk it is nothing new, unless somebody has begun to resume: that is undone; or `flatten` was not asked before.
    """
    news = command.flatten and not state.flattening
    if state.status is DeskStatus.HALTED and state.resume is None and not news:
        return []
    return halting(state, command.by, command.reason, flatten=command.flatten)


def halting(
    state: DeskState,
    by: str,
    reason: str,
    code: str = ASKED,
    hold_until_ms: int = 0,
    flatten: bool = False,
    closed: str = "",
) -> list[ev.Event]:
    """What a halt is, whoever calls for it. One that stands keeps its code, and never loses its hold.

    `closed` is an order that the events before these close. The sales that `flatten` asks for follow from the state (`flatten.py`).
    """
    if state.status is DeskStatus.HALTED:
        code = state.halt_code
        hold_until_ms = max(hold_until_ms, state.hold_until_ms)
    halted = ev.Halted(by=by, reason=reason, code=code, hold_until_ms=hold_until_ms, flatten=flatten)
    return [halted, *cancel_for_halt(state, closed)]


def cancel_for_halt(state: DeskState, closed: str = "") -> list[ev.Event]:
    """Takes away all that a halt does not let live, except the order `closed`."""
    found: list[ev.Event] = []
    for order in state.orders.values():
        if order.client_id != closed and not survives_halt(order):
            found += cancelled(order, "desk", "halted")
    return found


def request_resume(state: DeskState, command: commands.RequestResume, context: Context) -> list[ev.Event]:
    """The first step; a newer request replaces an older one. `Conflict` while a protection holds the halt (`halt_holds`)."""
    _resumable(state, context)
    return [
        ev.ResumeRequested(
            by=command.by,
            reason=command.reason,
            confirm_hash=command.confirm_hash,
            expires_ms=context.now_ms + CONFIRM_WITHIN_MS,
        )
    ]


def _resumable(state: DeskState, context: Context) -> None:
    if state.status is DeskStatus.ACTIVE:
        raise Conflict("the desk is active: there is nothing to resume", code="not_halted")
    if state.status is DeskStatus.HALTED and context.now_ms < state.hold_until_ms:
        detail = f"{state.halt_code} holds the halt for {state.hold_until_ms - context.now_ms} ms more"
        raise Conflict(detail, code="halt_holds", until_ms=state.hold_until_ms)


def confirm_resume(state: DeskState, command: commands.ConfirmResume, context: Context) -> list[ev.Event]:
    """The second step, within five minutes of the first and with its token. What still holds stops the desk again at once."""
    _resumable(state, context)
    if state.resume is None:
        raise Conflict("no resume was requested, or the request has expired", code="no_resume_request")
    if context.now_ms >= state.resume.expires_ms:
        raise Conflict("the request has expired: ask again", code="resume_expired")
    if not hmac.compare_digest(state.resume.confirm_hash, command.confirm_hash):
        raise Forbidden("the confirmation is not the one that the request answered", code="confirm_wrong")
    return [ev.Resumed(by=command.by, reason=state.resume.reason)]


def expire_resume(state: DeskState, _command: commands.ExpireResume, context: Context) -> list[ev.Event]:
    if state.resume is None or context.now_ms < state.resume.expires_ms:
        return []
    return [ev.ResumeExpired()]
