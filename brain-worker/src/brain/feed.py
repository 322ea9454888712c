"""Bars into indicators: what a strategy declared is fed before it is asked, on its own bars or on longer ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from operator import itemgetter
from typing import Any, Final

from brain.bar import Bar
from brain.bars import Bars
from brain.indicators.indicator import Indicator
from brain.indicators.numbers import Numbers

COLUMNS: Final = Bar._fields
_CLOSE: Final = ("close",)
_RANGE: Final = ("high", "low", "close")


class Feed:
    """The indicators that one series of bars goes into, in the order in which they were added."""

    __slots__ = ("_by_close", "_by_range", "_inputs", "_others", "indicators")

    def __init__(self) -> None:
        self.indicators: list[Indicator] = []
        self._inputs: list[tuple[str, ...]] = []
        self._by_close: list[Callable[[float], float]] = []
        self._by_range: list[Callable[[float, float, float], float]] = []
        self._others: list[tuple[Callable[..., float], Callable[[Bar], Any]]] = []

    def add(self, indicator: Indicator, inputs: Sequence[str] = ()) -> None:
        """`inputs` are columns of a bar in place of the indicator's own; ValueError for a column that no bar has."""
        wanted = tuple(inputs) or indicator.inputs
        pick = _pick(wanted)
        if len(wanted) != len(indicator.inputs):
            raise ValueError(f"{type(indicator).__name__} takes {len(indicator.inputs)} inputs, not {len(wanted)}")
        self.indicators.append(indicator)
        self._inputs.append(wanted)
        update = indicator.update
        if wanted == _CLOSE:
            self._by_close.append(update)
        elif wanted == _RANGE:
            self._by_range.append(update)
        else:
            self._others.append((update, pick))

    def take(self, bar: Bar) -> None:
        """Updates all of them with one closed bar."""
        _, _, high, low, close, _ = bar
        for update in self._by_close:
            update(close)
        for by_range in self._by_range:
            by_range(high, low, close)
        for other, pick in self._others:
            other(*pick(bar))

    def along(self, bars: Bars) -> Callable[[Bar], None]:
        """In place of `take`, for bars of a series that is known whole, in any order: it moves the indicators to one of them."""
        moves = [
            indicator.along(*(getattr(bars, name) for name in inputs))
            for indicator, inputs in zip(self.indicators, self._inputs, strict=True)
        ]

        def take(bar: Bar) -> None:
            place = bars.place(bar.open_time_ms)
            for move in moves:
                move(place)

        return take

    @property
    def warmup(self) -> int:
        """Bars until the last of them has its first number; 1 where there is none."""
        return max((each.warmup for each in self.indicators), default=1)

    def keep(self, into: list[float]) -> None:
        """Appends what every indicator remembers."""
        for each in self.indicators:
            each.keep(into)

    def recall(self, numbers: Numbers, at: int) -> int:
        """Reads what `keep` appended there; the place after it. ValueError or LookupError where it does not fit."""
        for each in self.indicators:
            at = each.recall(numbers, at)
        return at


@cache
def _pick(wanted: tuple[str, ...]) -> Callable[[Bar], tuple[float, ...]]:
    """What takes these columns out of a bar."""
    if unknown := [name for name in wanted if name not in COLUMNS]:
        raise ValueError(f"a bar has no {unknown[0]!r}; it has {', '.join(COLUMNS)}")
    found: Callable[[Bar], Any] = itemgetter(*(COLUMNS.index(name) for name in wanted))
    return found if len(wanted) > 1 else lambda bar: (found(bar),)
