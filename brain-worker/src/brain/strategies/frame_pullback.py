"""Two time frames: a trend on long bars, the entry after a pullback on short ones."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from brain.bar import Idea
from brain.ideas import AtrStops, enter, leave
from brain.indicators import Atr, Ema, Rsi
from brain.strategy import Strategy
from brain.view import View
from shared.model import Model


class FramePullbackParams(AtrStops):
    """The long bars and their average, and the index of the short ones."""

    bars: int = Field(default=6, ge=2, le=100, description="short bars of a long one")
    trend: int = Field(default=20, ge=2, le=200, description="long bars of the average that their close must be above")
    period: int = Field(default=4, ge=2, le=100, description="short bars of the relative strength index")
    oversold: float = Field(default=35.0, ge=1.0, le=60.0, description="enter when the index rises above this")


class FramePullback(Strategy[FramePullbackParams]):
    """Enter long when the newest long bar closed above its exponential average and the relative strength index of the
    short bars rises up through `oversold`; exit when a long bar closes on or below that average.

    The idea: trade with the tide, and get in when a wave has gone against it. The long bars tell the tide, the index
    of the short ones the wave. Only long bars that have closed are looked at: with six short bars to a long one, what
    is known of the tide is up to six bars old.

    It fails at the end of a trend, where the last pullback is not one but the turn; and in trends so strong that
    nothing is ever pulled back, which it watches from outside.

    Score: of an entry how deep the index had been below `oversold`, as a part of it; of an exit how far the long close
    is below its average, in average true ranges of the short bars.

    Source: Alexander Elder, Trading for a Living (1993): the triple screen.
    """

    name: ClassVar[str] = "frame_pullback"
    version: ClassVar[int] = 1
    params_model: ClassVar[type[Model]] = FramePullbackParams
    remembers: ClassVar[tuple[str, ...]] = ("before", "rising")
    extra_bars: ClassVar[int] = 1

    def setup(self) -> None:
        """`before`: the index one bar ago; `rising`: where the long close then stood."""
        params = self.params
        self.long = self.frame(params.bars)
        self.mean = self.uses(Ema(params.trend), on=self.long)
        self.rsi = self.uses(Rsi(params.period))
        self.atr = self.uses(Atr(params.atr_period))
        self.before: float | None = None
        self.rising: bool | None = None

    def on_candle(self, view: View) -> Idea | None:
        """A pullback that ended, or a trend that did."""
        tide, mean, now, atr = self.long.bar, self.mean.value, self.rsi.value, self.atr.value
        if tide is None or mean != mean or now != now or atr != atr:
            return None
        before, was = self.before, self.rising
        self.before, self.rising = now, tide.close > mean
        if before is None:
            return None
        evidence = {"long_close": tide.close, "long_mean": mean, "rsi": now, "rsi_before": before}
        if was and not self.rising:
            score = (mean - tide.close) / atr if atr > 0.0 else 1.0
            return leave(score, "long_close_below_mean", {**evidence, "atr": atr})
        oversold = self.params.oversold
        if self.rising and before <= oversold < now:
            return enter(self.params, atr, (oversold - before) / oversold, "pullback_ended_in_trend", evidence)
        return None
