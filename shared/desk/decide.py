"""`decide(state, command, context) -> events`: every rule of the desk, without a clock, a store or a venue.

The same arguments give the same events. A rule that a caller broke raises `Refused` and nothing happened; a gate that refuses
an order gives an event, since the journal has to tell why a proposal came to nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shared.desk import account, answers, commands, trading
from shared.desk.context import Context
from shared.desk.events import Event
from shared.desk.state import DeskState
from shared.errors import NotFound

Rule = Callable[[DeskState, Any, Context], list[Event]]

_RULES: dict[type[Any], Rule] = {
    commands.Propose: trading.propose,
    commands.Place: trading.place,
    commands.Cancel: trading.cancel,
    commands.Trigger: trading.trigger,
    commands.HaltDesk: account.halt,
    commands.RequestResume: account.request_resume,
    commands.ConfirmResume: account.confirm_resume,
    commands.ExpireResume: account.expire_resume,
    commands.Wake: answers.wake,
    commands.Reported: answers.reported,
    commands.Unanswered: answers.unanswered,
    commands.TurnedDown: answers.turned_down,
    commands.NotKnown: answers.not_known,
}


def decide(state: DeskState | None, command: commands.Command, context: Context) -> list[Event]:
    """What happens; nothing where there is nothing to do. `NotFound` (`desk_not_open`) before the desk was opened."""
    if isinstance(command, commands.Open):
        return account.open_desk(state, command)
    if state is None:
        raise NotFound("the desk was never opened", code="desk_not_open")
    return _RULES[type(command)](state, command, context)
