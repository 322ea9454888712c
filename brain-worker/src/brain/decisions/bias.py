"""Stage 2: what speaks for or against a symbol whatever a strategy sees, -1..1."""

from __future__ import annotations

from collections.abc import Iterable
from math import fsum
from typing import Any, Final

from brain.bar import Bar
from brain.decisions.evidence import Event
from brain.decisions.moments import finite
from brain.decisions.score import cut
from brain.frame import Frame
from brain.indicators.average import Ema
from shared.model.decision import BiasConfig, FrameBias

MOST_EVENTS: Final = 32
"""Of one symbol; beyond it the oldest are dropped."""
LIFE: Final = 8.0
"""Half-lives after which an event is forgotten: less than half a per cent of it is left."""

Kept = tuple[int, str, float, float]
"""`(at_ms, hash, bias, half-life in ms)` of an event."""


class Slope:
    """The sign of the slope of an average over longer bars; 0 until it has two values."""

    __slots__ = ("_average", "_before", "_frame", "sign")

    def __init__(self, config: FrameBias, interval_ms: int) -> None:
        self._frame = Frame(config.bars, interval_ms)
        self._average = Ema(config.ema)
        self._frame.feed.add(self._average)
        self._before: float | None = None
        self.sign = 0

    def take(self, bar: Bar) -> None:
        """One closed bar."""
        if not self._frame.take(bar):
            return
        now = self._average.value
        if now != now:
            return
        if self._before is not None:
            self.sign = (now > self._before) - (now < self._before)
        self._before = now

    def state(self) -> list[Any]:
        """As JSON."""
        return [self._frame.state(), self._before, self.sign]

    def restore(self, state: list[Any]) -> None:
        """ValueError, TypeError or LookupError for what does not fit."""
        frame, before, sign = state
        self._frame.restore(frame)
        self._before = None if before is None else finite(before)
        if sign not in (-1, 0, 1):
            raise ValueError(f"{sign!r} is no sign")
        self.sign = int(sign)


class Biases:
    """The bias of every symbol.

        bias = sum of event * 0.5 ^ (age / half-life) + frame weight * sign of the slope, cut to -1..1

    An event counts from the first close at or after its time on, so nothing is known before it happened; it is dropped after
    `LIFE` half-lives.
    """

    def __init__(self, config: BiasConfig | None, interval_ms: int) -> None:
        self._config = config
        self._interval_ms = interval_ms
        self._events: dict[str, list[Kept]] = {}
        self._slopes: dict[str, Slope] = {}
        self._now_ms = 0

    @property
    def weight(self) -> float:
        """What of a bias is added to a score."""
        return 0.0 if self._config is None else self._config.weight

    def hear(self, events: Iterable[Event]) -> None:
        """Events, known ones among them, in any order."""
        if self._config is None:
            return
        for event in events:
            half_life_ms = event.half_life_bars * self._interval_ms
            known = self._events.setdefault(event.symbol, [])
            if all(each[1] != event.hash for each in known):
                known.append((event.at_ms, event.hash, event.bias, half_life_ms))
                known.sort()
                del known[:-MOST_EVENTS]

    def pass_to(self, close_ms: int) -> None:
        """It is as late as that: what is over by then is no part of the state any more."""
        self._now_ms = max(self._now_ms, close_ms)

    def take(self, symbol: str, bar: Bar) -> None:
        """One closed bar, for the longer ones."""
        if self._config is None or self._config.frame is None:
            return
        slope = self._slopes.get(symbol)
        if slope is None:
            slope = self._slopes[symbol] = Slope(self._config.frame, self._interval_ms)
        slope.take(bar)

    def of(self, symbol: str, close_ms: int) -> float:
        """The bias at a close."""
        if self._config is None:
            return 0.0
        total = [self._of_events(symbol, close_ms)]
        if self._config.frame is not None and symbol in self._slopes:
            total.append(self._config.frame.weight * self._slopes[symbol].sign)
        return cut(fsum(total))

    def _of_events(self, symbol: str, close_ms: int) -> float:
        known = self._events.get(symbol)
        if not known:
            return 0.0
        return fsum(
            bias * 0.5 ** ((close_ms - at_ms) / half_life_ms)
            for at_ms, _, bias, half_life_ms in known
            if 0 <= close_ms - at_ms <= LIFE * half_life_ms
        )

    def _alive(self) -> dict[str, list[list[Any]]]:
        """Without what is over by the newest close."""
        alive = {
            symbol: [list(each) for each in known if self._now_ms - each[0] <= LIFE * each[3]]
            for symbol, known in sorted(self._events.items())
        }
        return {symbol: known for symbol, known in alive.items() if known}

    def state(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "events": self._alive(),
            "slopes": {symbol: slope.state() for symbol, slope in sorted(self._slopes.items())},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """ValueError, TypeError or LookupError for what does not fit."""
        if self._config is None:
            return
        for symbol, known in state["events"].items():
            self._events[symbol] = [
                (int(at_ms), str(name), finite(bias), finite(half_life_ms)) for at_ms, name, bias, half_life_ms in known
            ]
        if self._config.frame is not None:
            for symbol, kept in state["slopes"].items():
                slope = self._slopes[symbol] = Slope(self._config.frame, self._interval_ms)
                slope.restore(kept)
