"""When the ticks go to R2: every minute, or sooner when many wait; after a failure, a little later again."""

from __future__ import annotations

from collections import Counter

from shared import log
from shared.book.link import Spawn
from shared.book.ticks import TickBuffer
from shared.clock import Clock

FLUSH_TICKS = 5000
FLUSH_MS = 60_000
RETRY_MS = 10_000
STUCK_MS = 120_000
"""A flush that has not come back by then no longer keeps the next one from starting; both write the same object."""

_log = log.get("book.flusher")


class Flusher:
    """Counts `flushes` and `flush_failures`."""

    def __init__(self, ticks: TickBuffer, spawn: Spawn, clock: Clock, counters: Counter[str]) -> None:
        self._ticks = ticks
        self._spawn = spawn
        self._clock = clock
        self._counters = counters
        self._at_ms = clock.now_ms() + FLUSH_MS
        self._failing = False
        self._started_ms: int | None = None

    def check(self, venue: str, shard: str, now_ms: int) -> None:
        """Start the flush that is due, unless one is under way."""
        if self._due(now_ms):
            self._started_ms = now_ms
            self._spawn(self._in_background(venue, shard, now_ms))

    async def write(self, venue: str, shard: str) -> tuple[int, int]:
        """(ticks, objects) written now; raises what R2 raises."""
        written = await self._ticks.flush(venue, shard)
        self._counters["flushes"] += 1
        self._failing = False
        self._at_ms = self._clock.now_ms() + FLUSH_MS
        return written

    def _due(self, now_ms: int) -> bool:
        if self._started_ms is not None and now_ms - self._started_ms <= STUCK_MS:
            return False
        buffered = self._ticks.buffered
        if not buffered:
            return False
        return now_ms >= self._at_ms or (buffered >= FLUSH_TICKS and not self._failing)

    async def _in_background(self, venue: str, shard: str, started_ms: int) -> None:
        try:
            await self.write(venue, shard)
        except Exception:  # noqa: BLE001
            # The outermost edge of a task: whatever R2 threw, the ticks are still in SQLite.
            self._counters["flush_failures"] += 1
            self._failing = True
            self._at_ms = self._clock.now_ms() + RETRY_MS
            _log.warning("ticks_flush_failed", exc_info=True, extra={"ticks": self._ticks.buffered})
        finally:
            if self._started_ms == started_ms:
                self._started_ms = None
