"""The levels that one desk wants watched, and which of them must be reported to it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from shared.model import Level, Quote

REFIRE_MS = 1000
"""The same level, still listed by the desk after it was told, is told again no sooner, and only for a newer quote."""


class Crossing(NamedTuple):
    """A level with the quote that crossed it first."""

    level: Level
    quote: Quote


class _Told(NamedTuple):
    seq: int
    at_ms: int


class Watched:
    """Levels by instrument. A crossing stays pending until the desk has answered for it: a failed call fires again.

    A price that comes back in the meantime takes nothing away: a stop that was touched was touched.
    """

    def __init__(self) -> None:
        self._levels: dict[str, tuple[Level, ...]] = {}
        self._pending: dict[Level, Crossing] = {}
        self._told: dict[Level, _Told] = {}

    def replace(self, levels: Iterable[Level]) -> None:
        """The desk's newest answer; crossings of levels that it no longer lists are dropped."""
        by_instrument: dict[str, tuple[Level, ...]] = {}
        for level in dict.fromkeys(levels):
            by_instrument[level.instrument] = (*by_instrument.get(level.instrument, ()), level)
        listed = {level for group in by_instrument.values() for level in group}
        self._levels = by_instrument
        self._pending = {level: found for level, found in self._pending.items() if level in listed}
        self._told = {level: told for level, told in self._told.items() if level in listed}

    def instruments(self) -> set[str]:
        """What the levels are of."""
        return set(self._levels)

    def see(self, quote: Quote, now_ms: int) -> bool:
        """Look at one quote; whether a level newly became pending."""
        found = False
        for level in self._levels.get(quote.instrument, ()):
            if level not in self._pending and level.crossed_by(quote) and self._may_fire(level, quote, now_ms):
                self._pending[level] = Crossing(level, quote)
                found = True
        return found

    def next(self) -> Crossing | None:
        """The oldest crossing that the desk has not answered for."""
        return next(iter(self._pending.values()), None)

    def answered(self, crossing: Crossing, now_ms: int) -> None:
        """The desk has been told."""
        self._pending.pop(crossing.level, None)
        self._told[crossing.level] = _Told(crossing.quote.seq, now_ms)

    def _may_fire(self, level: Level, quote: Quote, now_ms: int) -> bool:
        told = self._told.get(level)
        return told is None or (quote.seq != told.seq and now_ms - told.at_ms >= REFIRE_MS)
