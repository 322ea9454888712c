"""Bars into indicators: what a strategy declared is fed before it is asked, on its own bars or on longer ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, Final

from brain.bar import Bar
from brain.indicators.indicator import Indicator

COLUMNS: Final = Bar._fields
_CLOSE: Final = ("close",)
_RANGE: Final = ("high", "low", "close")


class Feed:
    """The indicators that one series of bars goes into, in the order in which they were added."""

    __slots__ = ("_by_close", "_by_range", "_others", "indicators")

    def __init__(self) -> None:
        self.indicators: list[Indicator] = []
        self._by_close: list[Callable[[float], float]] = []
        self._by_range: list[Callable[[float, float, float], float]] = []
        self._others: list[tuple[Callable[..., float], Callable[[Bar], Any]]] = []

    def add(self, indicator: Indicator, inputs: Sequence[str] = ()) -> None:
        """`inputs` are columns of a bar in place of the indicator's own; ValueError for a column that no bar has."""
        wanted = tuple(inputs) or indicator.inputs
        if unknown := [name for name in wanted if name not in COLUMNS]:
            raise ValueError(f"a bar has no {unknown[0]!r}; it has {', '.join(COLUMNS)}")
        if len(wanted) != len(indicator.inputs):
            raise ValueError(f"{type(indicator).__name__} takes {len(indicator.inputs)} inputs, not {len(wanted)}")
        self.indicators.append(indicator)
        update = indicator.update
        if wanted == _CLOSE:
            self._by_close.append(update)
        elif wanted == _RANGE:
            self._by_range.append(update)
        elif len(wanted) == 1:
            self._others.append((update, _one(COLUMNS.index(wanted[0]))))
        else:
            self._others.append((update, itemgetter(*(COLUMNS.index(name) for name in wanted))))

    def take(self, bar: Bar) -> None:
        """Updates all of them with one closed bar."""
        _, _, high, low, close, _ = bar
        for update in self._by_close:
            update(close)
        for by_range in self._by_range:
            by_range(high, low, close)
        for other, pick in self._others:
            other(*pick(bar))

    @property
    def warmup(self) -> int:
        """Bars until the last of them has its first number; 1 where there is none."""
        return max((each.warmup for each in self.indicators), default=1)

    def state(self) -> list[Any]:
        """Each indicator's state."""
        return [each.state() for each in self.indicators]

    def restore(self, state: list[Any]) -> None:
        """ValueError, TypeError or LookupError for a state that does not fit."""
        for indicator, kept in zip(self.indicators, state, strict=True):
            indicator.restore(kept)


def _one(at: int) -> Callable[[Bar], tuple[float]]:
    return lambda bar: (bar[at],)
