"""Pairs: two symbols that belong together have come apart, and the cheap one is bought."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import Field, model_validator

from brain.bar import Idea
from brain.ideas import AtrStops, enter, leave
from brain.indicators import Atr
from brain.spread import Spread, logs, spread
from brain.strategy import MarketStrategy
from brain.view import View
from shared.model import Model, Symbol


class PairsParams(AtrStops):
    """The two, and when they are apart."""

    first: Symbol = Field(default="AAA", description="one of the two symbols")
    second: Symbol = Field(default="BBB", description="the other one")
    window: int = Field(default=120, ge=20, le=400, description="bars of the regression")
    entry_z: float = Field(default=2.0, ge=0.5, le=6.0, description="enter when they are so many deviations apart")
    exit_z: float = Field(default=0.5, ge=0.0, le=5.0, description="exit when no more than so many; below entry_z")
    broken_z: float = Field(default=4.0, ge=1.0, le=20.0, description="exit when more than so many; above entry_z")
    pull_t: float = Field(default=-3.0, ge=-10.0, le=0.0, description="enter only if the pull's t is this or less")
    half_life: float = Field(default=30.0, ge=0.5, le=400.0, description="enter only if it is so many bars or fewer")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.first == self.second:
            raise ValueError(f"first and second must differ, both are {self.first}")
        if not self.exit_z < self.entry_z < self.broken_z:
            raise ValueError(f"exit_z {self.exit_z} < entry_z {self.entry_z} < broken_z {self.broken_z} must hold")
        return self


class Pairs(MarketStrategy[PairsParams]):
    """Regress the log price of `first` on that of `second` over `window` common bars. When what is left is newly
    `entry_z` deviations from 0, and is pulled back strongly and soon enough, enter the cheap one: `first` below,
    `second` above. Exit it when they are within `exit_z` again, or beyond `broken_z`.

    The idea: two prices with a common cause come apart by chance and together again. The desk sells nothing short, so
    this holds one leg only: it earns what the cheap one gains on its way back, and bears the whole of the market's own
    movement, which a pair with both legs would not. The hedge ratio only says where the one should stand by the other.

    It fails when the common cause is gone: then apart is where they stay. The filter (a Dickey-Fuller t of the rests, and
    their half-life) sees that late. It is no proof: taken again on every bar, over windows that overlap, it will pass
    by chance, and for a regression's rests 5 percent of chance lie below -3.34, not -3.0. A spread may also close by the
    dear one falling.

    Score: of an entry how far apart they are on the way from `entry_z` to `broken_z`; of an exit 1 where the pair is
    broken, else how much of `entry_z` has been made good.

    Source: Gatev, Goetzmann, Rouwenhorst, Pairs Trading, Review of Financial Studies 19 (2006); Engle, Granger,
    Co-Integration and Error Correction, Econometrica 55 (1987).
    """

    name: ClassVar[str] = "pairs"
    version: ClassVar[int] = 1
    params_model: ClassVar[type[Model]] = PairsParams
    remembers: ClassVar[tuple[str, ...]] = ("logs_first", "logs_second", "seen_ms", "z")

    def setup(self) -> None:
        """Both windows; when they last grew; `z` then. Of this close only: what was `found`, and `z` one before it."""
        self.atr = self.each(lambda: Atr(self.params.atr_period))
        self.logs_first: list[float] = []
        self.logs_second: list[float] = []
        self.seen_ms = -1
        self.z: float | None = None
        self.before: float | None = None
        self.found: Spread | None = None

    @property
    def warmup_bars(self) -> int:
        """Those of the regression, if it is the longer one."""
        return max(self.params.window + 1, super().warmup_bars)

    def on_candle(self, view: View) -> Idea | None:
        """Of the two only, on bars that both have."""
        params, market = self.params, view.market
        if (
            view.symbol not in (params.first, params.second)
            or params.first not in market
            or params.second not in market
        ):
            return None
        first, second = market[params.first], market[params.second]
        if first.open_time_ms != second.open_time_ms:
            return None
        if first.open_time_ms != self.seen_ms:
            self.seen_ms = first.open_time_ms
            self._grow(first.close, second.close)
        found, before, atr = self.found, self.before, self.atr[view.symbol].value
        if found is None or before is None or atr != atr:
            return None
        # seen from the one that is asked: below 0 it is the cheap one
        sign = 1.0 if view.symbol == params.first else -1.0
        return self._said(found, sign * found.z, sign * before, atr)

    def _grow(self, first: float, second: float) -> None:
        """Both windows by one bar, and what is between them then."""
        for window, price in ((self.logs_first, first), (self.logs_second, second)):
            window.append(logs(price))
            del window[: -self.params.window]
        full = len(self.logs_first) == self.params.window
        self.before = self.z
        self.found = spread(self.logs_first, self.logs_second) if full else None
        self.z = self.found.z if self.found else None

    def _said(self, found: Spread, z: float, before: float, atr: float) -> Idea | None:
        params = self.params
        evidence = {"z": z, "z_before": before, "hedge": found.hedge, "pull_t": found.pull_t}
        if before >= -params.broken_z > z:
            return leave(1.0, "pair_is_broken", evidence)
        if before < -params.exit_z <= z:
            return leave(1.0 + z / params.entry_z, "pair_came_together", evidence)
        if not before > -params.entry_z >= z:
            return None
        if found.hedge <= 0.0 or found.pull_t > params.pull_t or found.half_life > params.half_life:
            return None
        score = (-z - params.entry_z) / (params.broken_z - params.entry_z)
        return enter(params, atr, score, "pair_came_apart", {**evidence, "half_life": found.half_life})
