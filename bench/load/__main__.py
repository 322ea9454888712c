"""Load on a running desk over HTTP: 100 commands a second on one desk, then on a hundred, then more and more of them.

The generator is a process of its own and keeps to a schedule: a command's time counts from when it was due, whatever became of
those before it. Proposals, which come by RPC and not over HTTP, run beside it: a batch of ten a second.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from bench.commands import candle, instrument, proposal
from bench.load.plan import Plan, Sample
from bench.load.report import Run, show
from bench.places import LIMITS, PAPER, Probe, desk_on, opened
from bench.timing import percentile
from tests.system import System
from tools.failure import ToolError, run_main, say
from tools.paths import BUILD, ROOT
from tools.replay import generated_market

RESULTS: Final = BUILD / "load" / "results.json"
RATE: Final = 100.0
DESKS: Final = 100
HALT_EVERY_S: Final = 5.0
STEPS: Final = tuple(range(25, 301, 25))
STEP_S: Final = 10.0
MOST_P99_MS: Final = 1000.0
BATCH: Final = 10
BAR_MS: Final = 60_000


class Field:
    """A running stack with desks that are opened as they are needed."""

    def __init__(self, system: System, probe: Probe) -> None:
        self._system = system
        self.probe = probe
        self._opened = 0

    def desks(self, count: int) -> tuple[str, ...]:
        """New ones, each with a price."""
        names = tuple(f"load-{self._opened + number}" for number in range(count))
        self._opened += count
        for name in names:
            open_desk(self.probe, name)
        return names

    def run(self, name: str, desks: int, rate: float, seconds: float) -> Run:
        """Plays a plan from another process."""
        plan = Plan(
            url=self._system.stack.url,
            trader=self._system.keys["trader"],
            admin=self._system.keys["admin"],
            instrument="bench:B000",
            desks=self.desks(desks),
            rate=rate,
            seconds=seconds,
            halt_every_s=min(HALT_EVERY_S, seconds / 2),
        )
        say(f"load: {name}: {rate:g} commands/s on {desks} desks for {seconds:g} s")
        command = [sys.executable, "-m", "bench.load.client"]
        done = subprocess.run(
            command, cwd=ROOT, input=plan.model_dump_json(), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise ToolError(f"the load generator failed: {done.stderr[-1000:]}")
        samples = [Sample.model_validate_json(line) for line in done.stdout.splitlines()]
        return Run.of(name, desks, rate, samples)


def open_desk(probe: Probe, desk: str) -> None:
    """One with the highest limits there are, and a price for every instrument."""
    instruments = [instrument(f"B{number:03d}") for number in range(BATCH + 1)]
    limits = {**LIMITS, "max_open_positions": 1000, "max_open_orders": 500, "max_orders_per_minute": 10_000}
    limits |= {"max_total_notional": "100000000", "max_data_age_ms": 3_600_000, "max_signal_age_bars": 1}
    body: dict[str, Any] = {"desk": desk, "mode": "paper", "venue": "bench", "interval_ms": BAR_MS, "currency": "USD"}
    body |= {"cash": "100000000", "limits": limits, "paper": PAPER, "instruments": instruments}
    probe.value("DESK", "open", body, desk)
    probe.value("DESK", "bars", {"candles": [candle(each["symbol"]) for each in instruments]}, desk)


@contextmanager
def proposing(probe: Probe, desk: str, found: list[float]) -> Iterator[None]:
    """A batch a second beside whatever else goes on, as the cron's scan sends it; milliseconds from when each was due."""
    stop = threading.Event()
    proposals = [proposal(f"B{number:03d}") for number in range(1, BATCH + 1)]

    def go_on() -> None:
        due = time.monotonic()
        while not stop.wait(max(0.0, due - time.monotonic())):
            # another attempt is another decision, if only a refusal: the first batch is held by then
            attempt = len(found) + 1
            body = json.dumps({"proposals": [{**each, "attempt": attempt} for each in proposals]})
            opened(probe.call("DESK", "propose", [[body]], desk)[1][0])
            found.append((time.monotonic() - due) * 1000)
            due += 1.0

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def one(field: Field, seconds: float) -> list[Run]:
    """A hundred commands a second on one desk, while another is sent proposals."""
    times: list[float] = []
    with proposing(field.probe, field.desks(1)[0], times):
        run = field.run("one desk", 1, RATE, seconds)
    say(f"load: {len(times)} batches of {BATCH} proposals beside it: p50 {percentile(times, 0.5):.0f} ms from when due")
    return [run]


def hundred(field: Field, seconds: float) -> list[Run]:
    """The same rate over a hundred desks at once."""
    return [field.run("100 desks", DESKS, RATE, seconds)]


def ceiling(field: Field, seconds: float) -> list[Run]:
    """Steps up on one new desk each, until p99 is above a second or something fails; the last one is that step."""
    runs = []
    for rate in STEPS:
        runs.append(field.run(f"step {rate}/s", 1, float(rate), min(seconds, STEP_S)))
        if runs[-1].p99_ms > MOST_P99_MS or runs[-1].errors:
            break
    return runs


PARTS: Final[dict[str, Callable[[Field, float], list[Run]]]] = {"one": one, "hundred": hundred, "ceiling": ceiling}


def main() -> int:
    """0, or 2 with `--strict` when the first two runs had errors."""
    parser = argparse.ArgumentParser(prog="make load", description=__doc__)
    parser.add_argument("--only", action="append", choices=list(PARTS), metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--seconds", type=float, default=60.0, help="of the first two runs (default: 60)")
    parser.add_argument("--strict", action="store_true", help="exit with 2 when a command failed in those")
    asked = parser.parse_args()
    runs: list[Run] = []
    with desk_on([generated_market(1)]) as (system, probe):
        field = Field(system, probe)
        field.run("warm-up", 1, 20.0, 5.0)
        for part in asked.only or PARTS:
            runs += PARTS[part](field, asked.seconds)
    show(runs)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps([run.wire() for run in runs], indent=1) + "\n")
    say(f"written to {RESULTS.relative_to(ROOT)}")
    errors = sum(run.errors for run in runs if not run.name.startswith("step"))
    return 2 if errors and asked.strict else 0


if __name__ == "__main__":
    run_main(main)
