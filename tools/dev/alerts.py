"""Alerts on the terminal of `make dev`: each once, as it is raised, whatever channels there are."""

from __future__ import annotations

import json

from tools.failure import say
from tools.stack import Stack

_NEWEST = "SELECT coalesce(max(rowid), 0) AS seen FROM alerts"
_NEWER = "SELECT rowid AS number, severity, desk, body FROM alerts WHERE rowid > ? ORDER BY rowid LIMIT 20"


class Teller:
    """Says what is new at each call; what was there before the start is old."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._seen = int(stack.d1(_NEWEST)[0]["seen"])

    def __call__(self) -> None:
        for row in self._stack.d1(_NEWER, [self._seen]):
            self._seen = int(row["number"])
            desk = f" {row['desk']}" if row["desk"] else ""
            say(f"ALERT {row['severity']}{desk}: {json.loads(row['body'])['title']}")
