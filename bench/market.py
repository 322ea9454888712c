"""Ingest and scan of a minute tick, and the memory of every worker after many of them."""

from __future__ import annotations

from functools import cache

from bench import front, places
from bench.minute import Ticks, play
from bench.report import Row, at_most
from tools.replay import builtin_markets

FEW, MANY = 20, 250
HEAP_LIMIT_MIB = 96
HEAP_TICKS = 300
MIB = 1024 * 1024


@cache
def played(symbols: int, quick: bool) -> Ticks:
    """Once a run of the bench: cost and speed are read from the same ticks."""
    return play(symbols, 5 if quick else 20)


def measure(quick: bool) -> list[Row]:
    """Rows for both sizes of market."""
    rows = []
    for symbols in (FEW, MANY):
        ticks = played(symbols, quick)
        busy_s = (ticks.job_ms("ingest") + ticks.job_ms("scan")) / 1000
        rows += [
            Row(
                f"history of {symbols} symbols: ingest and first scan",
                f"{ticks.first_bars / ticks.first_s:,.0f} bars/s",
            ),
            Row(f"minute of {symbols} symbols: ingest", f"{symbols * 1000 / ticks.job_ms('ingest'):,.0f} bars/s"),
            Row(
                f"minute of {symbols} symbols: ingest + scan",
                f"{ticks.job_ms('ingest'):.0f} + {ticks.job_ms('scan'):.0f} ms",
                goal="<= 60 s",
                verdict=at_most("", busy_s, 60, "s").verdict,
            ),
        ]
    return rows


def heaps(quick: bool) -> list[Row]:
    """The largest heap that each worker came to: hundreds of ticks of the recorded markets, or the larger made-up one."""
    ticks = 30 if quick else HEAP_TICKS
    with places.desk_on(builtin_markets()) as (system, probe):
        system.tick(ticks)
        front.visit(system)
        recorded = {worker: each.heap_bytes for worker, each in probe.vitals().items()}
    made_up = played(MANY, quick).heaps
    return [
        at_most(f"wasm heap of {worker}, {ticks} ticks or {MANY} symbols", value / MIB, HEAP_LIMIT_MIB, "MiB", 1)
        for worker, value in ((name, max(recorded[name], made_up[name])) for name in recorded)
    ]
