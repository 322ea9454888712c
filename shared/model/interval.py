"""The lengths a bar may have."""

from __future__ import annotations

from enum import StrEnum

_MINUTE_MS = 60_000


class Interval(StrEnum):
    M1 = "1m"
    M5 = "5m"
    M15 = "15m"
    M30 = "30m"
    H1 = "1h"
    H4 = "4h"
    D1 = "1d"

    @property
    def ms(self) -> int:
        """Length in milliseconds."""
        return _LENGTH_MS[self]


_LENGTH_MS = {
    Interval.M1: _MINUTE_MS,
    Interval.M5: 5 * _MINUTE_MS,
    Interval.M15: 15 * _MINUTE_MS,
    Interval.M30: 30 * _MINUTE_MS,
    Interval.H1: 60 * _MINUTE_MS,
    Interval.H4: 240 * _MINUTE_MS,
    Interval.D1: 1440 * _MINUTE_MS,
}
