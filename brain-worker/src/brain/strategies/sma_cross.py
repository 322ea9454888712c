"""Trend following: two simple moving averages cross."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

from pydantic import Field, model_validator

from brain.bar import Idea
from brain.bars import Bars
from brain.crossing import crossings
from brain.ideas import SAME, AtrStops, enter, leave
from brain.indicators import Atr, Sma
from brain.strategy import Strategy
from brain.view import View
from shared.model import Model


class SmaCrossParams(AtrStops):
    """Two averages."""

    fast: int = Field(default=5, ge=1, le=200, description="bars of the fast average; fewer than of the slow one")
    slow: int = Field(default=20, ge=2, le=400, description="bars of the slow average")

    @model_validator(mode="after")
    def _fast_is_faster(self) -> Self:
        if self.fast >= self.slow:
            raise ValueError(f"fast {self.fast} must be below slow {self.slow}")
        return self


class SmaCross(Strategy[SmaCrossParams]):
    """Enter long when the fast average of the close rises above the slow one, exit when it falls below.

    The idea: trends last longer than chance would have them, and a fast average above a slow one is the plainest sign
    of an upward trend. Averages that only touch and part again on the same side do not cross. The stop stands
    `stop_atr` average true ranges away.

    It fails in sideways markets, where each small swing crosses late, is bought high and sold low; after gaps, which
    jump over the stop; and when costs eat the many small losses that the rare long trends must pay for.

    Score: how far apart the averages are, in average true ranges.

    Source: Brock, Lakonishok, LeBaron, Simple Technical Trading Rules and the Stochastic Properties of Stock Returns,
    Journal of Finance 47 (1992); the stop after Wilder, New Concepts in Technical Trading Systems (1978).
    """

    name: ClassVar[str] = "sma_cross"
    version: ClassVar[int] = 2
    params_model: ClassVar[type[Model]] = SmaCrossParams
    remembers: ClassVar[tuple[str, ...]] = ("side",)
    extra_bars: ClassVar[int] = 1

    def setup(self) -> None:
        """Two averages and the true range; `side`: where the fast one last stood, -1 below, 1 above, 0 never apart."""
        params = self.params
        self.fast = self.uses(Sma(params.fast))
        self.slow = self.uses(Sma(params.slow))
        self.atr = self.uses(Atr(params.atr_period))
        self.side: int | None = None

    def occasions(self, bars: Bars) -> Sequence[int]:
        """Where the averages change sides."""
        start = self.warmup_bars - self.extra_bars - 1
        return crossings(bars.close, self.params.fast, self.params.slow, start)

    def on_candle(self, view: View) -> Idea | None:
        """What this bar's close crossed, if anything."""
        fast = self.fast.value
        slow = self.slow.value
        atr = self.atr.value
        gap = fast - slow
        if gap != gap or atr != atr:
            return None
        before = self.side
        if abs(gap) <= SAME * slow:
            self.side = before or 0
            return None
        self.side = side = 1 if gap > 0.0 else -1
        if before is None or before == side or not atr > 0.0:
            return None
        score, evidence = abs(gap) / atr, {"fast": fast, "slow": slow, "atr": atr}
        if side < 0:
            return leave(score, "sma_crossed_below", evidence)
        return enter(self.params, atr, score, "sma_crossed_above", evidence)
