"""Job `compact`: a past market day's (or month's) objects become one, those of the present one fewer. Scope: a venue."""

from __future__ import annotations

from cron.context import Context, Done
from shared.archive import compact as archive
from shared.archive import keys
from shared.model.ids import digest

MAX_STEPS = 2
"""Each step is up to 240 reads: two stay inside an invocation's 1,000 operations."""
_NEWEST = "SELECT max(open_time_ms) AS newest FROM watermarks WHERE venue = ? AND interval = ?"


async def run(context: Context) -> Done:
    """Compacts the oldest units first, then the one that still grows; what is left, it asks itself for once more."""
    venue, ports = context.scope, context.ports
    interval = context.venue(venue).interval
    counts = {"steps": 0, "merged": 0, "rows_read": 0, "rows_kept": 0, "swept": 0, "more": 0}
    newest = (await ports.db.rows(_NEWEST, venue, interval.value))[0]["newest"]
    if newest is None:
        return Done(counts)
    today = keys.day_of(int(newest))
    for _ in range(MAX_STEPS):
        units = await archive.units(ports.db, venue, interval, today, 1)
        unit, work = (units[0], archive.compact) if units else (keys.unit_of(today, interval), archive.gather)
        part = digest("part", context.run, counts["steps"])
        step = await work(ports.db, ports.store, venue, interval, unit, part, context.now_ms)
        if not units and not step.merged:
            return Done(counts)
        counts["steps"] += 1
        for name in ("merged", "rows_read", "rows_kept", "swept"):
            counts[name] += getattr(step, name)
    counts["more"] = len(await archive.units(ports.db, venue, interval, today, 1))
    if counts["more"]:
        again = {"v": 1, "id": digest("again", context.run), "job": "compact", "scope": venue}
        await ports.queue.send({**again, "requested_by": "cron", "queued_ms": context.now_ms})
    return Done(counts)
