"""A Durable Object's one alarm."""

from __future__ import annotations

from typing import Any

from shared.edge.count import count
from shared.edge.env import raw


class ObjectAlarm:
    def __init__(self, ctx: Any) -> None:
        self._storage = raw(ctx).storage

    def arm(self, at_ms: int) -> None:
        # an alarm is one row written; the output gate holds answers back until it is stored
        count("object_rows_written")
        self._storage.setAlarm(at_ms)
