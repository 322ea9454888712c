"""The steps and minima of the simulated instruments: in half of the runs all alike and small, else each its own."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from tests.simulation.prices import money
from tests.unit.desk.bench import instrument


@dataclass(frozen=True)
class Terms:
    """`tick` in cents, `lot` and `min_qty` in units, `min_notional` in dollars."""

    tick: int = 1
    lot: int = 1
    min_qty: int = 1
    min_notional: int = 10

    def wire(self, symbol: str) -> dict[str, Any]:
        """The instrument as `open` takes it."""
        steps = {"lot": str(self.lot), "min_qty": str(self.min_qty), "min_notional": str(self.min_notional)}
        return instrument(symbol, tick=str(money(self.tick)), **steps)


def terms_of(symbols: tuple[str, ...], luck: Random) -> dict[str, Terms]:
    """By symbol."""
    if luck.random() < 0.5:
        return dict.fromkeys(symbols, Terms())
    return {
        symbol: Terms(
            tick=luck.choice((1, 5, 25)),
            lot=luck.choice((1, 5)),
            min_qty=luck.choice((1, 10)),
            min_notional=luck.choice((10, 1_000)),
        )
        for symbol in symbols
    }
