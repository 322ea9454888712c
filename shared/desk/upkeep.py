"""What follows from the state by itself, after every command and at every `Review`: no caller asks for it."""

from __future__ import annotations

from shared.desk import brackets, commands, live_gate, reconcile, replacing, terms
from shared.desk.context import Context
from shared.desk.event import Event
from shared.desk.review import begin_day, review
from shared.desk.state import DeskState

_JUDGED = (commands.Propose, commands.Place, commands.Replace)


def before(state: DeskState | None, command: commands.Command, context: Context) -> list[Event]:
    """Prices moved and time passed since the last command: what would enlarge a position is decided on what holds now.

    A new market day begins before anything of it is booked. A `Review` is nothing but what comes `after`.
    """
    if state is None or isinstance(command, commands.Review):
        return []
    return review(state, context) if isinstance(command, _JUDGED) else begin_day(state, context)


def after(state: DeskState, context: Context) -> list[Event]:
    """One step of what the command's events lead to; asked again until nothing is left."""
    return (
        review(state, context)
        or reconcile.due(state, context)
        or live_gate.due(state, context)
        or terms.due(state, context)
        or replacing.due(state, context)
        or brackets.due(state, context)
    )
