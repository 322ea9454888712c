"""An instrument as the replay venue lists it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import Decimal
from functools import cached_property


@dataclass(frozen=True)
class Instrument:
    """Steps and minima are exact decimal text; `listed_ms` opens the first bar; intervals finest first."""

    symbol: str
    base: str
    quote: str
    tick: str
    lot: str
    min_qty: str
    min_notional: str
    multiplier: str
    listed_ms: int
    intervals: tuple[str, ...]

    @cached_property
    def tick_size(self) -> Decimal:
        """The price step."""
        return Decimal(self.tick)

    @cached_property
    def lot_size(self) -> Decimal:
        """The quantity step, in units of `base`."""
        return Decimal(self.lot)

    def to_json(self) -> dict[str, object]:
        """The instrument as it stands in `GET /{venue}/instruments`."""
        return {**asdict(self), "intervals": list(self.intervals)}
