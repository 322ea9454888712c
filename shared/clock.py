"""The one place, beside `shared/edge`, that reads wall time or randomness."""

from __future__ import annotations

import random
import secrets
import time
from typing import Protocol


class Clock(Protocol):
    """What needs the time takes one of these; a simulation brings its own."""

    def now_ms(self) -> int:
        """Wall time, milliseconds since 1970 in UTC."""


class SystemClock:
    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


class FixedClock:
    """A clock that moves only when it is told to."""

    def __init__(self, start_ms: int = 0) -> None:
        self._now_ms = start_ms

    def now_ms(self) -> int:
        return self._now_ms

    def advance(self, by_ms: int) -> None:
        self._now_ms += by_ms


def random_token(n_bytes: int = 24) -> str:
    """URL-safe text from the system's randomness."""
    return secrets.token_urlsafe(n_bytes)


def random_hex(n_bytes: int = 8) -> str:
    return secrets.token_hex(n_bytes)


def jitter() -> float:
    """A number in [0, 1) for backoff; not for secrets."""
    return secrets.randbelow(1 << 20) / (1 << 20)


def seeded(seed: int) -> random.Random:
    """Repeatable chance for a Monte Carlo run: the same seed draws the same numbers on every Python."""
    return random.Random(seed)  # noqa: S311 - nothing secret is drawn from it
