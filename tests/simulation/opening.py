"""How a simulated desk is opened."""

from __future__ import annotations

from random import Random
from typing import Any

from shared.desk import bodies
from tests.simulation.prices import BAR_MS
from tests.simulation.world import CASH, FEE_SYMBOL, SYMBOLS


def limits(luck: Random) -> dict[str, Any]:
    """Sometimes so tight that most entries are refused."""
    tight = luck.random() < 0.5
    return {
        "risk_per_trade_bps": luck.choice((20, 100)),
        "max_order_notional": luck.choice(("6000", "15000")) if tight else "50000",
        "max_symbol_notional": "20000" if tight else "60000",
        "max_total_notional": luck.choice(("25000", "40000")) if tight else "90000",
        "max_open_positions": 2 if tight else 3,
        "max_open_orders": luck.choice((3, 6)) if tight else 40,
        "max_orders_per_minute": luck.choice((2, 5)) if tight else 1000,
        "max_data_age_ms": 60_000,
        "max_signal_age_bars": luck.choice((1, 2)),
    }


def instrument(symbol: str) -> dict[str, Any]:
    return {
        "venue": "us",
        "symbol": symbol,
        "base": symbol,
        "quote": "USD",
        "settle": "USD",
        "tick": "0.01",
        "lot": "1",
        "min_qty": "1",
        "min_notional": "10",
        "multiplier": "1",
        "listed_ms": 0,
    }


def opening(luck: Random) -> dict[str, Any]:
    """The body of `open`, with what this release of the desk takes."""
    body: dict[str, Any] = {
        "desk": "alpha",
        "mode": "paper",
        "venue": "us",
        "interval_ms": BAR_MS,
        "currency": "USD",
        "cash": str(CASH),
        "limits": limits(luck),
        "paper": {"fee_bps": "10", "slippage_bps": "5", "volume_share_bps": 1000},
        "instruments": [instrument(symbol) for symbol in (*SYMBOLS, FEE_SYMBOL)],
    }
    if "protections" in bodies.OpenBody.model_fields:
        body["protections"] = protections(luck)
    return body


def protections(luck: Random) -> dict[str, Any]:
    """Those that this run has, by name."""
    return {}
