"""Rotation: hold what rose most, and only what rose at all."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from brain.bar import Idea
from brain.ideas import AtrStops, enter, leave
from brain.indicators import Atr, Roc
from brain.strategy import MarketStrategy
from brain.view import View
from shared.model import Model


class DualMomentumParams(AtrStops):
    """How far back, how many, how often."""

    lookback: int = Field(default=60, ge=2, le=400, description="bars over which the rise is measured")
    top: int = Field(default=2, ge=1, le=50, description="symbols that are held at most")
    every: int = Field(default=20, ge=1, le=400, description="bars from one choice to the next")
    least_pct: float = Field(default=0.0, ge=-50.0, le=200.0, description="hold only what rose by more, percent")


class DualMomentum(MarketStrategy[DualMomentumParams]):
    """Every `every` bars, rank all symbols by their rise over `lookback` bars: enter those that have come under the first
    `top` and rose by more than `least_pct`, exit those that no longer are.

    The idea: what rose more than others goes on doing so for a while (relative momentum), and standing aside when
    even the best did not rise (absolute momentum) spares the worst of a decline. Choices fall on the first close in
    each span of `every` bars since 1970, so that they do not depend on where the data begin. A symbol that had no bar for
    `every` bars is not ranked. What the choice says of a symbol is said on its next bar. One that was stopped out is
    entered again only after it had left the first ranks.

    It fails when markets turn sharply: the losers of the fall lead the rebound, and it holds none of them. With few
    symbols that move together the ranking is noise, and costs are paid for it.

    Score: of an entry the part of the ranked symbols that it is not behind, 1 for the first; of an exit the part that it
    is behind, 1 where it is no longer ranked.

    Source: Gary Antonacci, Risk Premia Harvesting Through Dual Momentum (2012); Jegadeesh, Titman, Returns to Buying
    Winners and Selling Losers, Journal of Finance 48 (1993).
    """

    name: ClassVar[str] = "dual_momentum"
    version: ClassVar[int] = 1
    params_model: ClassVar[type[Model]] = DualMomentumParams
    remembers: ClassVar[tuple[str, ...]] = ("span", "chosen", "news")

    def setup(self) -> None:
        """The newest `span`, what was `chosen` then, and `news` of it: `[symbol, place, score]`, place 0 for an exit."""
        self.rise = self.each(lambda: Roc(self.params.lookback))
        self.atr = self.each(lambda: Atr(self.params.atr_period))
        self.span: int | None = None
        self.chosen: list[str] = []
        self.news: list[list[Any]] = []

    def on_candle(self, view: View) -> Idea | None:
        """What the newest choice says of the symbol, if it has not heard it yet."""
        span = view.close_ms // (self.params.every * self.interval_ms)
        if span != self.span:
            if self.span is not None:
                self._choose(view)
            self.span = span
        for at, (symbol, place, score) in enumerate(self.news):
            if symbol == view.symbol:
                del self.news[at]
                return self._said(symbol, place, score)
        return None

    def _said(self, symbol: str, place: int, score: float) -> Idea | None:
        evidence = {"rise_pct": self.rise[symbol].value, "place": float(place)}
        if place:
            return enter(self.params, self.atr[symbol].value, score, "in_first_ranks", evidence)
        return leave(score, "no_longer_in_first_ranks", evidence)

    def _choose(self, view: View) -> None:
        """Ranks what is warm and has traded within the last span."""
        oldest_ms = view.close_ms - (self.params.every + 1) * self.interval_ms
        rises = {
            symbol: self.rise[symbol].value
            for symbol, bar in view.market.items()
            if bar.open_time_ms > oldest_ms and self.atr[symbol].value > 0.0
        }
        ranked = sorted((rise, symbol) for symbol, rise in rises.items() if rise == rise)
        ranked.sort(key=lambda each: -each[0])
        count, places = len(ranked), {symbol: place for place, (_, symbol) in enumerate(ranked, 1)}
        chosen = [symbol for rise, symbol in ranked[: self.params.top] if rise > self.params.least_pct]
        held = {*self.chosen, *(symbol for symbol, place, _ in self.news if not place)}
        left = sorted(held.difference(chosen))
        self.news = [[symbol, 0, (places[symbol] - 1) / count if symbol in places else 1.0] for symbol in left]
        self.news += [
            [symbol, place, 1.0 - (place - 1) / count]
            for place, symbol in enumerate(chosen, 1)
            if symbol not in self.chosen
        ]
        self.chosen = chosen
