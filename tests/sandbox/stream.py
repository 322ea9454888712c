"""The stream of updates: numbered, and as faulty as the script wants it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.sandbox.faults import Faults
from tests.sandbox.journal import Journal

CLOSE = ""
"""Put to a listener instead of a message: the socket is to be closed."""

Listener = Callable[[str, int], None]
"""Takes a text and by how many milliseconds it comes late."""


class Stream:
    """Every change of an order is one message with the order as it is then; `seq` rises by one with each."""

    def __init__(self, faults: Faults, journal: Journal) -> None:
        self.seq = 0
        self._faults = faults
        self._journal = journal
        self._listeners: list[Listener] = []
        self._kept: str | None = None

    def join(self, listener: Listener) -> None:
        """The first message says which number was the last."""
        self._listeners.append(listener)
        listener(json.dumps({"type": "hello", "seq": self.seq}), 0)

    def leave(self, listener: Listener) -> None:
        if listener in self._listeners:
            self._listeners.remove(listener)

    def beat(self, wall_ms: int) -> None:
        """The stream lives; and a message that was kept back for the next one comes now."""
        self._let_go()
        self._send(json.dumps({"type": "heartbeat", "seq": self.seq, "wall_ms": wall_ms}))

    def tell(self, order: dict[str, Any]) -> None:
        self.seq += 1
        if not self._listeners:
            return
        text = json.dumps({"type": "order", "seq": self.seq, "order": order}, separators=(",", ":"))
        rule = self._faults.take("updates")
        kind = rule.kind if rule else ""
        self._journal.note("update", seq=self.seq, fault=kind)
        match kind:
            case "duplicate":
                self._send(text)
                self._send(text)
            case "reorder":
                self._let_go()
                self._kept = text
                return
            case "lose":
                pass
            case "delay":
                self._send(text, rule.delay_ms if rule else 0)
            case "close":
                self._send(CLOSE)
            case _:
                self._send(text)
        self._let_go()

    def _let_go(self) -> None:
        kept, self._kept = self._kept, None
        if kept is not None:
            self._send(kept)

    def _send(self, text: str, late_ms: int = 0) -> None:
        for listener in tuple(self._listeners):
            listener(text, late_ms)
