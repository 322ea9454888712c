"""What follows from the state by itself, after every command and at every `Review`: no caller asks for it."""

from __future__ import annotations

from shared.desk import brackets, commands, replacing
from shared.desk.context import Context
from shared.desk.event import Event
from shared.desk.review import review
from shared.desk.state import DeskState

_JUDGED = (commands.Propose, commands.Place, commands.Replace, commands.Review)


def before(state: DeskState | None, command: commands.Command, context: Context) -> list[Event]:
    """Prices moved and time passed since the last command: what would enlarge a position is decided on what holds now."""
    return review(state, context) if state is not None and isinstance(command, _JUDGED) else []


def after(state: DeskState, context: Context) -> list[Event]:
    """One step of what the command's events lead to; asked again until nothing is left."""
    return review(state, context) or replacing.due(state, context) or brackets.due(state, context)
