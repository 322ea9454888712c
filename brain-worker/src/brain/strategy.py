"""What a strategy is: parameters in, closed bars in, ideas out, and a state that JSON can carry."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Final, Generic, TypeVar

from brain import remembered
from brain.bar import Bar, Idea
from brain.bars import Bars
from brain.feed import Feed
from brain.frame import Frame
from brain.indicators import INDICATORS
from brain.indicators.indicator import Indicator
from brain.indicators.numbers import Numbers, pack, unpack
from brain.view import View
from shared.model import Model

P = TypeVar("P", bound=Model)
I = TypeVar("I", bound=Indicator)  # noqa: E741 - an indicator


_OWN: Final = frozenset(("params", "_feed", "_frames", "take"))
_UNCHANGEABLE: Final = frozenset((int, float, bool, str, type(None)))
_REPLACED: Final = frozenset(INDICATORS.values())


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
        self._fresh = vars(self).copy() if self._leaves_nothing() else None

    @abstractmethod
    def setup(self) -> None:
        """Declare indicators and set what is remembered to what it is before the first bar."""

    @abstractmethod
    def on_candle(self, view: View) -> Idea | None:
        """What the bar that just closed brought, if anything."""

    def occasions(self, bars: Bars) -> Sequence[int] | None:
        """Of a whole series, the places of the bars on which `on_candle` could say something or come to remember something else,
        ascending; None for any bar.

        It makes backtests quicker and changes nothing else: bars that are not named are passed over. Whether it names enough is
        what `--bias` looks at. It is never asked in live trading, where nobody knows a series to its end.
        """
        return None

    @property
    def has_frames(self) -> bool:
        """Whether it looks at longer bars too."""
        return bool(self._frames)

    def leap(self, bars: Bars) -> None:
        """From now on `take` goes to any bar of this series without those in between. Not for one with frames."""
        self.take = self._feed.along(bars)

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
        """`[the numbers of indicators and frames, packed, what it remembers]`, as JSON values without NaN."""
        numbers: list[float] = []
        self._feed.keep(numbers)
        for frame in self._frames:
            frame.keep(numbers)
        kept = remembered.keep(self, self.remembers, numbers)
        return [pack(numbers), kept]

    def restore(self, state: list[Any]) -> None:
        """Become what `state()` described; a state that does not fit raises ValueError, TypeError or LookupError."""
        packed, kept = state
        numbers = unpack(packed)
        at = self._feed.recall(numbers, 0)
        for frame in self._frames:
            at = frame.recall(numbers, at)
        self._recall(kept, numbers, at)

    def renew(self) -> bool:
        """Forget the symbol that it followed, to be restored as that of another: quicker than a new one. False where it cannot."""
        if self._fresh is None:
            return False
        own = vars(self)
        own.update(self._fresh)
        return len(own) == len(self._fresh) + 1

    def _leaves_nothing(self) -> bool:
        """Whether all that `setup` set is remembered, unchangeable, or an indicator that is known to be replaced whole."""
        indicators = [each for feed in (self._feed, *(each.feed for each in self._frames)) for each in feed.indicators]
        known = set(map(id, (*indicators, *self._frames)))
        if any(vars(kind).get("__slots__") for kind in type(self).__mro__):
            return False
        return all(type(each) in _REPLACED for each in indicators) and all(
            type(value) in _UNCHANGEABLE or id(value) in known or name in _OWN or name in self.remembers
            for name, value in vars(self).items()
        )

    def _recall(self, kept: list[Any], numbers: Numbers, at: int) -> None:
        if remembered.recall(self, self.remembers, kept, numbers, at) != len(numbers):
            raise ValueError(f"not the state of {self.name}: it is too long or too short")


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
        """`[{symbol: the numbers of its indicators, packed}, those that it remembers, packed, what else it remembers]`."""
        fed = {}
        for symbol, feed in sorted(self._feeds.items()):
            of_symbol: list[float] = []
            feed.keep(of_symbol)
            fed[symbol] = pack(of_symbol)
        numbers: list[float] = []
        kept = remembered.keep(self, self.remembers, numbers)
        return [fed, pack(numbers), kept]

    def restore(self, state: list[Any]) -> None:
        """As for any strategy."""
        fed, packed, kept = state
        for symbol, of_symbol in fed.items():
            numbers = unpack(of_symbol)
            if self._feed_of(symbol).recall(numbers, 0) != len(numbers):
                raise ValueError(f"not the state of {self.name} on {symbol}: it is too long or too short")
        self._recall(kept, unpack(packed), 0)


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
