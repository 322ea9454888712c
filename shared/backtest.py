"""What a backtest is asked for: the same model at the API, in the queue's job and in the brain."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from shared.config import Limits, Paper, Protections, StrategyChoice
from shared.model.base import Model
from shared.model.exact import Positive
from shared.model.instrument import Symbol, VenueName
from shared.model.interval import Interval
from shared.model.money import Asset

MAX_SYMBOLS = 50
MAX_BARS = 400_000
"""Of all symbols together: what one call to the brain takes within its memory and its time."""


class Carry(Model):
    """What holding costs, in basis points a UTC day: `funding_bps` of the notional that is held (below 0: received),
    `borrow_bps` of the cash that is missing."""

    funding_bps: float = Field(default=0.0, ge=-1000, le=1000)
    borrow_bps: float = Field(default=0.0, ge=0, le=1000)


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
    """Strategies on an account, over archived bars. Without symbols: all that the venue has in the span."""

    venue: VenueName
    interval: Interval
    symbols: tuple[Symbol, ...] = Field(default=(), max_length=MAX_SYMBOLS)
    span: Span
    strategies: tuple[StrategyChoice, ...] = Field(min_length=1, max_length=16)
    account: Account
