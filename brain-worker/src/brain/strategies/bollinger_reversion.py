"""Mean reversion: the close comes back into the Bollinger bands."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from brain.bar import Idea
from brain.ideas import AtrStops, enter, leave
from brain.indicators import Atr, Bollinger
from brain.strategy import Strategy
from brain.view import View
from shared.model import Model


class BollingerReversionParams(AtrStops):
    """The bands."""

    period: int = Field(default=20, ge=3, le=400, description="bars of the middle band")
    deviations: float = Field(
        default=2.0, ge=0.5, le=5.0, description="distance of the bands from it, in standard deviations"
    )


class BollingerReversion(Strategy[BollingerReversionParams]):
    """Enter long when the close rises back above the lower band after a close on or below it, exit when it rises above
    the middle one.

    The idea: the bands hold most closes, so one outside is far from the mean by the market's own measure; the way back
    to the mean is the trade, and the first close inside shows that it has begun. A bar that jumps from outside over the
    middle is only an exit: what there was to gain has happened.

    It fails when the close outside was the beginning of a trend: the bands widen, the price walks along the lower one,
    and each close inside is bought. Nothing here tells such a walk from an overshoot; the stop bounds what it costs.

    Score: of an entry how far below the lower band the close before had been, in half widths of the bands; of an exit
    how far above the middle this one is, likewise.

    Source: John Bollinger, Bollinger on Bollinger Bands (2001).
    """

    name: ClassVar[str] = "bollinger_reversion"
    version: ClassVar[int] = 1
    params_model: ClassVar[type[Model]] = BollingerReversionParams
    remembers: ClassVar[tuple[str, ...]] = ("before",)
    extra_bars: ClassVar[int] = 1

    def setup(self) -> None:
        """`before`: where the close before stood, 0 on the lower band, 1 on the upper."""
        self.bands = self.uses(Bollinger(self.params.period, self.params.deviations))
        self.atr = self.uses(Atr(self.params.atr_period))
        self.before: float | None = None

    def on_candle(self, view: View) -> Idea | None:
        """What this bar's close crossed, if anything."""
        bands, atr = self.bands, self.atr.value
        now = bands.percent_b
        if now != now or atr != atr:
            return None
        before = self.before
        self.before = now
        if before is None:
            return None
        evidence = {"close": view.bar.close, "percent_b": now, "percent_b_before": before}
        if before <= 0.5 < now:
            return leave(2.0 * now - 1.0, "close_above_middle_band", {**evidence, "middle": bands.value})
        if before <= 0.0 < now:
            return enter(self.params, atr, -2.0 * before, "close_back_in_bands", {**evidence, "lower": bands.lower})
        return None
