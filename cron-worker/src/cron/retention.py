"""Job `retention`: deletes old job runs, idempotency rows and leases, in bounded batches."""

from __future__ import annotations

from cron.context import Context, Done
from shared.ports import Statement

DAY_MS = 86_400_000
ROWS = 500
ROUNDS = 20
_DELETES = {
    "job_runs": "DELETE FROM job_runs WHERE rowid IN (SELECT rowid FROM job_runs WHERE queued_ms < ? LIMIT ?)",
    "idempotency": (
        "DELETE FROM idempotency WHERE (caller, key) IN"
        " (SELECT caller, key FROM idempotency WHERE created_ms < ? LIMIT ?)"
    ),
    "leases": "DELETE FROM leases WHERE name IN (SELECT name FROM leases WHERE until_ms < ? LIMIT ?)",
}


async def run(context: Context) -> Done:
    """Rows older than RETENTION_DAYS; at most 10,000 of each table a run, the rest is the next day's."""
    oldest_ms = context.now_ms - context.settings.RETENTION_DAYS * DAY_MS
    counts = dict.fromkeys(_DELETES, 0)
    for _ in range(ROUNDS):
        changes = await context.ports.db.batch([Statement(sql, (oldest_ms, ROWS)) for sql in _DELETES.values()])
        for table, rows in zip(_DELETES, changes, strict=True):
            counts[table] += rows
        if not any(rows == ROWS for rows in changes):
            break
    return Done(counts)
