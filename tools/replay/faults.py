"""Faults that a test asks the venue to show; safe to set from any thread."""

from __future__ import annotations

import enum
import threading
from collections import deque
from dataclasses import dataclass


class CandleFault(enum.Enum):
    """How a candle answer goes wrong."""

    ERROR_500 = "error-500"
    TOO_MANY = "too-many"
    """429 with Retry-After"""
    GARBAGE = "garbage"
    """200 and bytes that are not JSON"""
    TRUNCATED = "truncated"
    """200 and the first half of the JSON"""
    DUPLICATES = "duplicates"
    """every row twice"""
    OUT_OF_ORDER = "out-of-order"
    """rows newest first"""
    NO_ROWS = "no-rows"
    """200 and an empty list per symbol"""
    EMPTY = "empty"
    """200 and no body at all"""
    HANG = "hang"
    """no answer until the caller gives up"""


@dataclass(frozen=True, slots=True)
class Fault:
    """One planned fault; `retry_after_s` matters to TOO_MANY only."""

    kind: CandleFault
    retry_after_s: int = 1


class Faults:
    """What the venue does wrong next; nothing, unless a test has asked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._candles: deque[Fault] = deque()
        self._silent = threading.Event()

    def candles(self, kind: CandleFault, times: int = 1, *, retry_after_s: int = 1) -> None:
        """Let the next `times` candle answers of any venue go wrong like `kind`, after those already asked for."""
        with self._lock:
            self._candles.extend([Fault(kind, retry_after_s)] * times)

    def take(self) -> Fault | None:
        """The fault of the candle answer being made, or None; it is used up."""
        with self._lock:
            return self._candles.popleft() if self._candles else None

    @property
    def pending(self) -> int:
        """How many candle answers have still to go wrong."""
        with self._lock:
            return len(self._candles)

    def silence_feed(self) -> None:
        """Keep depth sockets open but send nothing, heartbeats included; what is missed is a gap in seq."""
        self._silent.set()

    def restore_feed(self) -> None:
        """Let depth sockets speak again."""
        self._silent.clear()

    @property
    def feed_silent(self) -> bool:
        """Whether depth sockets are silent."""
        return self._silent.is_set()

    def clear(self) -> None:
        """Forget every fault."""
        with self._lock:
            self._candles.clear()
        self._silent.clear()
