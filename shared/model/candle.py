"""One closed bar of one instrument."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from shared.model.base import Model
from shared.model.exact import NotNegative, Positive
from shared.model.instrument import InstrumentId
from shared.model.interval import Interval


class Candle(Model):
    """Open time is the bar's first millisecond, a multiple of the interval; prices in quote, volume in base units."""

    instrument: InstrumentId
    interval: Interval
    open_time_ms: int
    open: Positive
    high: Positive
    low: Positive
    close: Positive
    volume: NotNegative

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.open_time_ms < 0 or self.open_time_ms % self.interval.ms:
            raise ValueError(f"open_time_ms {self.open_time_ms} must be a multiple of {self.interval.ms}")
        if not self.low <= min(self.open, self.close) <= max(self.open, self.close) <= self.high:
            raise ValueError(
                f"low {self.low} <= open {self.open}, close {self.close} <= high {self.high} does not hold"
            )
        return self

    @property
    def close_time_ms(self) -> int:
        """The first millisecond after the bar."""
        return self.open_time_ms + self.interval.ms
