"""Minute ticks on made-up symbols: bars a second, milliseconds of each job, operations, memory."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from bench.places import Probe, Vitals, generated
from tests.system import System
from tools.dev.player import CRON

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
HOUR_MS_NS = HOUR_MS * 1_000_000
AFTER_HOURLY_MS = 10 * MINUTE_MS
"""Behind the minute in which queued jobs are asked for again: some of these ticks would else count as all of them."""
WARM_TICKS = 3
MOST_HISTORY_TICKS = 30
"""A tick takes only so much history: many symbols bring theirs over several."""
SPACED_S = 1.2
"""A book tells its desks at most once a second: closer ticks would count fewer calls than minutes apart make."""
IDLE_S = 11.0
SETTLE_S = 2.0
CALM_S = 5.0

_JOBS = "SELECT job, started_ms, ended_ms, counts, operations FROM job_runs WHERE started_ms >= ? ORDER BY started_ms"


@dataclass
class Ticks:
    """What so many ticks on so many symbols came to, after the first one, which brings the history."""

    symbols: int
    first_s: float = 0.0
    first_bars: int = 0
    walls_ms: list[float] = field(default_factory=list)
    jobs_ms: dict[str, list[float]] = field(default_factory=dict)
    # by the run of a job that called the platform most often
    most_calls: int = 0
    per_tick: dict[str, float] = field(default_factory=dict)
    per_second: dict[str, float] = field(default_factory=dict)
    cpu_ms: float = 0.0
    idle_cpu_ms: float = 0.0
    heaps: dict[str, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Ticks measured."""
        return len(self.walls_ms)

    def job_ms(self, job: str) -> float:
        """Median of a job's runs."""
        return median(self.jobs_ms.get(job, [0.0]))


def play(symbols: int, ticks: int, idle_s: float = IDLE_S) -> Ticks:
    """Starts a desk on so many symbols and plays so many minutes; a minute of the trigger's time passes at each.

    Then it looks on for `idle_s`, to tell a tick's own operations from those that pass with time; with 0 it does not.
    """
    with generated(symbols) as (system, probe):
        found = Ticks(symbols)
        trigger_ms = time.time_ns() // HOUR_MS_NS * HOUR_MS + AFTER_HOURLY_MS
        began = time.monotonic()
        fire(system, trigger_ms)
        found.first_s = time.monotonic() - began
        found.first_bars = sum(run["bars"] for run in counts(system, 0, "ingest"))
        warm = 0
        while not caught_up(system) and warm < MOST_HISTORY_TICKS:
            warm += 1
            minute(system, trigger_ms + warm * MINUTE_MS)
        for _ in range(WARM_TICKS):
            warm += 1
            minute(system, trigger_ms + warm * MINUTE_MS)
        started_ms = time.time_ns() // 1_000_000
        before, cpu, clock = operations(probe.vitals()), workerd_cpu_ms(system.stack.pid), time.monotonic()
        for number in range(ticks):
            found.walls_ms.append(minute(system, trigger_ms + (1 + warm + number) * MINUTE_MS) * 1000)
        time.sleep(SETTLE_S)
        vitals, passed = probe.vitals(), time.monotonic() - clock
        cpu = workerd_cpu_ms(system.stack.pid) - cpu
        if idle_s:
            idle(system, probe, found, idle_s)
        spread(found, operations(vitals) - before, passed, cpu)
        found.heaps = {worker: each.heap_bytes for worker, each in vitals.items()}
        read_jobs(system, started_ms, found)
        return found


def caught_up(system: System) -> bool:
    """Whether the scan has had the history."""
    return any(run["steps"] for run in counts(system, 0, "scan"))


def fire(system: System, trigger_ms: int) -> None:
    """One bar closes, and the trigger fires with this time."""
    for venue in system.player.venues:
        system.replay.step(venue)
    system.stack.scheduled("cron", CRON, trigger_ms)


def minute(system: System, trigger_ms: int) -> float:
    """A tick, and what is left of its share of time; seconds that the tick took."""
    began = time.monotonic()
    fire(system, trigger_ms)
    took = time.monotonic() - began
    time.sleep(max(0.0, SPACED_S - took))
    return took


def idle(system: System, probe: Probe, found: Ticks, idle_s: float) -> None:
    """What passes each second while no bar closes: the feed's heartbeats, the books' alarms."""
    time.sleep(CALM_S)  # what the last tick set going has ended
    before, cpu, clock = operations(probe.vitals()), workerd_cpu_ms(system.stack.pid), time.monotonic()
    time.sleep(idle_s)
    rise = operations(probe.vitals()) - before
    passed = time.monotonic() - clock
    found.per_second = {name: n / passed for name, n in rise.items()}
    found.idle_cpu_ms = (workerd_cpu_ms(system.stack.pid) - cpu) / passed


def spread(found: Ticks, rise: Counter[str], passed_s: float, cpu_ms: float) -> None:
    """What is a tick's own: all that was counted without what would have passed in that time anyway."""
    own = {name: (n - found.per_second.get(name, 0.0) * passed_s) / found.count for name, n in rise.items()}
    found.per_tick = {name: max(0.0, n) for name, n in own.items()}
    found.cpu_ms = max(0.0, cpu_ms - found.idle_cpu_ms * passed_s) / found.count


def operations(vitals: Mapping[str, Vitals]) -> Counter[str]:
    """Of all workers and objects together."""
    total: Counter[str] = Counter()
    for each in vitals.values():
        total.update(each.operations)
    return total


def counts(system: System, since_ms: int, job: str) -> list[dict[str, int]]:
    """What the runs of a job have counted."""
    rows = system.stack.d1(_JOBS, [since_ms])
    return [json.loads(row["counts"]) for row in rows if row["job"] == job and row["counts"]]


def read_jobs(system: System, since_ms: int, found: Ticks) -> None:
    """How long each job took."""
    for row in system.stack.d1(_JOBS, [since_ms]):
        if row["ended_ms"]:
            found.jobs_ms.setdefault(row["job"], []).append(row["ended_ms"] - row["started_ms"])
        if row["operations"]:
            found.most_calls = max(found.most_calls, calls(json.loads(row["operations"])))


def calls(counted: Mapping[str, int]) -> int:
    """How often a run has called the platform: rows are not calls."""
    return sum(n for name, n in counted.items() if "rows" not in name)


def workerd_cpu_ms(group: int) -> float:
    """CPU time of the workerd in a process group: all workers and objects, and the local D1, KV, R2 with them."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, rest = stat.read_text().rsplit(")", 1)
        except OSError:  # it ended meanwhile
            continue
        fields = rest.split()
        if int(fields[2]) == group and name.endswith("(workerd"):
            ticks += int(fields[11]) + int(fields[12])
    return ticks * 1000 / os.sysconf("SC_CLK_TCK")
