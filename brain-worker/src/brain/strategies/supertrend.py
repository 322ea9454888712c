"""Trend following: the price closes beyond the SuperTrend line."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from brain.bar import Idea
from brain.ideas import leave, unit
from brain.indicators import SuperTrend
from brain.strategy import Strategy
from brain.view import View
from shared.model import Action, Model, Side


class SupertrendParams(Model):
    """The line, which is the stop too."""

    period: int = Field(default=10, ge=1, le=200, description="bars of the average true range")
    multiple: float = Field(
        default=3.0,
        ge=0.5,
        le=20.0,
        description="distance of the line from the middle of a bar, in average true ranges",
    )


class Supertrend(Strategy[SupertrendParams]):
    """Enter long when the SuperTrend turns up, exit when it turns down; the stop stands on its line.

    The idea: a line that follows the price at a distance the market itself sets, and only ever towards it, is left
    behind by a trend and caught by a turn. The distance is wide when the market is wild.

    It fails in sideways markets wider than the line's distance: each turn is seen at the far end of the swing. The stop
    stays where it was at the entry, while the line moves on; the exit is what follows it.

    Score: the part of the way from the new line to the close that lies beyond the old one, so a turn that was barely
    made scores near 0.

    Source: Olivier Seban, Tout le monde mérite d'être riche (2008).
    """

    name: ClassVar[str] = "supertrend"
    version: ClassVar[int] = 1
    params_model: ClassVar[type[Model]] = SupertrendParams
    remembers: ClassVar[tuple[str, ...]] = ("side", "line")
    extra_bars: ClassVar[int] = 1

    def setup(self) -> None:
        """`side` and `line` of the bar before."""
        self.trend = self.uses(SuperTrend(self.params.period, self.params.multiple))
        self.side: float | None = None
        self.line: float | None = None

    def on_candle(self, view: View) -> Idea | None:
        """A turn, if this bar made one."""
        line, side, close = self.trend.value, self.trend.direction, view.bar.close
        if line != line:
            return None
        was, broken = self.side, self.line
        self.side, self.line = side, line
        if was is None or broken is None or was == side:
            return None
        way = close - line
        score = (close - broken) / way if way else 0.0
        evidence = {"close": close, "line": line, "broken": broken}
        if side < 0.0:
            return leave(score, "supertrend_turned_down", evidence)
        if not way > 0.0:
            return None
        return Idea(Action.ENTER, Side.BUY, unit(score), "supertrend_turned_up", evidence, way)
