"""The one table of jobs: what runs, how, under which lease, and when. docs/jobs.md says it in words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from cron import alerts, backtest, compact, ingest, monitor, report, retention, scan
from cron.context import Context, Done, Ingested, Scanned
from shared.archive import keys
from shared.config import CronSettings
from shared.model import Interval

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
HOURLY_AT_MS = 7 * MINUTE_MS
"""Seven minutes past: what a lost tick or message left undone is asked for again."""
MAX_REPORTS = 20
"""Sent at once for one desk; after a long outage the others follow hour by hour."""


@dataclass
class Tick:
    """What one minute has brought so far."""

    now_ms: int
    settings: CronSettings
    ingested: dict[str, Ingested] = field(default_factory=dict)
    scanned: dict[str, Scanned] = field(default_factory=dict)

    @property
    def hourly(self) -> bool:
        """Whether it is the minute in which lost work is asked for again."""
        return self.now_ms % HOUR_MS // MINUTE_MS == HOURLY_AT_MS // MINUTE_MS


class Due(NamedTuple):
    """A run that is due. A queued one is sent once for each `key`, however many ticks ask for it."""

    scope: str
    key: str = ""


class Job(NamedTuple):
    """`due`: for which scopes a tick calls for it. `scopes`: what a message without a scope stands for.

    `own_scopes`: the pattern of its scopes, where they are not what is configured.
    """

    name: str
    lease_s: int
    work: Callable[[Context], Awaitable[Done]]
    due: Callable[[Tick], list[Due]]
    scopes: Callable[[CronSettings], Sequence[str]]
    queued: bool = False
    own_scopes: str = ""


def no_scope(_: CronSettings) -> Sequence[str]:
    """The job runs once, for everything."""
    return ("",)


def venues(settings: CronSettings) -> Sequence[str]:
    """The job runs for each venue."""
    return sorted(settings.VENUES)


def desks(settings: CronSettings) -> Sequence[str]:
    """The job runs for each desk."""
    return sorted(settings.DESKS)


def every_tick(_: Tick) -> list[Due]:
    """Each minute."""
    return [Due("")]


def every_venue(tick: Tick) -> list[Due]:
    """Each minute, each venue."""
    return [Due(venue) for venue in venues(tick.settings)]


def every_desk(tick: Tick) -> list[Due]:
    """Each minute, each desk; `minute` leaves out those for which nothing closed."""
    return [Due(desk) for desk in desks(tick.settings)]


def turned_days(tick: Tick) -> list[Due]:
    """Each desk's market days that ended in this tick; those of a run that failed half-way stand in D1 to be resent."""
    ended = sorted(tick.scanned.items())
    return [Due(f"{desk}/{day}") for desk, scanned in ended for day in scanned.days[-MAX_REPORTS:]]


def turned_units(tick: Tick) -> list[Due]:
    """Venues that began a new unit of compaction, and once an hour those that have bars at all."""
    due = []
    for venue, ingested in sorted(tick.ingested.items()):
        interval = tick.settings.VENUES[venue].interval
        unit, before = newest_unit(ingested.marks, interval), newest_unit(ingested.before, interval)
        if before and unit != before:
            due.append(Due(venue, unit))
        elif unit and tick.hourly:
            due.append(Due(venue, f"{unit}@{tick.now_ms // HOUR_MS}"))
    return due


def newest_unit(marks: Mapping[str, int], interval: Interval) -> str:
    """The unit of compaction that is still growing; empty before the first bar."""
    newest = max(marks.values(), default=None)
    return "" if newest is None else keys.unit_of(keys.day_of(newest), interval)


def hourly(tick: Tick) -> list[Due]:
    """In the minute in which lost work is asked for again."""
    return [Due("", str(tick.now_ms // HOUR_MS))] if tick.hourly else []


def daily(tick: Tick) -> list[Due]:
    """Once a day of wall time, asked for every hour until it is done."""
    return [Due("", keys.day_of(tick.now_ms))] if tick.hourly else []


BESIDE = (Job("alerts", 300, alerts.run, every_tick, no_scope),)
"""Beside all the others, so that a channel that hangs holds up no trading; only when something is due."""
FIRST = (Job("monitor", 120, monitor.run, every_tick, no_scope),)
"""Before bars arrive: a desk that is not open cannot take them."""
PER_VENUE = (
    Job("ingest", 300, ingest.run, every_venue, venues),
    Job("scan", 300, scan.run, every_desk, desks),
)
"""One venue after the other, each followed by the desks that trade it."""
AFTER = (
    Job("report", 120, report.run, turned_days, desks, queued=True),
    Job("compact", 600, compact.run, turned_units, venues, queued=True),
    Job("retention", 120, retention.run, daily, no_scope, queued=True),
    Job("backtest", 300, backtest.run, hourly, no_scope, queued=True, own_scopes=backtest.SCOPES),
)
JOBS = (*BESIDE, *FIRST, *PER_VENUE, *AFTER)
BY_NAME = {job.name: job for job in JOBS}
