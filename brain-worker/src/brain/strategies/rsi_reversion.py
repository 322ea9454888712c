"""Mean reversion: the relative strength index leaves the oversold zone."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, model_validator

from brain.bar import Idea
from brain.ideas import AtrStops, enter, leave
from brain.indicators import Atr, Rsi
from brain.strategy import Strategy
from brain.view import View
from shared.model import Model


class RsiReversionParams(AtrStops):
    """The index and its two levels, and a wider stop than others have: what is bought falls as it is bought."""

    period: int = Field(default=14, ge=2, le=200, description="bars of the relative strength index")
    oversold: float = Field(default=35.0, ge=1.0, le=60.0, description="enter when the index rises above this")
    exit_level: float = Field(
        default=55.0, ge=2.0, le=99.0, description="exit when the index rises above this; above oversold"
    )
    stop_atr: float = Field(default=2.5, ge=0.1, le=20.0, description="distance of the stop, in average true ranges")

    @model_validator(mode="after")
    def _exit_is_above(self) -> Self:
        if self.oversold >= self.exit_level:
            raise ValueError(f"oversold {self.oversold} must be below exit_level {self.exit_level}")
        return self


class RsiReversion(Strategy[RsiReversionParams]):
    """Enter long when the index rises up through `oversold`, exit when it rises up through `exit_level`.

    The idea: falls overshoot, and what was sold too hard comes back part of the way. Waiting for the index to turn up
    avoids buying while it still falls. A bar that jumps over both levels is only an exit: what there was to gain has
    happened. The stop stands `stop_atr` average true ranges away.

    It fails in long declines, where every bounce is bought and the next fall takes more than it gave; the stop is what
    bounds that. In strong rises it never gets in.

    Score: of an entry how deep the index had been below `oversold`, as a part of it; of an exit how far it is on the way
    from `exit_level` to 100.

    Source: J. Welles Wilder, New Concepts in Technical Trading Systems (1978); on short-term reversal, Lehmann, Fads,
    Martingales, and Market Efficiency, Quarterly Journal of Economics 105 (1990).
    """

    name: ClassVar[str] = "rsi_reversion"
    version: ClassVar[int] = 2
    params_model: ClassVar[type[Model]] = RsiReversionParams
    remembers: ClassVar[tuple[str, ...]] = ("before",)
    extra_bars: ClassVar[int] = 1

    def setup(self) -> None:
        """The index and the true range; `before`: the index one bar ago."""
        self.rsi = self.uses(Rsi(self.params.period))
        self.atr = self.uses(Atr(self.params.atr_period))
        self.before: float | None = None

    def on_candle(self, view: View) -> Idea | None:
        """What this bar's close crossed, if anything."""
        before, now, atr = self.before, self.rsi.value, self.atr.value
        if now != now or atr != atr:
            return None
        self.before = now
        if before is None or not now > before or not atr > 0.0:
            return None
        params = self.params
        evidence = {"rsi": now, "rsi_before": before, "atr": atr}
        if before <= params.exit_level < now:
            score = (now - params.exit_level) / (100.0 - params.exit_level)
            return leave(score, "rsi_above_exit_level", evidence)
        if before <= params.oversold < now:
            score = (params.oversold - before) / params.oversold
            return enter(params, atr, score, "rsi_left_oversold", evidence)
        return None
