"""`decide(state, command, context) -> events`: every rule of the desk, without a clock, a store or a venue.

The same arguments give the same events. A rule that a caller broke raises `Refused` and nothing happened; a gate that refuses
an order gives an event, since the journal has to tell why a proposal came to nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shared.desk import (
    account,
    answers,
    brackets,
    commands,
    exits,
    live_gate,
    reconcile,
    replacing,
    resolve,
    silence,
    trading,
)
from shared.desk.context import Context
from shared.desk.events import Event
from shared.desk.state import DeskState
from shared.errors import NotFound

Rule = Callable[[DeskState, Any, Context], list[Event]]


def _nothing(_state: DeskState, _command: commands.Review, _context: Context) -> list[Event]:
    """All that a review does follows from the state (`upkeep.py`)."""
    return []


_RULES: dict[type[Any], Rule] = {
    commands.Propose: trading.propose,
    commands.Place: trading.place,
    commands.Cancel: trading.cancel,
    commands.Replace: replacing.replace,
    commands.SetLevels: brackets.set_levels,
    commands.Trigger: exits.trigger,
    commands.HaltDesk: account.halt,
    commands.RequestResume: account.request_resume,
    commands.ConfirmResume: account.confirm_resume,
    commands.ExpireResume: account.expire_resume,
    commands.VenueSilent: silence.venue_silent,
    commands.VenueAnswered: silence.venue_answered,
    commands.DeadMan: silence.dead_man,
    commands.Review: _nothing,
    commands.Wake: answers.wake,
    commands.Sending: answers.sending,
    commands.Reported: answers.reported,
    commands.Unanswered: answers.unanswered,
    commands.TurnedDown: answers.turned_down,
    commands.NotKnown: answers.not_known,
    commands.Looked: reconcile.looked,
    commands.LookFailed: reconcile.look_failed,
    commands.Accept: reconcile.accept,
    commands.Resolve: resolve.resolve,
    commands.RequestArm: live_gate.request_arm,
    commands.ConfirmArm: live_gate.confirm_arm,
    commands.Disarm: live_gate.disarm,
    commands.CheckGate: live_gate.check,
}


def decide(state: DeskState | None, command: commands.Command, context: Context) -> list[Event]:
    """What happens; nothing where there is nothing to do. `NotFound` (`desk_not_open`) before the desk was opened."""
    if isinstance(command, commands.Open):
        return account.open_desk(state, command)
    if state is None:
        raise NotFound("the desk was never opened", code="desk_not_open")
    return _RULES[type(command)](state, command, context)
