"""An order as a person asks for it."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from shared.model.base import Model
from shared.model.exact import Positive
from shared.model.instrument import InstrumentId
from shared.model.order import OrderKind
from shared.model.side import Side


class Ticket(Model):
    """An order by hand. A market order fills at the next bar; stop and target become the position's trigger levels."""

    instrument: InstrumentId
    side: Side
    kind: OrderKind
    qty: Positive
    limit_price: Positive | None = None
    stop_price: Positive | None = None
    target_price: Positive | None = None
    reduce_only: bool = False

    @model_validator(mode="after")
    def _limit_has_a_price(self) -> Self:
        if (self.kind is OrderKind.LIMIT) != (self.limit_price is not None):
            raise ValueError("limit_price belongs to a limit order, and only to it")
        return self
