"""What a strategy saw on one closed bar."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from shared.model.base import Model
from shared.model.instrument import InstrumentId
from shared.model.interval import Interval
from shared.model.side import Side

StrategyName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
HexId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]


class Action(StrEnum):
    ENTER = "enter"
    EXIT = "exit"


class Signal(Model):
    """`score` in 0..1 is the strategy's own strength; `evidence` holds the numbers it looked at, `reason` a short code.

    `stop_distance` and `target_distance` are in price units from the entry, as floats: the desk rounds them to ticks.
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
    evidence: dict[str, float]
    price: float = Field(gt=0)
    stop_distance: float | None = Field(default=None, gt=0)
    target_distance: float | None = Field(default=None, gt=0)
