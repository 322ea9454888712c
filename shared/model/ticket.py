"""An order as a person asks for it."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from shared.model.base import Model
from shared.model.exact import Positive
from shared.model.instrument import InstrumentId
from shared.model.order import OrderKind, TimeInForce, check_terms
from shared.model.side import Side


class Ticket(Model):
    """An order by hand. `stop_price`, `target_price` and `trail_distance` (price units) become the position's levels."""

    instrument: InstrumentId
    side: Side
    kind: OrderKind
    qty: Positive
    limit_price: Positive | None = None
    trigger_price: Positive | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    good_till_ms: int | None = None
    post_only: bool = False
    stop_price: Positive | None = None
    target_price: Positive | None = None
    trail_distance: Positive | None = None
    reduce_only: bool = False

    @model_validator(mode="after")
    def _terms_belong_together(self) -> Self:
        check_terms(
            self.kind, self.limit_price, self.trigger_price, self.time_in_force, self.good_till_ms, self.post_only
        )
        return self
