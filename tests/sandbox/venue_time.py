"""The sandbox's three clocks."""

from __future__ import annotations

from collections.abc import Callable


class VenueTime:
    """`wall_ms` runs by itself and can be pushed on; `signing_ms` is what signatures are held to, and may be wrong on purpose.

    `market_ms` stands still and is set by the control where the sandbox was given a `start_ms`; else it is wall time.
    """

    def __init__(self, real_ms: Callable[[], int], start_ms: int | None = None) -> None:
        self._real_ms = real_ms
        self._market_ms = start_ms
        self.pushed_ms = 0
        self.skew_ms = 0

    def wall_ms(self) -> int:
        return self._real_ms() + self.pushed_ms

    def signing_ms(self) -> int:
        return self._real_ms() + self.skew_ms

    def market_ms(self) -> int:
        return self.wall_ms() if self._market_ms is None else self._market_ms

    def set_market(self, market_ms: int) -> None:
        """Never back: ValueError."""
        if market_ms < self.market_ms():
            raise ValueError(f"market_ms {market_ms} is before {self.market_ms()}")
        self._market_ms = market_ms
