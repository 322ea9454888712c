"""Commands that a desk decides and stores a second, against a JavaScript object that only stores as many rows."""

from __future__ import annotations

import json
from typing import Any

from bench.places import LIMITS, PAPER, Probe, desk_on, opened, yardstick
from bench.report import Row, Verdict
from shared.model.ids import digest
from tools.failure import ToolError
from tools.replay import builtin_markets
from tools.stack import Stack

INSTRUMENTS = 100
BAR_MS = 60_000
CLOSE_MS = 1_704_067_260_000
ROUNDS = 3
GOAL = 1000.0
"""Proposals decided and stored a second, the orders placed and acknowledged included."""
BODY = "x" * 400
"""About the size of an order in the log."""


def measure(quick: bool) -> list[Row]:
    """Hand orders one call each, and proposals a hundred a call."""
    orders = 20 if quick else 60
    with desk_on(builtin_markets()) as (_, probe), yardstick() as stack:
        best = {"place": (0.0, 0.0, 0.0), "propose": (0.0, 0.0, 0.0)}
        for number in range(ROUNDS):
            desk = f"bench-{number}"
            opened_desk(probe, desk)
            for name, found in (("propose", propose(probe, stack, desk)), ("place", place(probe, stack, desk, orders))):
                best[name] = max(best[name], found)
    return [
        row("desk: place and cancel, one command a call", *best["place"]),
        row(f"desk: {INSTRUMENTS} proposals a call", *best["propose"], goal=GOAL),
    ]


def row(what: str, ours: float, theirs: float, rows: float, goal: float | None = None) -> Row:
    """Commands a second of both."""
    what = f"{what}, {rows:.0f} rows each"
    wanted, verdict = ("", Verdict.SAID) if goal is None else (f">= {goal:,.0f} /s", Verdict.of(ours >= goal))
    return Row(what, f"{ours:,.0f} /s", f"{theirs:,.0f} /s", f"{ours / theirs:.2f}", wanted, verdict)


def opened_desk(probe: Probe, desk: str) -> None:
    """A desk of its own with a price for every instrument."""
    instruments = [instrument(f"B{number:03d}") for number in range(INSTRUMENTS)]
    limits = {**LIMITS, "max_open_positions": 1000, "max_orders_per_minute": 10_000, "max_data_age_ms": 600_000}
    limits |= {"max_total_notional": "100000000"}
    body = {
        "desk": desk,
        "mode": "paper",
        "venue": "bench",
        "interval_ms": BAR_MS,
        "currency": "USD",
        "cash": "100000000",
        "limits": {**limits, "max_signal_age_bars": 1},
        "paper": PAPER,
        "instruments": instruments,
    }
    probe.value("DESK", "open", body, desk)
    probe.value("DESK", "bars", {"candles": [candle(each["symbol"]) for each in instruments]}, desk)


def propose(probe: Probe, stack: Stack, desk: str) -> tuple[float, float, float]:
    """Commands a second, the yardstick's, and rows written a command."""
    proposals = [proposal(f"B{number:03d}") for number in range(INSTRUMENTS)]
    before = written(probe)
    took_ms, answers = probe.call("DESK", "propose", [[json.dumps({"proposals": proposals})]], desk)
    rows = (written(probe) - before) / INSTRUMENTS
    outcomes = [each["outcome"] for each in opened(answers[0])["results"]]
    if set(outcomes) != {"intended"}:
        raise ToolError(f"not every proposal became an order: {sorted(set(outcomes))}")
    theirs_ms = stored(stack, INSTRUMENTS, round(rows), together=True)
    return INSTRUMENTS * 1000 / took_ms, INSTRUMENTS * 1000 / theirs_ms, rows


def place(probe: Probe, stack: Stack, desk: str, orders: int) -> tuple[float, float, float]:
    """As `propose`; every order is cancelled again, so that the desk does not grow."""
    before, count, took_ms = written(probe), orders * 2, 0.0
    for number in range(orders):
        ticket = {"instrument": "bench:B000", "side": "buy", "kind": "limit", "qty": "1", "limit_price": "90.00"}
        body = {"order": ticket, "by": "bench", "idempotency_key": f"place-{number}"}
        placed_ms, answers = probe.call("DESK", "place", [[json.dumps(body)]], desk)
        client_id = opened(answers[0])["order"]["client_id"]
        body = {"client_id": client_id, "by": "bench", "idempotency_key": f"cancel-{number}"}
        cancelled_ms, answers = probe.call("DESK", "cancel", [[json.dumps(body)]], desk)
        opened(answers[0])
        took_ms += placed_ms + cancelled_ms
    rows = (written(probe) - before) / count
    theirs_ms = stored(stack, count, round(rows), together=False)
    return count * 1000 / took_ms, count * 1000 / theirs_ms, rows


def stored(stack: Stack, count: int, rows: int, together: bool) -> float:
    """Milliseconds of the yardstick for so many transactions of so many rows."""
    body = {"body": BODY, "count": count, "rows": rows, "together": together}
    reply = stack.fetch("yardstick", "/commands", "POST", body=json.dumps(body).encode())
    return max(1.0, float(json.loads(reply.body)["ms"]))


def written(probe: Probe) -> int:
    """Rows that the desk's objects have written so far."""
    return probe.vitals()["desk"].operations.get("object_rows_written", 0)


def instrument(symbol: str) -> dict[str, Any]:
    """One that trades in whole pieces and cents."""
    numbers = {"tick": "0.01", "lot": "1", "min_qty": "1", "min_notional": "1", "multiplier": "1"}
    return {"venue": "bench", "symbol": symbol, "base": symbol, "quote": "USD", "settle": "USD", **numbers}


def candle(symbol: str) -> dict[str, Any]:
    """A bar that closes at 100."""
    prices = {"open": "99.00", "high": "101.00", "low": "98.00", "close": "100.00", "volume": "100000"}
    return {"instrument": f"bench:{symbol}", "interval": "1m", "open_time_ms": CLOSE_MS - BAR_MS, **prices}


def proposal(symbol: str) -> dict[str, Any]:
    """To buy, with a stop."""
    return {
        "signal_id": digest("bench", symbol),
        "strategy": "sma_cross",
        "version": 1,
        "params": digest("bench"),
        "instrument": f"bench:{symbol}",
        "bar_close_ms": CLOSE_MS,
        "action": "enter",
        "side": "buy",
        "price": "100.00",
        "stop_distance": "5.00",
    }
