"""What a strategy is: parameters in, closed bars in, ideas out, and a state that JSON can carry."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Generic, TypeVar

from brain.bar import Bar, Idea
from brain.feed import Feed
from brain.frame import Frame
from brain.indicators.indicator import Indicator
from brain.view import View
from shared.model import Model

P = TypeVar("P", bound=Model)
I = TypeVar("I", bound=Indicator)  # noqa: E741 - an indicator


class Strategy(ABC, Generic[P]):
    """One instance follows one symbol. It says what happened on a bar; whether a position is open, only the desk knows.

    A subclass lives in a file of its own in `brain/strategies`, sets the three class attributes and documents its idea, when
    it fails and its source. `setup` declares indicators; they are fed each bar before `on_candle` is asked. Other attributes
    that it must remember from bar to bar stand in `remembers`, and hold numbers, texts, None, or lists of them. `version` goes
    up whenever the same bars could give another answer or the state another shape. `params_model` holds numbers and short
    texts, each with a default, a description and, where a number, bounds.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    params_model: ClassVar[type[Model]]
    remembers: ClassVar[tuple[str, ...]] = ()
    extra_bars: ClassVar[int] = 0
    """Bars that it needs beyond the warm-up of its indicators: 1 to see a change of one."""

    def __init__(self, params: P, interval_ms: int) -> None:
        self.params = params
        self.interval_ms = interval_ms
        self._feed = Feed()
        self._frames: list[Frame] = []
        self.take: Callable[[Bar], None] = self._feed.take
        self.setup()

    @abstractmethod
    def setup(self) -> None:
        """Declare indicators and set what is remembered to what it is before the first bar."""

    @abstractmethod
    def on_candle(self, view: View) -> Idea | None:
        """What the bar that just closed brought, if anything."""

    def uses(self, indicator: I, *inputs: str, on: Frame | None = None) -> I:
        """The indicator, fed from now on with its own inputs or other columns, of a frame's bars or of the symbol's own."""
        (self._feed if on is None else on.feed).add(indicator, inputs)
        return indicator

    def frame(self, bars: int) -> Frame:
        """Bars `bars` times as long; what is used on them is fed when one has closed."""
        made = Frame(bars, self.interval_ms)
        self._frames.append(made)
        self.take = self._take_all
        return made

    def _take_all(self, bar: Bar) -> None:
        self._feed.take(bar)
        for frame in self._frames:
            frame.take(bar)

    @property
    def warmup_bars(self) -> int:
        """Bars up to and including the first one on which an idea is possible, in a market without gaps."""
        # the first long bar may have been cut
        longest = [frame.bars * (frame.feed.warmup + 1) for frame in self._frames]
        return max(self._feed.warmup, *longest, 1) + self.extra_bars

    def state(self) -> list[Any]:
        """`[indicators, frames, remembered]` as JSON values without NaN."""
        remembered = [getattr(self, name) for name in self.remembers]
        return [self._feed.state(), [frame.state() for frame in self._frames], remembered]

    def restore(self, state: list[Any]) -> None:
        """Become what `state()` described; a state that does not fit raises ValueError, TypeError or LookupError."""
        fed, frames, remembered = state
        self._feed.restore(fed)
        for frame, kept in zip(self._frames, frames, strict=True):
            frame.restore(kept)
        restore_remembered(self, remembered)


class MarketStrategy(Strategy[P]):
    """One instance follows all symbols of a desk: rotation, pairs, and whatever else compares them.

    All bars that close together are taken before any of their symbols is asked about. `each` makes an indicator for every symbol.
    """

    def __init__(self, params: P, interval_ms: int) -> None:
        self._each: list[tuple[PerSymbol[Any], tuple[str, ...]]] = []
        self._feeds: dict[str, Feed] = {}
        super().__init__(params, interval_ms)

    def each(self, make: Callable[[], I], *inputs: str) -> PerSymbol[I]:
        """The same indicator for every symbol, by its name."""
        made = PerSymbol(make)
        self._each.append((made, inputs))
        return made

    def take_of(self, symbol: str, bar: Bar) -> None:
        """One closed bar of one symbol."""
        self._feed_of(symbol).take(bar)

    def _feed_of(self, symbol: str) -> Feed:
        feed = self._feeds.get(symbol)
        if feed is None:
            feed = self._feeds[symbol] = Feed()
            for per_symbol, inputs in self._each:
                feed.add(per_symbol.add(symbol), inputs)
        return feed

    @property
    def warmup_bars(self) -> int:
        """As for any strategy, of each symbol."""
        return max([each.make().warmup for each, _ in self._each], default=1) + self.extra_bars

    def state(self) -> list[Any]:
        """`[{symbol: indicators}, remembered]`."""
        remembered = [getattr(self, name) for name in self.remembers]
        return [{symbol: feed.state() for symbol, feed in sorted(self._feeds.items())}, remembered]

    def restore(self, state: list[Any]) -> None:
        """As for any strategy."""
        fed, remembered = state
        for symbol, kept in fed.items():
            self._feed_of(symbol).restore(kept)
        restore_remembered(self, remembered)


class PerSymbol(Generic[I]):
    """One indicator a symbol; LookupError for a symbol that has had no bar yet."""

    def __init__(self, make: Callable[[], I]) -> None:
        self.make = make
        self._made: dict[str, I] = {}

    def __getitem__(self, symbol: str) -> I:
        return self._made[symbol]

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._made

    def add(self, symbol: str) -> I:
        """A fresh one."""
        made = self._made[symbol] = self.make()
        return made


def restore_remembered(strategy: Strategy[Any], values: list[Any]) -> None:
    """Sets what a strategy remembers; ValueError for what it cannot have said."""
    for name, value in zip(strategy.remembers, values, strict=True):
        before = getattr(strategy, name)
        if not _is_plain(value) or (before is not None and isinstance(before, list) != isinstance(value, list)):
            raise ValueError(f"{name} cannot be {value!r}")
        # a float that happens to be whole may come back as an int
        setattr(strategy, name, float(value) if type(before) is float and type(value) is int else value)


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(_is_plain(each) for each in value)
    return value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value))
