"""What the callers of a desk were answered. It may not be taken back, whatever is killed."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any


def wall_ms() -> int:
    """The clock of this machine, which the sandbox shares."""
    return time.time_ns() // 1_000_000


@dataclass
class Halt:
    """From when it was acknowledged until somebody set out to end it (None: it holds)."""

    from_ms: int
    until_ms: int | None = None

    def holds(self, at_ms: int) -> bool:
        return self.from_ms < at_ms and (self.until_ms is None or at_ms < self.until_ms)


@dataclass
class Told:
    """`orders`: the client id by idempotency key, `tickets`: what was asked with it. Threads share it."""

    orders: dict[str, str] = field(default_factory=dict)
    tickets: dict[str, dict[str, Any]] = field(default_factory=dict)
    halts: list[Halt] = field(default_factory=list)
    broken_words: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def order(self, key: str, client_id: str) -> None:
        """A caller was answered with this order; the same key must always bring the same one."""
        with self.lock:
            before = self.orders.setdefault(key, client_id)
            if before != client_id:
                self.broken_words.append(f"key {key} answered {before} and later {client_id}")

    def halted(self) -> None:
        with self.lock:
            self.halts.append(Halt(wall_ms()))

    def ending_halt(self) -> None:
        """Before the second step of resuming is sent: from here on nobody was promised anything."""
        with self.lock:
            for halt in self.halts:
                if halt.until_ms is None:
                    halt.until_ms = wall_ms()
