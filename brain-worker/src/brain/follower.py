"""One strategy, bar by bar, until it fails: a bad one never stops the others."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from brain import fault, remembered
from brain import state as states
from brain.bar import Bar, Idea
from brain.bars import Bars
from brain.request import Choice
from brain.series import Refusal
from brain.steps import BUDGET, STEPS, OverBudget
from brain.strategy import MarketStrategy, Strategy
from brain.view import View
from shared.errors import Invalid

MARKET = "*"
"""Stands for the symbol of a strategy that follows the whole market."""
NEVER = -1
MAX_DETAIL = 300
_DOES_NOT_FIT = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class Thought(NamedTuple):
    """An idea, on which symbol's bar and from which strategy it came."""

    choice: Choice
    symbol: str
    bar: Bar
    idea: Idea


class Follower:
    """A strategy on one symbol. `watermark_ms` is the open time of the newest bar it has taken; older ones are passed over.

    Once `refusal` is set it takes nothing any more. Where the strategy could not even be made, it is set from the start, and
    there is no `strategy`.
    """

    __slots__ = ("choice", "refusal", "strategy", "symbol", "view", "watermark_ms")

    def __init__(self, choice: Choice, symbol: str, interval_ms: int, strategy: Strategy[Any] | None = None) -> None:
        self.choice = choice
        self.symbol = symbol
        self.view = View(symbol)
        self.watermark_ms = NEVER
        self.refusal: Refusal | None = None
        STEPS.left = BUDGET
        try:
            self.strategy = strategy or choice.strategy(choice.params, interval_ms)
            if strategy is None:
                remembered.check(self.strategy, self.strategy.remembers)
            STEPS.check()
        except BaseException as error:  # noqa: BLE001 - a strategy may fail in any way; recorded, it must not stop the others
            self.refuse(error, 0)

    @property
    def warmup_bars(self) -> int:
        """Those of the strategy; 1 of one that fails, which needs none."""
        if self.refusal is None:
            STEPS.left = BUDGET
            try:
                return self.strategy.warmup_bars
            except BaseException as error:  # noqa: BLE001 - as above
                self.refuse(error, 0)
        return 1

    def take(self, bar: Bar, close_ms: int) -> Idea | None:
        """What the strategy says on it."""
        open_ms = bar.open_time_ms
        if open_ms <= self.watermark_ms or self.refusal is not None:
            return None
        STEPS.left = BUDGET
        view, strategy = self.view, self.strategy
        view.bar = bar
        view.close_ms = close_ms
        try:
            strategy.take(bar)
            idea = strategy.on_candle(view)
            if idea is not None:
                check(idea)
            if STEPS.left < 0:
                STEPS.over()
        except BaseException as error:  # noqa: BLE001 - as above
            self.refuse(error, close_ms)
            return None
        self.watermark_ms = open_ms
        return idea

    def occasions(self, bars: Bars) -> Sequence[int] | None:
        """Places of a whole series on which it has to be asked; None for all of them."""
        if self.refusal is not None:
            return ()
        STEPS.left = BUDGET * (1 + len(bars) // 1000)
        try:
            if self.strategy.has_frames:
                return None
            places = self.strategy.occasions(bars)
            if places is not None and not _is_path(places, len(bars)):
                raise TypeError("occasions must be whole numbers, ascending, of bars that there are")
            STEPS.check()
        except BaseException as error:  # noqa: BLE001 - as above
            self.refuse(error, 0)
            return ()
        return places

    def leap(self, bars: Bars) -> None:
        """From now on it goes from any bar of this series to any other."""
        if self.refusal is not None:
            return
        STEPS.left = BUDGET
        try:
            self.strategy.leap(bars)
        except BaseException as error:  # noqa: BLE001 - as above
            self.refuse(error, 0)

    def refuse(self, error: BaseException, close_ms: int) -> None:
        """`strategy_error`, or `over_budget`, with the bar it happened on: from now on it says nothing. A KeyboardInterrupt, which
        may as well be the user's, goes on.
        """
        if isinstance(error, KeyboardInterrupt):
            raise error
        code, why = "strategy_error", ""
        if isinstance(error, OverBudget):
            code, why = "over_budget", str(error)
        self.refusal = Refusal(close_ms, code, (why or _why(error, self.choice.strategy))[:MAX_DETAIL])

    def entry(self) -> states.Entry | None:
        """What is stored of it; None, and a refusal, where that is nothing that can be."""
        STEPS.left = BUDGET
        try:
            return [self.watermark_ms, self._state()]
        except BaseException as error:  # noqa: BLE001 - as above
            self.refuse(error, self.view.close_ms)
            return None

    def look(self) -> None:
        """Refuses what could not be stored, for a backtest, which stores nothing."""
        if self.refusal is not None or self.watermark_ms == NEVER:
            return
        STEPS.left = BUDGET
        try:
            remembered.keep(self.strategy, self.strategy.remembers, [])
        except BaseException as error:  # noqa: BLE001 - as above
            self.refuse(error, self.view.close_ms)

    def restore(self, entry: states.Entry, close_ms: int) -> None:
        """Becomes what was stored; refuses with `bad_state` where that does not fit."""
        self.watermark_ms = entry[0]
        if self.refusal is not None:
            return
        STEPS.left = BUDGET
        try:
            self._restore(entry[1])
        except _DOES_NOT_FIT as error:
            self.refusal = Refusal(close_ms, "bad_state", f"{type(error).__name__}; {states.REMEDY}")
        except BaseException as error:  # noqa: BLE001 - as above
            self.refuse(error, close_ms)

    def _state(self) -> list[Any]:
        return self.strategy.state()

    def _restore(self, state: list[Any]) -> None:
        self.strategy.restore(state)


class MarketFollower(Follower):
    """A strategy on all symbols; the watermark is that of the newest close."""

    __slots__ = ("_market",)

    strategy: MarketStrategy[Any]

    def __init__(self, choice: Choice, interval_ms: int) -> None:
        super().__init__(choice, MARKET, interval_ms)
        self._market: dict[str, Bar] = {}
        self.view = View(MARKET, self._market)

    def take_all(self, bars: Sequence[tuple[str, Bar]], close_ms: int) -> list[Thought]:
        """All bars of one close; what the strategy says on each symbol that has one."""
        fresh = [(symbol, bar) for symbol, bar in bars if bar.open_time_ms > self.watermark_ms]
        if not fresh or self.refusal is not None:
            return []
        try:
            return self._asked(fresh, close_ms)
        except BaseException as error:  # noqa: BLE001 - as above
            self.refuse(error, close_ms)
            return []

    def _asked(self, bars: Sequence[tuple[str, Bar]], close_ms: int) -> list[Thought]:
        view, found, market, strategy = self.view, [], self._market, self.strategy
        view.close_ms = close_ms
        for symbol, bar in bars:
            STEPS.left = BUDGET
            strategy.take_of(symbol, bar)
            market[symbol] = bar
        for symbol, bar in bars:
            STEPS.left = BUDGET
            view.symbol, view.bar = symbol, bar
            idea = strategy.on_candle(view)
            if STEPS.left < 0:
                STEPS.over()
            if idea is None:
                continue
            check(idea)
            found.append(Thought(self.choice, symbol, bar, idea))
        self.watermark_ms = bars[0][1].open_time_ms
        return found

    def _state(self) -> list[Any]:
        """With the newest bar of each symbol."""
        newest = {symbol: list(bar) for symbol, bar in sorted(self._market.items())}
        return [self.strategy.state(), newest]

    def _restore(self, state: list[Any]) -> None:
        kept, newest = state
        STEPS.left = BUDGET * (1 + len(newest))
        self.strategy.restore(kept)
        for symbol, bar in newest.items():
            self._market[symbol] = Bar(int(bar[0]), *map(float, bar[1:]))


def check(idea: object) -> None:
    """TypeError for what no strategy may answer."""
    if type(idea) is not Idea:
        raise TypeError(f"on_candle must return an Idea or None, not {type(idea).__name__}")


def _is_path(places: Sequence[int], count: int) -> bool:
    whole = len(places) <= count and set(map(type, places)) <= {int} and all(a < b for a, b in pairwise(places))
    return whole and (not places or (places[0] >= 0 and places[-1] < count))


def _why(error: BaseException, strategy: type[Strategy[Any]]) -> str:
    """With the line of the strategy's own file."""
    if isinstance(error, Invalid):
        return f"Invalid: {error.detail}"
    code = getattr(strategy.on_candle, "__code__", None)
    return fault.told(error, [code.co_filename] if code else [])
