"""An order takes the place of another one: never two of them at the venue, and never more than was asked for."""

from __future__ import annotations

from shared.desk.context import Context
from shared.desk.event import Event
from shared.desk.state import DeskState


def due(state: DeskState, context: Context) -> list[Event]:
    """The replacements whose order has ended: intended for what is left, or dropped."""
    return []
