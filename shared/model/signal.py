"""What a strategy saw on one closed bar."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import Field, StringConstraints, model_validator

from shared.model.base import Model
from shared.model.ids import HexId
from shared.model.instrument import InstrumentId
from shared.model.interval import Interval
from shared.model.order import OrderKind, TimeInForce, check_terms
from shared.model.side import Side

StrategyName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]


EvidenceName = Annotated[str, StringConstraints(min_length=1, max_length=64)]
MAX_EVIDENCE: Final = 32


class Action(StrEnum):
    ENTER = "enter"
    EXIT = "exit"


MIN_PRICE: Final = 1e-9
"""The smallest that ten digits after the point write exactly enough."""


class Signal(Model):
    """`score` in 0..1 is the strategy's own strength; `evidence` holds the numbers it looked at, `reason` a short code.

    The distances are in price units from the entry, as floats: the desk rounds them to ticks. `kind`, its prices and for how many
    bars an entry is good are as in a proposal.
    """

    id: HexId
    strategy: StrategyName
    version: int = Field(ge=1)
    params: HexId
    instrument: InstrumentId
    interval: Interval
    bar_close_ms: int = Field(ge=0)
    action: Action
    side: Side
    score: float = Field(ge=0, le=1)
    reason: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,47}$")]
    evidence: dict[EvidenceName, float] = Field(max_length=MAX_EVIDENCE)
    price: float = Field(gt=0)
    stop_distance: float | None = Field(default=None, gt=0)
    target_distance: float | None = Field(default=None, gt=0)
    trail_distance: float | None = Field(default=None, gt=0)
    kind: OrderKind = OrderKind.MARKET
    limit_price: float | None = Field(default=None, ge=MIN_PRICE)
    trigger_price: float | None = Field(default=None, ge=MIN_PRICE)
    good_bars: int | None = Field(default=None, ge=1, le=10_000)

    @model_validator(mode="after")
    def _terms_fit(self) -> Self:
        force = TimeInForce.GTC if self.good_bars is None else TimeInForce.GTD
        check_terms(self.kind, self.limit_price, self.trigger_price, force, self.good_till_ms, post_only=False)
        if self.action is Action.EXIT and self.kind is not OrderKind.MARKET:
            raise ValueError(f"kind must be market for an exit, not {self.kind}")
        return self

    @property
    def good_till_ms(self) -> int | None:
        """Market time at which an entry that has not filled is over."""
        return None if self.good_bars is None else self.bar_close_ms + self.good_bars * self.interval.ms
