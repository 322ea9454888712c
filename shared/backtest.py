"""What a backtest is asked for: the same model at the API, in the queue's job and in the brain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from shared.config import Limits, Paper, Protections, StrategyChoice
from shared.errors import Invalid, NotFound
from shared.model.base import Model
from shared.model.decision import DecisionConfig
from shared.model.exact import Positive
from shared.model.instrument import Symbol, VenueName
from shared.model.interval import Interval
from shared.model.money import Asset
from shared.sweep import Params, Sweep, put_over

MAX_SYMBOLS = 50
MAX_BARS = 400_000
"""Of all symbols together: what one call to the brain takes within its memory and its time."""
MAX_GATHERED = 50_000
"""Of all symbols together, for a run over the queue: it brings the brain's heap to 90 MiB where much is traded."""


class Carry(Model):
    """What holding costs, in basis points a UTC day: `funding_bps` of the notional that is held (below 0: received),
    `borrow_bps` of the cash that is missing."""

    funding_bps: float = Field(default=0.0, ge=-1000, le=1000)
    borrow_bps: float = Field(default=0.0, ge=0, le=1000)

    @property
    def is_due(self) -> bool:
        """Whether holding costs or brings anything."""
        return bool(self.funding_bps or self.borrow_bps)


class Account(Model):
    """The desk of a backtest: as a desk is configured, on paper."""

    currency: Asset
    cash: Positive
    limits: Limits
    paper: Paper
    protections: Protections = Field(default_factory=dict)
    carry: Carry = Carry()


class Span(Model):
    """Bars that open within it, both ends included; `warmup_bars` of them only warm the indicators."""

    from_ms: int = Field(ge=0)
    to_ms: int = Field(ge=0)
    warmup_bars: int = Field(default=0, ge=0, le=10_000)

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if self.from_ms >= self.to_ms:
            raise ValueError(f"from_ms {self.from_ms} must be before to_ms {self.to_ms}")
        return self


class BacktestRequest(Model):
    """Strategies on an account, over archived bars. Without symbols: all that the venue has in the span; without decisions:
    every strategy for itself."""

    venue: VenueName
    interval: Interval
    symbols: tuple[Symbol, ...] = Field(default=(), max_length=MAX_SYMBOLS)
    span: Span
    strategies: tuple[StrategyChoice, ...] = Field(min_length=1, max_length=16)
    decisions: DecisionConfig | None = None
    account: Account


RankBy = Literal[
    "sharpe",
    "sortino",
    "calmar",
    "cagr",
    "total_return",
    "profit_factor",
    "expectancy",
    "win_rate",
    "sqn",
    "max_drawdown",
]
"""Of the metrics; the smallest `max_drawdown` is the best, of all others the largest."""


class BacktestOrder(BacktestRequest):
    """A request, or as many as its sweep makes of it, and what decides which of them is the best."""

    sweep: Sweep | None = None
    rank_by: RankBy = "sharpe"

    def sets(self) -> list[Params]:
        """What is set in each run, on top of the swept strategy's own parameters; one empty set without a sweep."""
        return self.sweep.sets() if self.sweep is not None else [{}]

    @property
    def swept(self) -> int:
        """The place of the strategy whose parameters are set in each run; the first without a sweep, which sets none. `Invalid`
        where the sweep names none of the strategies, or a name that several have: which one it is about may turn on a name that
        only the brain can tell to be wrong.
        """
        if self.sweep is None:
            return 0
        wanted = self.sweep.strategy
        places = [at for at, each in enumerate(self.strategies) if wanted in (at, each.name)]
        if len(places) != 1:
            names = ", ".join(f"{at} ({each.name})" for at, each in enumerate(self.strategies))
            rule = "must be the place or the name of one of the strategies"
            raise Invalid.field("sweep.strategy", wanted, rule, f"choose from {names}")
        return places[0]

    def chosen(self, params: Params) -> list[dict[str, Any]]:
        """The strategies of a run, as the brain takes them."""
        return put_over([each.wire() for each in self.strategies], self.swept, params)

    def score(self, metrics: Mapping[str, Any] | None) -> float | None:
        """What a run is ranked by, the larger the better; None where it has no such number."""
        value = (metrics or {}).get(self.rank_by)
        if value is None:
            return None
        return -float(value) if self.rank_by == "max_drawdown" else float(value)


class NoBars(NotFound):
    """The archive holds no bar of what a backtest asked for."""

    code = "no_bars"
