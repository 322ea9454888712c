"""An order that is not one yet, and why it is refused."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from shared.model import Instrument, OrderKind, Side


class Refusal(NamedTuple):
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Intent:
    """`price` is its limit, its trigger where it has no limit, or for a market order the mark; `qty` in lots of the instrument.

    `qty` is 0 while it is not known: what depends on it is then not asked.
    """

    instrument: Instrument
    side: Side
    kind: OrderKind
    qty: Decimal
    price: Decimal
    reduce_only: bool = False
    stop_price: Decimal | None = None
    target_price: Decimal | None = None
    trigger_price: Decimal | None = None

    @property
    def is_entry(self) -> bool:
        return not self.reduce_only

    @property
    def notional(self) -> Decimal:
        return self.instrument.notional(self.qty, self.price)
