"""What became of a position, for whoever decided on it to learn from."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from shared.model.base import Model
from shared.model.ids import HexId, digest
from shared.model.instrument import Symbol
from shared.model.signal import StrategyName

MAX_R: Final = 1000.0
"""In units of the risk: further away is no better and no worse."""


_Time = Annotated[int, Field(ge=0, le=2**53 - 1)]


class Outcome(Model):
    """A position that was held from `opened_ms`, where that is known, to `closed_ms` (market time). `r`: its profit in units of the
    risk taken, so -1 at the stop.
    """

    strategy: StrategyName
    symbol: Symbol
    r: float = Field(ge=-MAX_R, le=MAX_R)
    closed_ms: _Time
    opened_ms: _Time | None = None
    id: HexId | None = None

    @property
    def key(self) -> str:
        """By which it counts once: its id, else what it is about."""
        return self.id or digest("outcome", self.strategy, self.symbol, self.closed_ms)
