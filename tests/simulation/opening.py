"""How a simulated desk is opened."""

from __future__ import annotations

from random import Random
from typing import Any

from shared.desk.registry import PROTECTIONS
from tests.simulation.platform import REHEARSAL
from tests.simulation.prices import BAR_MS
from tests.simulation.world import CASH, SYMBOLS, World

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


def opening(luck: Random, world: World) -> dict[str, Any]:
    """The body of `open`."""
    mode = world.mode
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
        "protections": protections(luck, world),
        "instruments": [terms.wire(symbol) for symbol, terms in world.terms.items()],
    }
    if mode == "live":
        body |= {"rehearsed_as": REHEARSAL, "rehearsal_days": 1}
    return body


def protections(luck: Random, world: World) -> dict[str, Any]:
    """Those that this run has, by name; tight enough to trip within minutes. A live desk names all of them."""
    every = {**_stopping(luck), **_refusing(luck), "trading_hours": {"windows": _windows(luck, world)}}
    if luck.random() < 0.5:
        names = set(luck.sample(list(every), 4))
    else:
        share = luck.choice((0.0, 0.3, 0.7))
        names = {name for name in every if luck.random() < share}
    chosen = {name: settings for name, settings in every.items() if name in names}
    if world.mode != "live":
        return chosen
    always = {"windows": [{"days": list(DAYS), "from": "00:00", "to": "24:00"}]}
    return {**{name: always if name == "trading_hours" else {} for name in PROTECTIONS}, **chosen}


def _stopping(luck: Random) -> dict[str, dict[str, Any]]:
    """Those that can stop the desk."""

    def calls() -> dict[str, str]:
        what = luck.choice(("refuse", "reducing", "reducing", "halted"))
        return {"calls_for": what, "on_halt": luck.choice(("cancel", "flatten"))}

    return {
        "daily_loss": {"limit_bps": luck.choice((5, 50)), "for_s": luck.choice((0, 120)), **calls()},
        "max_drawdown": {"limit_bps": luck.choice((10, 100)), "for_s": luck.choice((0, 60)), **calls()},
        "consecutive_losses": {"losses": luck.choice((1, 2, 3)), "for_s": luck.choice((0, 60, 300)), **calls()},
        "error_rate": {
            "errors": luck.choice((1, 1, 2)),
            "within_s": luck.choice((20, 60)),
            "for_s": luck.choice((0, 60, 120)),
            **calls(),
        },
        "stoploss_guard": {
            "stops": luck.choice((1, 2)),
            "within_s": luck.choice((60, 600)),
            "for_s": luck.choice((0, 120)),
            "per_symbol": luck.random() < 0.5,
            **calls(),
        },
        "venue_down": {"after_s": luck.choice((5, 30)), **calls()},
        "dead_man": {"cron_reduce_s": 90, "cron_halt_s": 300, "data_reduce_s": 60, "data_halt_s": 400},
    }


def _refusing(luck: Random) -> dict[str, dict[str, Any]]:
    """Those that refuse one order."""
    return {
        "cooldown": {"for_s": luck.choice((30, 120)), "after": luck.choice(("any", "loss"))},
        "leverage": {"max": luck.choice(("0.2", "0.5"))},
        "exposure": {"groups": {"pair": {"symbols": list(SYMBOLS[:2]), "max_notional": "12000"}}},
        "spread_too_wide": {"max_bps": luck.choice((5, 20)), "require_quote": luck.random() < 0.5},
        "low_profit_symbol": {
            "trades": luck.choice((1, 1, 2)),
            "within_s": luck.choice((60, 600, 600)),
            "min_profit_bps": luck.choice((-50, 0, 20, 20)),
            "for_s": luck.choice((60, 300, 300)),
        },
        "price_band": {
            "wrong_side_bps": luck.choice((50, 2000)),
            "span": luck.choice((2, 10)),
            "jump_bps": luck.choice((20, 200, 5000)),
        },
    }


def _windows(luck: Random, world: World) -> list[dict[str, Any]]:
    """Two, within minutes of the beginning; a day's first minutes or last hours are all that a run sees."""
    ends, minute = [], world.market.market_ms // 60_000 % 1440 - 1
    for _ in range(4):
        minute += luck.randint(1, 4)
        ends.append(f"{minute // 60:02}:{minute % 60:02}")
    return [{"from": ends[0], "to": ends[1]}, {"days": list(DAYS), "from": ends[2], "to": ends[3]}]
