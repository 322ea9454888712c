"""Trend following: a close beyond the channel of the bars before it."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, model_validator

from brain.bar import Idea
from brain.ideas import AtrStops, enter, leave
from brain.indicators import Atr, Highest, Lowest
from brain.strategy import Strategy
from brain.view import View
from shared.model import Model


class DonchianBreakoutParams(AtrStops):
    """A wide channel to get in by, a narrow one to get out by."""

    entry: int = Field(default=20, ge=2, le=400, description="bars of the channel whose top is the entry")
    exit: int = Field(
        default=10, ge=1, le=400, description="bars of the channel whose bottom is the exit; at most entry"
    )

    @model_validator(mode="after")
    def _exit_is_narrower(self) -> Self:
        if self.exit > self.entry:
            raise ValueError(f"exit {self.exit} must be at most entry {self.entry}")
        return self


class DonchianBreakout(Strategy[DonchianBreakoutParams]):
    """Enter long on a close above the highest high of the `entry` bars before it, exit on a close below the lowest low
    of the `exit` bars before it.

    The idea: a price that no one has paid for weeks is news, and news spreads slowly; the Turtles traded nothing else.
    Only the first of several such closes in a row says so; a new one after a rest says so again, so that whoever was
    stopped out gets back in. The Turtles bought at the touch of the channel, this waits for the close.

    It fails in ranges, where every new high is the last one: most breakouts lose a little, and a few long trends must
    pay for all of them. It gives back much of each trend before the narrow channel is broken.

    Score: how far the close went beyond the channel, in average true ranges.

    Source: Richard Donchian's four-week rule; Curtis Faith, The Original Turtle Trading Rules (2003), whose channels of
    20 and 10 days and stop of two average true ranges are the defaults.
    """

    name: ClassVar[str] = "donchian_breakout"
    version: ClassVar[int] = 1
    params_model: ClassVar[type[Model]] = DonchianBreakoutParams
    remembers: ClassVar[tuple[str, ...]] = ("top", "bottom", "above", "below")
    extra_bars: ClassVar[int] = 1

    def setup(self) -> None:
        """The channel one bar ago, and on which side of its own the bar before had closed."""
        self.highest = self.uses(Highest(self.params.entry))
        self.lowest = self.uses(Lowest(self.params.exit))
        self.atr = self.uses(Atr(self.params.atr_period))
        self.top: float | None = None
        self.bottom: float | None = None
        self.above = False
        self.below = False

    def on_candle(self, view: View) -> Idea | None:
        """A close beyond the channel after one that was not."""
        atr, close = self.atr.value, view.bar.close
        if atr != atr or self.highest.value != self.highest.value:
            return None
        top, bottom = self.top, self.bottom
        self.top, self.bottom = self.highest.value, self.lowest.value
        if top is None or bottom is None:
            return None
        was_above, was_below = self.above, self.below
        self.above, self.below = close > top, close < bottom
        if self.below and not was_below:
            return leave((bottom - close) / atr, "close_below_channel", {"close": close, "bottom": bottom, "atr": atr})
        if self.above and not was_above:
            return enter(self.params, atr, (close - top) / atr, "close_above_channel", {"close": close, "top": top})
        return None
