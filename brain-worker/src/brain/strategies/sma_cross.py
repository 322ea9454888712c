"""Trend following: two simple moving averages cross."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from brain.bar import Bar, Idea
from brain.indicators import Atr, Sma
from brain.strategy import Strategy
from shared.model import Action, Model, Side

_SAME = 1e-12
"""Averages closer than this, relative to the slow one, are equal: rounding must not look like a cross."""


class SmaCrossParams(Model):
    """Two averages, and the average true range behind stop and target."""

    fast: int = Field(default=5, ge=1, le=200, description="bars of the fast average; fewer than of the slow one")
    slow: int = Field(default=20, ge=2, le=400, description="bars of the slow average")
    atr_period: int = Field(default=14, ge=1, le=200, description="bars of the average true range")
    stop_atr: float = Field(default=2.0, ge=0.1, le=20.0, description="distance of the stop, in average true ranges")
    target_atr: float = Field(
        default=0.0, ge=0.0, le=50.0, description="distance of the target, in average true ranges; 0: none"
    )

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

    Source: Brock, Lakonishok, LeBaron, Simple Technical Trading Rules and the Stochastic Properties of Stock Returns,
    Journal of Finance 47 (1992); the stop after Wilder, New Concepts in Technical Trading Systems (1978).
    """

    __slots__ = ("_atr", "_fast", "_side", "_slow")

    name: ClassVar[str] = "sma_cross"
    version: ClassVar[int] = 1
    params_model: ClassVar[type[Model]] = SmaCrossParams

    def __init__(self, params: SmaCrossParams) -> None:
        super().__init__(params)
        self._fast = Sma(params.fast)
        self._slow = Sma(params.slow)
        self._atr = Atr(params.atr_period)
        self._side: int | None = None

    @property
    def warmup_bars(self) -> int:
        """Bars up to and including the first that may bring an idea."""
        return max(self._slow.warmup + 1, self._atr.warmup)

    def on_bar(self, bar: Bar) -> Idea | None:
        """What this bar's close crossed, if anything."""
        fast = self._fast.update(bar.close)
        slow = self._slow.update(bar.close)
        atr = self._atr.update(bar.high, bar.low, bar.close)
        gap = fast - slow
        if gap != gap:
            return None
        before = self._side
        if abs(gap) <= _SAME * slow:
            self._side = before or 0
            return None
        self._side = side = 1 if gap > 0.0 else -1
        if before is None or before == side or not atr > 0.0:
            return None
        score = min(1.0, abs(gap) / atr)
        evidence = {"fast": fast, "slow": slow, "atr": atr}
        if side < 0:
            return Idea(Action.EXIT, Side.SELL, score, "sma_crossed_below", evidence)
        return Idea(
            Action.ENTER,
            Side.BUY,
            score,
            "sma_crossed_above",
            evidence,
            self.params.stop_atr * atr,
            self.params.target_atr * atr or None,
        )

    def state(self) -> list[Any]:
        """`[fast, slow, atr, side]`; side: where the fast average last stood, -1 below, 1 above, 0 never apart."""
        return [self._fast.state(), self._slow.state(), self._atr.state(), self._side]

    def restore(self, state: list[Any]) -> None:
        """ValueError or TypeError for a state that does not fit the parameters."""
        fast, slow, atr, side = state
        if side not in (None, -1, 0, 1):
            raise ValueError(f"side {side!r} must be -1, 0, 1 or None")
        self._fast = Sma.from_state(self.params.fast, fast)
        self._slow = Sma.from_state(self.params.slow, slow)
        self._atr = Atr.from_state(self.params.atr_period, atr)
        self._side = side
