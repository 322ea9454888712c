"""A hundred thousand hourly bars under an SMA cross: ours natively and inside workerd, beside backtesting.py in the same run."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from bench.places import Probe, desk_on, opened
from bench.report import Row, Verdict
from tools.paths import ROOT, source_folder
from tools.replay import builtin_markets

BARS = 100_000
FAST, SLOW = 50, 200
HOUR_MS = 3_600_000
SEARCHED = 10_000
NATIVE_GOAL, WORKERD_GOAL = 6.0, 2.0
MOONSHOT = 1_000_000
LIMITS = {
    "risk_per_trade_bps": 100,
    "max_order_notional": "1000000",
    "max_symbol_notional": "1000000",
    "max_total_notional": "1000000",
    "max_open_positions": 10,
    "max_orders_per_minute": 1000,
}
PAPER = {"fee_bps": "0", "slippage_bps": "0", "volume_share_bps": 10_000, "resting_stops": True}


def measure(quick: bool) -> list[Row]:
    """Bars a second, the best of three; beside them what is left where the desk has nothing to do, since all is warm-up."""
    bars, rounds = (BARS // 5, 1) if quick else (BARS, 3)
    columns = walk(bars)
    whole = body(columns)
    idle = whole | {"warmup_bars": bars}
    theirs = best(rounds, backtesting(columns))
    ours, ours_idle = (best(rounds, native(asked)) for asked in (whole, idle))
    with desk_on(builtin_markets()) as (_, probe):
        inside, inside_idle = (best(rounds, in_workerd(probe, asked)) for asked in (whole, idle))
    rate = f"{bars / theirs:,.0f}/s"

    def row(what: str, seconds: float, goal: float) -> Row:
        ratio = theirs / seconds
        return Row(what, f"{bars / seconds:,.0f}/s", rate, f"{ratio:.2f}", f">= {goal:g}", Verdict.of(ratio >= goal))

    def said(seconds: float) -> Row:
        what = "  bars, strategy and decisions, without the desk"
        return Row(what, f"{bars / seconds:,.0f}/s", rate, f"{theirs / seconds:.2f}", verdict=Verdict.SAID)

    return [
        row(f"backtest of {bars:,} bars, natively", ours, NATIVE_GOAL),
        said(ours_idle),
        row(f"backtest of {bars:,} bars, in workerd, text in and out", inside, WORKERD_GOAL),
        said(inside_idle),
        Row("  of the moonshot, a million bars/s in workerd", f"{bars / inside / MOONSHOT:.0%}", verdict=Verdict.SAID),
        searches(columns),
    ]


def searches(columns: dict[str, list[Any]]) -> Row:
    """A search on all cores against the same one on one core, in seconds; the results are the same."""
    sys.path.insert(0, str(source_folder("brain")))
    from brain.backtest.request import read
    from brain.backtest.search import Found, Range, Search, grid
    from tools.backtest.crew import Crew, cores

    plan = read(body({name: each[:SEARCHED] for name, each in columns.items()}))
    space = {"fast": Range(5, 20, 5), "slow": Range(30, 90, 10)}

    def timed(jobs: int) -> tuple[float, Found]:
        begun = time.perf_counter()
        found = Search(plan, each=Crew(jobs, lambda: None)).all(grid(space))
        return time.perf_counter() - begun, found

    (alone_s, alone), (together_s, together) = timed(1), timed(cores())
    if alone != together:
        raise ValueError("a search side by side found something else")
    what = f"search of {len(alone.trials)} sets on {SEARCHED:,} bars, {cores()} cores against one"
    return Row(what, f"{together_s:.2f} s", f"{alone_s:.2f} s", f"{alone_s / together_s:.2f}", verdict=Verdict.SAID)


def in_workerd(probe: Probe, asked: dict[str, Any]) -> Callable[[], float]:
    """The whole call: text in, read, run, report, text out."""
    text = json.dumps(asked)

    def timed() -> float:
        took_ms, answers = probe.call("BRAIN", "backtest", [[text]])
        opened(answers[0])
        return took_ms / 1000

    return timed


def best(rounds: int, timed: Callable[[], float]) -> float:
    """Seconds of the quickest round, after one that warms up."""
    timed()
    return min(timed() for _ in range(rounds))


def walk(count: int) -> dict[str, list[Any]]:
    """Columns of a random walk on a tick of 0.01."""
    luck, close = random.Random(1), 100.0
    columns: dict[str, list[Any]] = {name: [] for name in "tohlcv"}
    for at in range(count):
        path = [close]
        for _ in range(4):
            path.append(max(1.0, round(path[-1] * (1 + luck.gauss(0, 0.004)), 2)))
        close = path[-1]
        for name, value in zip("tohlcv", (at * HOUR_MS, path[0], max(path), min(path), close, 1e6), strict=True):
            columns[name].append(value)
    return columns


def body(columns: dict[str, list[Any]]) -> dict[str, Any]:
    """The request, as the brain takes it."""
    names = {"venue": "gen", "symbol": "AAA", "base": "AAA", "quote": "USD", "settle": "USD"}
    steps = {"tick": "0.01", "lot": "1", "min_qty": "1", "min_notional": "1", "multiplier": "1", "listed_ms": 0}
    return {
        "venue": "gen",
        "interval": "1h",
        "strategies": [{"name": "sma_cross", "params": {"fast": FAST, "slow": SLOW}}],
        "account": {"currency": "USD", "cash": "100000", "limits": LIMITS, "paper": PAPER},
        "instruments": [names | steps],
        "market": {"AAA": columns},
        "warmup_bars": 0,
    }


def native(asked: dict[str, Any]) -> Callable[[], float]:
    """The engine alone, on bars that were read: what backtesting.py is timed for as well."""
    sys.path.insert(0, str(source_folder("brain")))
    from brain.backtest.engine import run
    from brain.backtest.request import read

    plan = read(json.loads(json.dumps(asked)))

    def timed() -> float:
        begun = time.perf_counter()
        run(plan)
        return time.perf_counter() - begun

    return timed


def backtesting(columns: dict[str, list[Any]]) -> Callable[[], float]:
    """In a process of its own, since it changes warnings and multiprocessing for everybody."""
    program = "import json, sys; from bench.theirs import seconds; print(json.dumps(seconds(json.load(sys.stdin))))"

    def timed() -> float:
        given = json.dumps({"columns": columns, "fast": FAST, "slow": SLOW})
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program],
            input=given,
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=True,
        )
        return float(done.stdout.strip().splitlines()[-1])

    return timed
