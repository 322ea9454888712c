"""How a simulated desk is opened."""

from __future__ import annotations

from random import Random
from typing import Any

from shared.desk.registry import PROTECTIONS
from tests.simulation.platform import REHEARSAL
from tests.simulation.prices import BAR_MS
from tests.simulation.world import CASH, FEE_SYMBOL, SYMBOLS
from tests.unit.desk.bench import instrument

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


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


def opening(luck: Random, mode: str) -> dict[str, Any]:
    """The body of `open`."""
    body: dict[str, Any] = {
        "desk": "alpha",
        "mode": mode,
        "venue": "us",
        "interval_ms": BAR_MS,
        "currency": "USD",
        "cash": str(CASH),
        "limits": limits(luck),
        "paper": {"fee_bps": "10", "slippage_bps": "5", "volume_share_bps": 1000},
        "trading": {"kind": "paper" if mode == "paper" else "sandbox"},
        "protections": protections(luck, all_of_them=mode == "live"),
        "instruments": [instrument(symbol) for symbol in (*SYMBOLS, FEE_SYMBOL)],
    }
    if mode == "live":
        body |= {"rehearsed_as": REHEARSAL, "rehearsal_days": 1}
    return body


def protections(luck: Random, all_of_them: bool) -> dict[str, Any]:
    """Those that this run has, by name; tight enough to trip within minutes."""
    stops = {"calls_for": luck.choice(("reducing", "halted")), "on_halt": luck.choice(("cancel", "flatten"))}
    every: dict[str, dict[str, Any]] = {
        "daily_loss": {"limit_bps": luck.choice((5, 50)), "for_s": luck.choice((0, 120)), **stops},
        "max_drawdown": {"limit_bps": luck.choice((10, 100)), "for_s": luck.choice((0, 60)), **stops},
        "consecutive_losses": {"losses": luck.choice((1, 3)), "for_s": 300},
        "cooldown": {"for_s": luck.choice((30, 120))},
        "error_rate": {"errors": 3, "within_s": 60, "for_s": 60, **stops},
        "leverage": {"max": luck.choice(("0.2", "0.5"))},
        "exposure": {"groups": {"pair": {"symbols": list(SYMBOLS[:2]), "max_notional": "12000"}}},
        "spread_too_wide": {"max_bps": 5},
        "stoploss_guard": {"stops": 2, "within_s": 600, "for_s": 120, "per_symbol": luck.random() < 0.5},
        "low_profit_symbol": {"trades": 2, "within_s": 600, "for_s": 120},
        "dead_man": {"cron_reduce_s": 90, "cron_halt_s": 300, "data_reduce_s": 60, "data_halt_s": 400},
        "venue_down": {"after_s": luck.choice((5, 30))},
    }
    share = luck.choice((0.0, 0.3, 0.7))
    chosen = {name: settings for name, settings in every.items() if luck.random() < share}
    if not all_of_them:
        return chosen
    always = {"windows": [{"days": list(DAYS), "from": "00:00", "to": "24:00"}]}
    return {**{name: always if name == "trading_hours" else {} for name in PROTECTIONS}, **chosen}
