"""Rules about silence: of the venue, of the cron, of the market's data."""

from __future__ import annotations

from shared.desk import account, commands, guards
from shared.desk import events as ev
from shared.desk.context import Context
from shared.desk.event import Event
from shared.desk.protection import MS
from shared.desk.state import DeskState, DeskStatus

MISSED = {"cron": "the cron's minute", "data": "the market's data"}


def deadman_code(what: str) -> str:
    return f"deadman_{what}"


def venue_silent(state: DeskState, command: commands.VenueSilent, context: Context) -> list[Event]:
    """The venue is lost once it has been silent for longer than `venue_down.after_s`; what follows, `VenueDown` says."""
    silent_ms = context.now_ms - command.since_ms
    if state.venue_silent_ms or silent_ms <= guards.of(state).venue_down.after_s * MS:
        return []
    return [ev.VenueLost(since_ms=command.since_ms, detail=command.detail)]


def venue_answered(state: DeskState, _command: commands.VenueAnswered, _context: Context) -> list[Event]:
    return [ev.VenueBack()] if state.venue_silent_ms else []


def dead_man(state: DeskState, command: commands.DeadMan, _context: Context) -> list[Event]:
    """Beyond the first limit the desk reduces, beyond the second it halts; what is heard again lifts a reduction, never a halt."""
    switch = guards.of(state).dead_man
    code, silent_ms = deadman_code(command.what), command.silent_ms
    reason = f"{MISSED[command.what]} has not come for {silent_ms // MS} s"
    halt_ms = switch.halt_ms(command.what, state.interval_ms)
    if halt_ms and silent_ms > halt_ms:
        if state.status is DeskStatus.HALTED:
            return []
        return list(account.halting(state, "desk", reason, code, flatten=switch.on_halt == "flatten"))
    reduce_ms = switch.reduce_ms(command.what, state.interval_ms)
    if reduce_ms and silent_ms > reduce_ms:
        return [] if code in state.reductions else [ev.Reduced(code=code, by="desk", reason=reason)]
    if code in state.reductions:
        return [ev.ReductionLifted(code=code, reason=f"{MISSED[command.what]} came")]
    return []
