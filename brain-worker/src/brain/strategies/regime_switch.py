"""The DreamEngine says which kind of market it is, and so which of two simple rules may buy."""

from __future__ import annotations

from typing import ClassVar
from zlib import crc32

from pydantic import Field

from brain.bar import Idea
from brain.dream.current import current
from brain.dream.panel import panel
from brain.ideas import AtrStops, enter, leave
from brain.indicators import Atr, ZScore
from brain.strategy import Strategy
from brain.view import View
from shared.model import Model


class RegimeSwitchParams(AtrStops):
    """The panel, and the distance from the mean that both rules go by."""

    points: int = Field(default=256, ge=128, le=512, description="newest closes that the chaos panel looks at")
    every: int = Field(default=32, ge=4, le=400, description="bars from one panel to the next")
    confidence: float = Field(default=0.5, ge=0.3, le=1.0, description="least confidence at which a regime counts")
    period: int = Field(default=20, ge=3, le=400, description="bars of the mean")
    entry_z: float = Field(default=1.5, ge=0.1, le=5.0, description="deviations below the mean for a reversion's entry")


class RegimeSwitch(Strategy[RegimeSwitchParams]):
    """In a trending regime enter long when the close rises above its mean, in a mean-reverting one when it rises back
    from `entry_z` deviations below it; else not at all. Exit when a trend's close falls below the mean, a reversion's
    rises above it, and when the regime is lost.

    The idea: trend following and reversion each fail where the other works, so ask the series itself which it is: the
    verdict of the chaos panel (Hurst exponent, fluctuations, entropy, recurrence and the rest) on the last `points`
    closes. A noisy or chaotic market, or one without a confident verdict, is left alone. The panel is dear, so it is
    taken once in each span of `every` bars since 1970, at another bar for another symbol.

    It fails for being late: the panel tells what the last `points` bars were, not what comes. Most markets are noisy
    by it most of the time, so it trades seldom, and a verdict on few hundred returns is often wrong.

    Score: of an entry the panel's confidence; of an exit 1 where the regime is lost, else how many deviations beyond the
    mean the close is.

    Source: Edgar Peters, Fractal Market Analysis (1994), on regimes told by the Hurst exponent.
    """

    name: ClassVar[str] = "regime_switch"
    version: ClassVar[int] = 1
    params_model: ClassVar[type[Model]] = RegimeSwitchParams
    remembers: ClassVar[tuple[str, ...]] = ("closes", "span", "regime", "confidence", "before")
    extra_bars: ClassVar[int] = 1

    def setup(self) -> None:
        """The newest `closes`, the newest panel's `span` and verdict, and the deviations one bar ago."""
        self.z = self.uses(ZScore(self.params.period))
        self.atr = self.uses(Atr(self.params.atr_period))
        self.closes: list[float] = []
        self.span: int | None = None
        self.regime = ""
        self.confidence = 0.0
        self.before: float | None = None

    @property
    def warmup_bars(self) -> int:
        """Those of the panel, if it is the longer one."""
        return max(self.params.points, super().warmup_bars)

    def on_candle(self, view: View) -> Idea | None:
        """What the rule of this regime says, or that there is none any more."""
        self.closes.append(view.bar.close)
        del self.closes[: -self.params.points]
        was, before, now, atr = self.regime, self.before, self.z.value, self.atr.value
        if now != now or atr != atr:
            return None
        self._look(view)
        self.before = now
        if was and not self.regime:
            return leave(1.0, "regime_was_lost", {"confidence": self.confidence})
        if before is None or not self.regime:
            return None
        evidence = {"z": now, "z_before": before, "confidence": self.confidence}
        if self.regime == "trending":
            if before <= 0.0 < now:
                return enter(self.params, atr, self.confidence, "close_above_mean_in_trend", evidence)
            return leave(-now, "close_below_mean_in_trend", evidence) if before >= 0.0 > now else None
        if before <= 0.0 < now:
            return leave(now, "close_above_mean_in_reversion", evidence)
        if before <= -self.params.entry_z < now:
            return enter(self.params, atr, self.confidence, "close_came_back_in_reversion", evidence)
        return None

    def _look(self, view: View) -> None:
        """A panel, where one is due. `regime` is empty unless it is one to act on."""
        params = self.params
        bar_number = view.close_ms // self.interval_ms
        span = (bar_number + crc32(view.symbol.encode()) % params.every) // params.every
        if span == self.span:
            return
        due, self.span = self.span is not None, span
        if not due or len(self.closes) < params.points:
            return
        verdict = panel(self.closes, current()).verdict
        counts = verdict.regime in ("trending", "mean_reverting") and verdict.confidence >= params.confidence
        self.regime = verdict.regime if counts and verdict.regime else ""
        self.confidence = verdict.confidence
