"""Mean reversion: the relative strength index leaves the oversold zone."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from brain.bar import Bar, Idea
from brain.indicators import Atr, Rsi
from brain.strategy import Strategy
from shared.model import Action, Model, Side


class RsiReversionParams(Model):
    """The index, its two levels, and the average true range behind stop and target."""

    period: int = Field(default=14, ge=2, le=200, description="bars of the relative strength index")
    oversold: float = Field(default=35.0, ge=1.0, le=60.0, description="enter when the index rises above this")
    exit_level: float = Field(
        default=55.0, ge=2.0, le=99.0, description="exit when the index rises above this; above oversold"
    )
    atr_period: int = Field(default=14, ge=1, le=200, description="bars of the average true range")
    stop_atr: float = Field(default=2.5, ge=0.1, le=20.0, description="distance of the stop, in average true ranges")
    target_atr: float = Field(
        default=0.0, ge=0.0, le=50.0, description="distance of the target, in average true ranges; 0: none"
    )

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

    Source: J. Welles Wilder, New Concepts in Technical Trading Systems (1978); on short-term reversal, Lehmann, Fads,
    Martingales, and Market Efficiency, Quarterly Journal of Economics 105 (1990).
    """

    __slots__ = ("_atr", "_rsi")

    name: ClassVar[str] = "rsi_reversion"
    version: ClassVar[int] = 1
    params_model: ClassVar[type[Model]] = RsiReversionParams

    def __init__(self, params: RsiReversionParams) -> None:
        super().__init__(params)
        self._rsi = Rsi(params.period)
        self._atr = Atr(params.atr_period)

    @property
    def warmup_bars(self) -> int:
        """Bars up to and including the first that may bring an idea."""
        return max(self._rsi.warmup + 1, self._atr.warmup)

    def on_bar(self, bar: Bar) -> Idea | None:
        """What this bar's close crossed, if anything."""
        before = self._rsi.value
        now = self._rsi.update(bar.close)
        atr = self._atr.update(bar.high, bar.low, bar.close)
        if not now > before or not atr > 0.0:
            return None
        params = self.params
        evidence = {"rsi": now, "rsi_before": before, "atr": atr}
        if before <= params.exit_level < now:
            score = (now - params.exit_level) / (100.0 - params.exit_level)
            return Idea(Action.EXIT, Side.SELL, score, "rsi_above_exit_level", evidence)
        if before <= params.oversold < now:
            score = (params.oversold - before) / params.oversold
            return Idea(
                Action.ENTER,
                Side.BUY,
                score,
                "rsi_left_oversold",
                evidence,
                params.stop_atr * atr,
                params.target_atr * atr or None,
            )
        return None

    def state(self) -> list[Any]:
        """`[rsi, atr]`."""
        return [self._rsi.state(), self._atr.state()]

    def restore(self, state: list[Any]) -> None:
        """ValueError or TypeError for a state that does not fit the parameters."""
        rsi, atr = state
        self._rsi = Rsi.from_state(self.params.period, rsi)
        self._atr = Atr.from_state(self.params.atr_period, atr)
