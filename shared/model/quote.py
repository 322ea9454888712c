"""The best bid and ask, with the two times that tell how fresh they are."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from shared.model.base import Model
from shared.model.exact import NotNegative, Positive
from shared.model.instrument import InstrumentId


class Quote(Model):
    """`ts_ms` is the venue's market time, `received_ms` our wall time; a replayed market has the first in the past."""

    instrument: InstrumentId
    bid: Positive
    ask: Positive
    bid_qty: NotNegative
    ask_qty: NotNegative
    ts_ms: int
    received_ms: int
    seq: int

    @model_validator(mode="after")
    def _not_crossed(self) -> Self:
        if self.bid >= self.ask:
            raise ValueError(f"bid {self.bid} must be below ask {self.ask}")
        return self
