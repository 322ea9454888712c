"""Trend following: the MACD crosses its signal while the directional index says that there is a trend."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, model_validator

from brain.bar import Idea
from brain.ideas import SAME, AtrStops, enter, leave
from brain.indicators import Adx, Atr, Macd
from brain.strategy import Strategy
from brain.view import View
from shared.model import Model


class MacdAdxParams(AtrStops):
    """Three averages, and the index that must not be low."""

    fast: int = Field(default=12, ge=1, le=200, description="bars of the fast average; fewer than of the slow one")
    slow: int = Field(default=26, ge=2, le=400, description="bars of the slow average")
    signal: int = Field(default=9, ge=1, le=100, description="bars of the average of their difference")
    adx_period: int = Field(default=14, ge=2, le=100, description="bars of the average directional index")
    min_adx: float = Field(default=20.0, ge=0.0, le=100.0, description="enter only with an index of this or more")

    @model_validator(mode="after")
    def _fast_is_faster(self) -> Self:
        if self.fast >= self.slow:
            raise ValueError(f"fast {self.fast} must be below slow {self.slow}")
        return self


class MacdAdx(Strategy[MacdAdxParams]):
    """Enter long when the MACD rises above its signal, the average directional index is at least `min_adx` and moves up
    outweigh moves down; exit when the MACD falls below its signal, whatever the index says.

    The idea: a moving average crossover is right in trends and wrong without one, so ask first whether there is one.
    A cross that comes before the index has risen is let go; there is no late entry.

    It fails where a trend is short: the index lags by twice its period, so that it is highest when the trend is oldest,
    and a sharp turn out of a fall is met with a low or a falling index.

    Score: of an entry the index in hundredths, the strength of the trend; of an exit how far the MACD is below its
    signal, in average true ranges.

    Source: Gerald Appel, The Moving Average Convergence-Divergence Method (1979); the filter: J. Welles Wilder, New
    Concepts in Technical Trading Systems (1978).
    """

    name: ClassVar[str] = "macd_adx"
    version: ClassVar[int] = 1
    params_model: ClassVar[type[Model]] = MacdAdxParams
    remembers: ClassVar[tuple[str, ...]] = ("side",)
    extra_bars: ClassVar[int] = 1

    def setup(self) -> None:
        """`side`: where the MACD last stood, -1 below its signal, 1 above, 0 never apart."""
        params = self.params
        self.macd = self.uses(Macd(params.fast, params.slow, params.signal))
        self.adx = self.uses(Adx(params.adx_period))
        self.atr = self.uses(Atr(params.atr_period))
        self.side: int | None = None

    def on_candle(self, view: View) -> Idea | None:
        """What this bar's close crossed, if anything."""
        apart, adx, atr = self.macd.histogram, self.adx.value, self.atr.value
        if apart != apart or adx != adx or atr != atr:
            return None
        before = self.side
        if abs(apart) <= SAME * view.bar.close:
            self.side = before or 0
            return None
        self.side = side = 1 if apart > 0.0 else -1
        if before is None or before == side or not atr > 0.0:
            return None
        evidence = {"macd": self.macd.value, "signal": self.macd.signal, "adx": adx}
        if side < 0:
            return leave(-apart / atr, "macd_below_signal", {**evidence, "atr": atr})
        if adx < self.params.min_adx or not self.adx.plus_di > self.adx.minus_di:
            return None
        return enter(self.params, atr, adx / 100.0, "macd_above_signal_in_trend", evidence)
