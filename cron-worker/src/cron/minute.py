"""One tick of the minute trigger."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from cron import alerts, backtest_sweep, monitor, outbox, scan
from cron.context import Context, Ingested, Scanned
from cron.runner import Request, Run, run
from cron.table import AFTER, BESIDE, FIRST, PER_VENUE, Due, Job, Tick
from shared import log
from shared.errors import StorageUnavailable
from shared.model.ids import digest

_log = log.get("cron.minute")


async def minute(context: Context) -> dict[str, int]:
    """Runs what is due; runs by outcome, such as `{"done": 5}`. The same `now_ms` again runs nothing twice."""
    outcomes: dict[str, int] = {}
    beside = asyncio.create_task(_beside(context, outcomes))
    try:
        await _trading(context, outcomes)
    finally:
        await beside
    return outcomes


async def _beside(context: Context, outcomes: dict[str, int]) -> None:
    """What waits for other people's services, while the trading goes on."""
    try:
        if not await alerts.wanted(context):
            return
    except StorageUnavailable as error:
        _log.warning("alerts_unknown", extra={"detail": error.detail})
        return
    for job in BESIDE:
        _count(outcomes, await _inline(context, job, Due("")))


async def _trading(context: Context, outcomes: dict[str, int]) -> None:
    tick = Tick(context.now_ms, context.settings)
    for job in FIRST:
        for due in job.due(tick):
            first = await _inline(context, job, due)
            _count(outcomes, first)
            if first.state == "not_started":
                await monitor.beat(context)
    for venue in sorted(context.settings.VENUES):
        await _venue(context, venue, tick, outcomes)
    sent = [await outbox.send(context, job.name, due.scope, due.key) for job in AFTER for due in job.due(tick)]
    sent.append(await backtest_sweep.ask(context))
    resent = await outbox.resend(context) if tick.hourly else 0
    if queued := sum(sent) + resent:
        outcomes["queued"] = queued


async def _venue(context: Context, venue: str, tick: Tick, outcomes: dict[str, int]) -> None:
    ingest, scan_job = PER_VENUE
    brought = await _inline(context, ingest, Due(venue))
    _count(outcomes, brought)
    if brought.state in {"busy", "not_started"}:
        # Another run is bringing the bars, and scans them; or D1 is down, and nothing can be scanned.
        return
    if brought.done and isinstance(brought.done.value, Ingested):
        tick.ingested[venue] = brought.done.value
    here = replace(context, ingested=tick.ingested)
    for due in scan_job.due(tick):
        if context.settings.DESKS[due.scope].venue == venue and await _wanted(here, due.scope):
            scanned = await _inline(here, scan_job, due)
            _count(outcomes, scanned)
            if scanned.done and isinstance(scanned.done.value, Scanned):
                tick.scanned[due.scope] = scanned.done.value


async def _wanted(context: Context, desk: str) -> bool:
    try:
        return await scan.wanted(context, desk)
    except StorageUnavailable as error:
        _log.warning("scan_unknown", extra={"desk": desk, "detail": error.detail})
        return False


async def _inline(context: Context, job: Job, due: Due) -> Run:
    request = Request(digest("run", job.name, due.scope, context.now_ms), job.name, due.scope, job.lease_s)
    try:
        return await run(context, request, job.work)
    except StorageUnavailable as error:
        # D1 cannot even record the run: the watermarks bring it back once it can.
        _log.error("job_not_started", extra={"job": job.name, "scope": due.scope, "detail": error.detail})
        return Run("not_started", error=error.detail)


def _count(outcomes: dict[str, int], finished: Run) -> None:
    outcomes[finished.state] = outcomes.get(finished.state, 0) + 1
