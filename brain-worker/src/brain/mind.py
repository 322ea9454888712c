"""All strategies of a desk over its markets, one close after the other: the same for a scan and for a backtest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from brain.bar import Bar
from brain.bars import Bars
from brain.decisions import signal_of
from brain.follower import MARKET, Follower, MarketFollower, Thought
from brain.request import Choice
from brain.series import Refusal
from brain.state import Entries
from brain.strategy import MarketStrategy, Strategy
from shared.errors import Invalid
from shared.model import Interval, Signal

_NONSENSE = (Invalid, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class Mind:
    """Followers are made when a symbol is first seen, from what `entries` know of it."""

    def __init__(
        self, venue: str, interval: Interval, choices: Sequence[Choice], entries: Entries | None = None
    ) -> None:
        self._venue = venue
        self._interval = interval
        self._entries = {} if entries is None else entries
        self._choices = [each for each in choices if not issubclass(each.strategy, MarketStrategy)]
        self._of: dict[str, list[Follower]] = {}
        self._spare: dict[str, Strategy[Any]] = {}
        self._market = [
            MarketFollower(each, interval.ms) for each in choices if issubclass(each.strategy, MarketStrategy)
        ]
        for follower in self._market:
            self._recall(follower, 0)

    def seen_ms(self, symbol: str) -> int:
        """Open time of the newest bar that every strategy has had of it; -1 where one of them has had none."""
        followers = [*self._followers(symbol, 0), *self._market]
        return min((each.watermark_ms for each in followers), default=-1)

    def leap(self, series: Mapping[str, Bars]) -> list[int] | None:
        """Open times of the bars on which somebody has to be asked, ascending, where all strategies can tell: from then on
        `close` takes those alone. None where one of them cannot.
        """
        if self._market:
            return None
        times: set[int] = set()
        for symbol, bars in series.items():
            for follower in self._followers(symbol, 0):
                places = follower.occasions(bars)
                if places is None:
                    return None
                times.update(map(bars.open_time_ms.__getitem__, places))
        for symbol, bars in series.items():
            for follower in self._of[symbol]:
                follower.leap(bars)
        return sorted(times)

    def close(self, close_ms: int, bars: Sequence[tuple[str, Bar]]) -> list[Signal]:
        """What the strategies say on bars that closed together, by symbol and in the strategies' order."""
        return self.each(close_ms, bars) + self.everywhere(close_ms, bars)

    def each(self, close_ms: int, bars: Sequence[tuple[str, Bar]]) -> list[Signal]:
        """What those say that follow one symbol."""
        thoughts = []
        for symbol, bar in bars:
            for follower in self._of.get(symbol) or self._followers(symbol, close_ms):
                idea = follower.take(bar, close_ms)
                if idea is not None:
                    thoughts.append((follower, Thought(follower.choice, symbol, bar, idea)))
        return self._signals(thoughts, close_ms) if thoughts else []

    def everywhere(self, close_ms: int, bars: Sequence[tuple[str, Bar]]) -> list[Signal]:
        """What those say that follow the whole market."""
        thoughts = [(each, thought) for each in self._market for thought in each.take_all(bars, close_ms)]
        return self._signals(thoughts, close_ms) if thoughts else []

    def _signals(self, thoughts: Sequence[tuple[Follower, Thought]], close_ms: int) -> list[Signal]:
        found = []
        for follower, (choice, symbol, bar, idea) in thoughts:
            if follower.refusal is not None:
                continue
            try:
                found.append(signal_of(choice, f"{self._venue}:{symbol}", self._interval, bar, idea))
            except _NONSENSE as error:
                # nonsense, such as a score above 1: its author is told, and nobody acts on it
                follower.refuse(error, close_ms)
        return found

    def _followers(self, symbol: str, close_ms: int) -> list[Follower]:
        made = self._of.get(symbol)
        if made is None:
            made = self._of[symbol] = [
                Follower(each, symbol, self._interval.ms, self._spare_for(each.key, symbol)) for each in self._choices
            ]
            for follower in made:
                self._recall(follower, close_ms)
        return made

    def _spare_for(self, key: str, symbol: str) -> Strategy[Any] | None:
        """Only for a symbol that something is known of, which will replace what the strategy knew of another."""
        spare = self._spare.pop(key, None) if symbol in self._entries.get(key, ()) else None
        return spare if spare is not None and spare.renew() else None

    def _recall(self, follower: Follower, close_ms: int) -> None:
        entry = self._entries.get(follower.choice.key, {}).get(follower.symbol)
        if entry is not None:
            follower.restore(entry, close_ms)

    def leave(self, symbol: str) -> list[Follower]:
        """Those that followed one symbol, which is followed no longer. Their strategies may go on with the next symbol that is
        seen for the first time: take what they know before.
        """
        left = self._of.pop(symbol, [])
        for each in left:
            if each.refusal is None:
                self._spare[each.choice.key] = each.strategy
        return left

    def followers(self) -> list[Follower]:
        """All that have followed anything, by symbol."""
        return [follower for _, of in sorted(self._of.items()) for follower in of] + list(self._market)

    def refusals(self) -> list[tuple[str, str, Refusal]]:
        """`(strategy, symbol, why)` of those that failed, and of those that remember what could not be stored."""
        followers = self.followers()
        for each in followers:
            each.look()
        return refusals(followers)


def refusals(followers: Sequence[Follower]) -> list[tuple[str, str, Refusal]]:
    """`(strategy, symbol, why)` of those that failed; the symbol is empty for one that follows the whole market."""
    return [
        (each.choice.strategy.name, "" if each.symbol == MARKET else each.symbol, each.refusal)
        for each in followers
        if each.refusal is not None
    ]
