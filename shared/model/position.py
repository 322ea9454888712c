"""What the desk holds of one instrument."""

from __future__ import annotations

from decimal import Decimal
from functools import cached_property
from typing import ClassVar

from pydantic import Field

from shared.model import exact
from shared.model.base import Model
from shared.model.entry import Entry
from shared.model.exact import Exact, NotNegative, Positive
from shared.model.instrument import InstrumentId
from shared.model.level import Level, LevelKind
from shared.model.side import Side


class Position(Model):
    """`qty` is signed; `cost` is the exact quote value paid for what is held, signed as qty: no average is rounded.

    `paid` is all that went in since it was last flat. `realised` is quote profit of what was closed, before fees; `fees` are
    those paid in the quote asset; `flat_net` is the one less the other when it was last flat. With a `trail_distance` the stop
    follows the price upwards, never down. `entry`: who opened it; None where that is not known.
    """

    derived: ClassVar[tuple[str, ...]] = ("levels",)
    instrument: InstrumentId
    qty: Exact = exact.ZERO
    cost: Exact = exact.ZERO
    realised: Exact = exact.ZERO
    fees: Exact = exact.ZERO
    paid: NotNegative = exact.ZERO
    stop_price: Positive | None = None
    target_price: Positive | None = None
    trail_distance: Positive | None = None
    flat_net: Exact = exact.ZERO
    opened_ms: int | None = Field(default=None)
    entry: Entry | None = None

    @property
    def is_flat(self) -> bool:
        return not self.qty

    @cached_property
    def levels(self) -> tuple[Level, ...]:
        """Its stop and its target, as a long position is left."""
        return tuple(
            Level(instrument=self.instrument, kind=kind, side=Side.SELL, price=price)
            for kind, price in ((LevelKind.STOP, self.stop_price), (LevelKind.TARGET, self.target_price))
            if price is not None
        )

    def average_price(self) -> Decimal | None:
        """cost / qty, rounded for display; None when flat."""
        return None if self.is_flat else exact.divide(self.cost, self.qty, 10)
