"""Trend following: a straight line fits the closes well, and it rises."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, model_validator

from brain.bar import Idea
from brain.ideas import AtrStops, enter, leave
from brain.indicators import Atr, LinearRegression
from brain.strategy import Strategy
from brain.view import View
from shared.model import Model


class RegressionTrendParams(AtrStops):
    """The line, and how well it must fit."""

    period: int = Field(default=40, ge=5, le=400, description="closes that the line goes through")
    enter_r2: float = Field(default=0.6, ge=0.05, le=0.99, description="enter when the fit rises to this")
    exit_r2: float = Field(default=0.3, ge=0.0, le=0.98, description="exit when it falls below this; below enter_r2")

    @model_validator(mode="after")
    def _exit_is_below(self) -> Self:
        if self.exit_r2 >= self.enter_r2:
            raise ValueError(f"exit_r2 {self.exit_r2} must be below enter_r2 {self.enter_r2}")
        return self


class RegressionTrend(Strategy[RegressionTrendParams]):
    """Enter long when the line of least squares through the last `period` closes rises and explains at least `enter_r2`
    of their variance, exit when it no longer rises or explains less than `exit_r2`.

    The idea: a slope alone is what any noise has; a slope that explains most of the movement is a trend. Two levels keep
    it from changing its mind on every bar. A market that begins in a trend gives no entry until it has had none.

    It fails because a random walk fits straight lines far better than it should (Durlauf and Phillips): a high R2 alone
    proves nothing. It is late by about half its period at both ends, and sudden falls are left to the stop.

    Score: of an entry R2; of an exit 1 - R2, and 1 where the line no longer rises.

    Source: Durlauf, Phillips, Trends versus Random Walks in Time Series Analysis, Econometrica 56 (1988), on its limits;
    Andreas Clenow, Stocks on the Move (2015), on slope times R2 as a measure of a trend.
    """

    name: ClassVar[str] = "regression_trend"
    version: ClassVar[int] = 1
    params_model: ClassVar[type[Model]] = RegressionTrendParams
    remembers: ClassVar[tuple[str, ...]] = ("rising",)
    extra_bars: ClassVar[int] = 1

    def setup(self) -> None:
        """`rising`: whether a trend was seen and has not ended."""
        self.line = self.uses(LinearRegression(self.params.period))
        self.atr = self.uses(Atr(self.params.atr_period))
        self.rising: bool | None = None

    def on_candle(self, view: View) -> Idea | None:
        """The begin or the end of a trend."""
        slope, r2, atr = self.line.slope, self.line.r2, self.atr.value
        if slope != slope or atr != atr:
            return None
        before = self.rising
        least = self.params.exit_r2 if before else self.params.enter_r2
        self.rising = rising = slope > 0.0 and r2 >= least
        if before is None or before == rising:
            return None
        evidence = {"slope": slope, "r2": r2}
        if rising:
            return enter(self.params, atr, r2, "line_rises_and_fits", evidence)
        return leave(1.0 - r2 if slope > 0.0 else 1.0, "line_no_longer_rises_or_fits", evidence)
