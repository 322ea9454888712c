"""The market clock: steps from one bar close to the next, and goes on after a restart where it stopped."""

from __future__ import annotations

import json
import os
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tools.replay.errors import StateError

VERSION = 1


@dataclass(frozen=True, slots=True)
class ClockReading:
    """`bar` of `bars` steps have been made, and it is `market_ms` on this venue."""

    venue: str
    market_ms: int
    bar: int
    bars: int
    ended: bool

    def to_json(self) -> dict[str, object]:
        """The reading as it stands in `GET /{venue}/clock`."""
        return asdict(self)


class MarketClock:
    """Market time of one venue; it never waits, so a weekend is one step like any other."""

    def __init__(self, venue: str, play_from_ms: int, closes: Sequence[int]) -> None:
        """`closes` rise and lie after `play_from_ms`; raises ValueError when there are none or the first does not."""
        if not closes or closes[0] <= play_from_ms:
            raise ValueError(f"venue {venue}: closes must be non-empty and begin after play_from_ms {play_from_ms}")
        self.venue = venue
        self._play_from_ms = play_from_ms
        self._closes = closes
        self._bar = 0

    @property
    def market_ms(self) -> int:
        """Market time: the close of the last bar played."""
        return self._closes[self._bar - 1] if self._bar else self._play_from_ms

    @property
    def ended(self) -> bool:
        """Whether every bar has been played."""
        return self._bar == len(self._closes)

    @property
    def identity(self) -> list[int]:
        """What tells this market from another: [play_from_ms, last close, number of closes]."""
        return [self._play_from_ms, self._closes[-1], len(self._closes)]

    def step(self) -> int:
        """Go on to the next bar close and return it; at the end, stay there."""
        self._bar += not self.ended
        return self.market_ms

    def seek(self, market_ms: int) -> None:
        """Stand at the last bar close that is not after `market_ms`."""
        self._bar = bisect_right(self._closes, market_ms)

    def read(self) -> ClockReading:
        """The present reading."""
        return ClockReading(self.venue, self.market_ms, self._bar, len(self._closes), self.ended)


class ClockFile:
    """Where the clocks of all venues stand, in one JSON file, replaced atomically at every save."""

    def __init__(self, path: Path | None) -> None:
        """With no path nothing is kept: every start begins anew."""
        self._path = path
        self._saved: dict[str, dict[str, object]] = {}

    def load(self, clocks: Sequence[MarketClock]) -> list[str]:
        """Bring each clock to where it stopped; returns the venues that begin anew because their data has changed.

        Raises StateError when the file is no such state.
        """
        self._saved = self._read()
        changed = []
        for clock in clocks:
            saved = self._saved.get(clock.venue)
            if saved is None:
                continue
            if saved.get("identity") != clock.identity:
                changed.append(clock.venue)
                continue
            clock.seek(self._market_ms(clock.venue, saved))
        return changed

    def save(self, clock: MarketClock) -> None:
        """Keep where `clock` stands; what is kept of other venues stays."""
        self._saved[clock.venue] = {"market_ms": clock.market_ms, "identity": clock.identity}
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_name(f"{self._path.name}.{os.getpid()}.tmp")
        draft.write_text(json.dumps({"version": VERSION, "venues": self._saved}, sort_keys=True), encoding="utf-8")
        draft.replace(self._path)

    def _read(self) -> dict[str, dict[str, object]]:
        if self._path is None or not self._path.exists():
            return {}
        try:
            state = json.loads(self._path.read_bytes())
        except ValueError as error:
            raise self._error("content", str(error), "must be JSON") from error
        if not isinstance(state, dict) or state.get("version") != VERSION:
            raise self._error("version", state, f"must be an object of version {VERSION}")
        venues = state.get("venues")
        if not isinstance(venues, dict) or not all(isinstance(saved, dict) for saved in venues.values()):
            raise self._error("venues", venues, "must map each venue to an object")
        return venues

    def _market_ms(self, venue: str, saved: dict[str, object]) -> int:
        market_ms = saved.get("market_ms")
        if type(market_ms) is not int:
            raise self._error(f"venues.{venue}.market_ms", market_ms, "must be an integer")
        return market_ms

    def _error(self, field: str, value: object, rule: str) -> StateError:
        shown = str(value)[:80]
        return StateError(f"{self._path}: {field}={shown!r}: {rule}; remove the file to play from the beginning")
