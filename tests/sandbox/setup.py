"""How a sandbox starts."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Self

from pydantic import Field, model_validator

from shared.model import Exact, Instrument, Model, NotNegative, Positive
from tests.sandbox.faults import Rule


def listed(symbol: str, **changes: str) -> Instrument:
    """An instrument in dollars with a tick of a cent and a lot of one; `changes` are text."""
    steps = {"tick": "0.01", "lot": "1", "min_qty": "1", "min_notional": "10", "multiplier": "1"}
    names = {"venue": "us", "symbol": symbol, "base": symbol, "quote": "USD", "settle": "USD"}
    return Instrument.parse(json.dumps({**steps, **names, **changes}))


class Setup(Model):
    """`cash` is of the one client account, `rights` of its key. `start_ms` None: market time is wall time.

    `client_ids` False: it takes none, and orders are known by its own ids alone. `rate_per_s` 0: no limit.
    """

    seed: int = 7
    instruments: tuple[Instrument, ...] = tuple(listed(symbol) for symbol in ("AAA", "BBB", "CCC", "DDD"))
    prices: dict[str, Positive] = Field(default_factory=dict)
    cash: dict[str, Exact] = Field(default_factory=lambda: {"USD": Decimal(100_000)})
    positions: dict[str, Exact] = Field(default_factory=dict)
    maker_bps: NotNegative = Decimal(2)
    taker_bps: NotNegative = Decimal(10)
    fee_asset: str | None = None
    rights: tuple[str, ...] = ("read", "trade")
    client_ids: bool = True
    start_ms: int | None = None
    depth: int = Field(default=200, ge=1)
    page_size: int = Field(default=50, ge=1, le=500)
    max_window_ms: int = Field(default=60_000, ge=1)
    rate_per_s: float = Field(default=0, ge=0)
    latency_ms: int = Field(default=0, ge=0)
    rules: tuple[Rule, ...] = ()

    @model_validator(mode="after")
    def _known(self) -> Self:
        symbols = {each.symbol for each in self.instruments}
        for name in (*self.prices, *self.positions):
            if name not in symbols:
                raise ValueError(f"{name} is not among the instruments {sorted(symbols)}")
        return self

    def price(self, symbol: str) -> Decimal:
        """Where its market begins."""
        return self.prices.get(symbol, Decimal(100))
