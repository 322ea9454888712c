"""Plans of backtests on made-up markets."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from brain.backtest.engine import Backtest, run
from brain.backtest.plan import Carry, Outcome, Plan
from brain.backtest.report import report
from brain.backtest.request import read
from brain.bar import Bar
from brain.registry import STRATEGIES
from brain.request import choices
from shared.config import Limits, Paper
from shared.desk import commands
from shared.model import Instrument, Interval

HOUR = Interval.H1
LIMITS = {
    "risk_per_trade_bps": 100,
    "max_order_notional": "1000000",
    "max_symbol_notional": "1000000",
    "max_total_notional": "1000000",
    "max_open_positions": 10,
    "max_open_orders": 100,
    "max_orders_per_minute": 1000,
    "max_data_age_ms": 60_000,
    "max_signal_age_bars": 1,
}
PAPER = {"fee_bps": "0", "slippage_bps": "0", "volume_share_bps": 10_000, "resting_stops": True}
CROSS: dict[str, Any] = {"name": "sma_cross", "params": {"fast": 5, "slow": 20, "atr_period": 14}}


def walk(seed: int, count: int, start: float = 100.0, step: float = 0.004, volume: float = 1e6) -> list[Bar]:
    """Hourly bars of a random walk, prices on a tick of 0.01."""
    luck = random.Random(seed)
    bars, close = [], start
    for at in range(count):
        open_ = close
        path = [open_]
        for _ in range(4):
            path.append(max(1.0, round(path[-1] * (1 + luck.gauss(0, step)), 2)))
        close = path[-1]
        bars.append(Bar(at * HOUR.ms, open_, max(path), min(path), close, volume))
    return bars


def instrument(symbol: str, **changes: Any) -> Instrument:
    told = {
        "venue": "made",
        "symbol": symbol,
        "base": symbol,
        "quote": "USD",
        "settle": "USD",
        "tick": "0.01",
        "lot": "1",
        "min_qty": "1",
        "min_notional": "1",
        "multiplier": "1",
        "listed_ms": 0,
    }
    return Instrument.of(**{**told, **changes})


def plan(
    series: Mapping[str, Sequence[Bar]],
    strategies: Sequence[Mapping[str, Any]] = (CROSS,),
    limits: Mapping[str, Any] | None = None,
    paper: Mapping[str, Any] | None = None,
    protections: Mapping[str, Mapping[str, Any]] | None = None,
    known: Mapping[str, Any] = STRATEGIES,
    **changes: Any,
) -> Plan:
    opening = commands.Open(
        desk="backtest",
        mode="paper",
        venue="made",
        interval_ms=HOUR.ms,
        currency="USD",
        cash=Decimal(100_000),
        limits=Limits.of(**{**LIMITS, **(limits or {})}),
        paper=Paper.of(**{**PAPER, **(paper or {})}),
        instruments=tuple(instrument(symbol) for symbol in sorted(series)),
        protections=protections or {},
    )
    made = Plan("made", HOUR, choices(list(strategies), known), opening, series, Carry())
    return made._replace(**changes)


def reported(body: Any) -> dict[str, Any]:
    """The report of a request, run here."""
    made = read(body)
    return report(made, run(made))


def both(made: Plan, pieces: int | None = None) -> tuple[Outcome, Outcome]:
    """What comes of it when bars are passed over (in pieces of so many closes), and when everybody sees every bar."""
    quick, whole = Backtest(made), Backtest(made, skip=False)
    while quick.advance(pieces):
        pass
    whole.advance()
    return quick.outcome(), whole.outcome()
