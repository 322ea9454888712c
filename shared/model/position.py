"""What the desk holds of one instrument."""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field

from shared.model import exact
from shared.model.base import Model
from shared.model.exact import Exact, NotNegative, Positive
from shared.model.instrument import InstrumentId


class Position(Model):
    """`qty` is signed; `cost` is the exact quote value paid for what is held, signed as qty: no average is rounded.

    `realised` is quote profit of what was closed, before fees; `fees` are those paid in the quote asset; `flat_net` is the one
    less the other when it was last flat. With a `trail_distance` the stop follows the price upwards, never down.
    """

    instrument: InstrumentId
    qty: Exact = exact.ZERO
    cost: Exact = exact.ZERO
    realised: Exact = exact.ZERO
    fees: Exact = exact.ZERO
    bought_qty: NotNegative = exact.ZERO
    stop_price: Positive | None = None
    target_price: Positive | None = None
    trail_distance: Positive | None = None
    flat_net: Exact = exact.ZERO
    opened_ms: int | None = Field(default=None)

    @property
    def is_flat(self) -> bool:
        return not self.qty

    def average_price(self) -> Decimal | None:
        """cost / qty, rounded for display; None when flat."""
        return None if self.is_flat else exact.divide(self.cost, self.qty, 10)
