"""What can be traded, where, and in which steps."""

from __future__ import annotations

from decimal import Decimal
from functools import cached_property
from typing import Annotated, ClassVar

from pydantic import StringConstraints, field_validator

from shared.model import exact
from shared.model.base import Model
from shared.model.exact import NotNegative, Positive
from shared.model.money import Asset

VenueName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,15}$")]
Symbol = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9._-]{1,32}$")]
InstrumentId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,15}:[A-Z0-9._-]{1,32}$")]
"""`venue:SYMBOL`."""


def venue_of(instrument: str) -> str:
    return instrument.partition(":")[0]


def symbol_of(instrument: str) -> str:
    return instrument.partition(":")[2]


class Instrument(Model):
    """Prices are multiples of `tick`, quantities of `lot`; `multiplier` units of base stand behind a quantity of 1."""

    derived: ClassVar[tuple[str, ...]] = ("id",)
    venue: VenueName
    symbol: Symbol
    base: Asset
    quote: Asset
    settle: Asset
    tick: Positive
    lot: Positive
    min_qty: Positive
    min_notional: NotNegative
    multiplier: Positive
    listed_ms: int = 0

    @field_validator("listed_ms")
    @classmethod
    def _after_1970(cls, value: int) -> int:
        if value < 0:
            raise ValueError("must be 0 or more milliseconds since 1970")
        return value

    @cached_property
    def id(self) -> str:
        return f"{self.venue}:{self.symbol}"

    def notional(self, qty: Decimal, price: Decimal) -> Decimal:
        """qty * price * multiplier, in the quote asset, exact."""
        return exact.multiply(exact.multiply(qty, price), self.multiplier)
