"""Simulate the desk: core, shell, venue, storage, D1 and clock driven by one seed, with faults and crashes at every step.

Each seed is one run of 30 to 80 steps in simulated time; after each step the rules of docs/reliability.md are checked. A seed
that breaks one is shrunk to the fewest steps and faults, its trace is printed, and the exit code is 1. The same seed is always
the same run.
"""

import argparse
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from shared.desk.equity_breaker import UNKNOWN_EQUITY
from shared.desk.events import KINDS as EVENTS
from shared.desk.protection import Protection
from shared.desk.registry import PROTECTIONS
from tests.simulation.faults import KINDS as FAULTS
from tests.simulation.run import Outcome, Plan, simulate
from tests.simulation.shrink import shrunk
from tools.failure import ToolError, run_main, say

AT_ONCE = 25
MOST_FAILURES = 5


@dataclass
class Tally:
    """What many runs came to."""

    runs: int = 0
    lives: int = 0
    events: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    failed: list[int] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        self.runs += 1
        self.lives += outcome.lives
        self.events += outcome.events
        self.faults.update(outcome.faults)
        self.kinds.update(outcome.kinds)
        self.codes.update(outcome.codes)
        if outcome.wrongs:
            self.failed.append(outcome.plan.seed)

    def merge(self, other: "Tally") -> None:
        self.runs += other.runs
        self.lives += other.lives
        self.events += other.events
        self.faults.update(other.faults)
        self.kinds.update(other.kinds)
        self.codes.update(other.codes)
        self.failed += other.failed


def some(first: int, count: int) -> Tally:
    """Runs `count` seeds; in a process of its own."""
    tally = Tally()
    for seed in range(first, first + count):
        tally.add(simulate(Plan.of(seed)))
    return tally


def many(first: int, seeds: int, jobs: int) -> Tally:
    """Runs all seeds with a bar; gives up after a few that fail."""
    tally = Tally()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[speed]:.0f} seeds/s"),
        TimeRemainingColumn(),
    )
    started = time.monotonic()
    context = multiprocessing.get_context("spawn")
    with (
        Progress(*columns, console=Console(stderr=True)) as bar,
        ProcessPoolExecutor(jobs, mp_context=context) as pool,
    ):
        task = bar.add_task("simulating", total=seeds, speed=0.0)
        pieces: list[Future[Tally]] = [
            pool.submit(some, at, min(AT_ONCE, first + seeds - at)) for at in range(first, first + seeds, AT_ONCE)
        ]
        for piece in as_completed(pieces):
            if piece.cancelled():
                continue
            tally.merge(piece.result())
            speed = tally.runs / (time.monotonic() - started)
            bar.update(task, completed=tally.runs, speed=speed)
            if len(tally.failed) >= MOST_FAILURES:
                pool.shutdown(cancel_futures=True)
                break
    return tally


def tables(tally: Tally) -> Iterator[Table]:
    """Faults by kind, how often each protection spoke, and how often each kind of event was in a log."""
    faults = Table(title="faults injected", title_justify="left")
    faults.add_column("kind")
    faults.add_column("count", justify="right")
    faults.add_column("what goes wrong")
    for kind, meaning in FAULTS.items():
        faults.add_row(kind, f"{tally.faults[kind]:,}", meaning, style="" if tally.faults[kind] else "yellow")
    yield faults
    spoke = Table(title="what the protections refused or stopped with", title_justify="left")
    spoke.add_column("protection")
    spoke.add_column("code")
    spoke.add_column("count", justify="right")
    for name, protection in PROTECTIONS.items():
        for code in dict.fromkeys((*protection.refusals, *_stops(protection))):
            spoke.add_row(name, code, f"{tally.codes[code]:,}", style="" if tally.codes[code] else "yellow")
    yield spoke
    events = Table(title="events in the logs", title_justify="left")
    events.add_column("kind")
    events.add_column("count", justify="right")
    for kind in EVENTS:
        events.add_row(kind, f"{tally.kinds[kind]:,}", style="" if tally.kinds[kind] else "yellow")
    yield events


def _stops(protection: type[Protection]) -> tuple[str, ...]:
    """The codes of its own: that equity is unknown is said by several."""
    return tuple(code for code in protection.findings if code != UNKNOWN_EQUITY)


def explain(outcome: Outcome) -> None:
    """The trace of a run, and what was wrong in it."""
    for line in outcome.trace:
        say(line)
    say(f"seed {outcome.plan.seed}, {len(outcome.plan.steps)} steps: {outcome.wrongs or 'every rule held'}")


def replay(seed: int, shrink: bool) -> int:
    """Runs one seed and shows it; whether it failed."""
    outcome = simulate(Plan.of(seed), traced=True)
    if outcome.wrongs and shrink:
        outcome = shrunk(outcome)
    explain(outcome)
    return 1 if outcome.wrongs else 0


def count(name: str, default: int, least: int) -> int:
    """A whole number from the environment."""
    text = os.environ.get(name) or str(default)
    if not text.isdecimal() or int(text) < least:
        raise ToolError(f"{name}: {text!r} must be a whole number of at least {least}")
    return int(text)


def main() -> int:
    """Run many seeds, or show one."""
    parser = argparse.ArgumentParser(prog="python -m tools.simulate", description=__doc__)
    parser.add_argument("--seeds", type=int, default=count("SEEDS", 20_000, 1), help="how many (SEEDS; default 20,000)")
    parser.add_argument("--first", type=int, default=count("FIRST", 0, 0), help="the first one (FIRST; default 0)")
    parser.add_argument("--jobs", type=int, default=count("JOBS", 2, 1), help="processes (JOBS; default 2)")
    parser.add_argument("--seed", type=int, help="run only this one, and print its trace")
    parser.add_argument("--whole", action="store_true", help="do not shrink a run that fails")
    asked = parser.parse_args()
    if asked.seed is not None:
        return replay(asked.seed, not asked.whole)
    started = time.monotonic()
    tally = many(asked.first, asked.seeds, asked.jobs)
    seconds = time.monotonic() - started
    for table in tables(tally):
        Console().print(table)
    say(
        f"{tally.runs:,} seeds in {seconds:.0f} s ({tally.runs / seconds:.0f} seeds/s), {tally.lives:,} lives, "
        f"{tally.events:,} events, {tally.faults.total():,} faults, {len(tally.failed)} failed"
    )
    for seed in sorted(tally.failed)[:1]:
        replay(seed, not asked.whole)
    if tally.failed:
        say(f"failed: {sorted(tally.failed)}; one again: python -m tools.simulate --seed N")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    run_main(main)
