"""A token bucket: never more than `capacity + rate * t` permits in any stretch of t seconds."""

from __future__ import annotations

from shared.clock import Clock
from shared.ports import Waits


class Bucket:
    """Permits for calls to one venue, counted within one run. It starts full; `capacity` is by default
    one second's worth.
    """

    def __init__(self, rate_per_s: float, clock: Clock, waits: Waits, capacity: float | None = None) -> None:
        self._rate = rate_per_s
        self._capacity = max(1.0, capacity if capacity is not None else rate_per_s)
        self._clock = clock
        self._waits = waits
        self._tokens = self._capacity
        self._at_ms = clock.now_ms()

    async def take(self) -> float:
        """Waits until one call is permitted; the seconds waited. Callers are served in the order they came."""
        wait_s = self.reserve(self._clock.now_ms())
        if wait_s > 0:
            await self._waits.sleep(wait_s)
        return wait_s

    def reserve(self, now_ms: int) -> float:
        """Takes a token, on credit if there is none; seconds until it is really there."""
        # A clock that steps back gives nothing and takes nothing.
        passed_ms = max(0, now_ms - self._at_ms)
        self._at_ms = max(self._at_ms, now_ms)
        self._tokens = min(self._capacity, self._tokens + passed_ms * self._rate / 1000.0) - 1.0
        return max(0.0, -self._tokens / self._rate)
