"""The orders that guard a position at the venue: stop and target as one group, as large as the position, moved as it moves."""

from __future__ import annotations

from shared.desk.context import Context
from shared.desk.event import Event
from shared.desk.state import DeskState


def due(state: DeskState, context: Context) -> list[Event]:
    """What has to be placed, moved or taken away, so that each position is guarded as it should be; nothing where it is."""
    return []
