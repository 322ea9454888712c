"""Job `retention`: deletes what nobody asks for any more, in bounded batches. What the desk did stays for good."""

from __future__ import annotations

from cron import backtest_sweep
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
    "signals": (
        "DELETE FROM signals WHERE rowid IN"
        " (SELECT rowid FROM signals WHERE created_ms < ? AND outcome <> 'pending' LIMIT ?)"
    ),
    "gaps": (
        "DELETE FROM gaps WHERE (venue, symbol, interval, from_ms) IN (SELECT venue, symbol, interval, from_ms"
        " FROM gaps WHERE updated_ms < ? AND state <> 'open' LIMIT ?)"
    ),
    "alert_attempts": (
        "DELETE FROM alert_attempts WHERE rowid IN (SELECT rowid FROM alert_attempts WHERE at_ms < ? LIMIT ?)"
    ),
    "alerts": (
        "DELETE FROM alerts WHERE rowid IN (SELECT rowid FROM alerts WHERE at_ms < ? AND due_ms IS NULL LIMIT ?)"
    ),
    # Of each market day the last point stays; the close at midnight belongs to the day that it ends.
    "equity": (
        "DELETE FROM equity WHERE (desk, market_ms) IN (SELECT desk, market_ms FROM equity AS point WHERE at_ms < ?"
        " AND EXISTS (SELECT 1 FROM equity AS later WHERE later.desk = point.desk AND later.market_ms > point.market_ms"
        f" AND later.market_ms <= ((point.market_ms - 1) / {DAY_MS} + 1) * {DAY_MS}) LIMIT ?)"
    ),
}


async def run(context: Context) -> Done:
    """Rows older than RETENTION_DAYS; at most 10,000 of each table a run, the rest is the next day's. Backtests go
    with their results."""
    oldest_ms = context.now_ms - context.settings.RETENTION_DAYS * DAY_MS
    counts = dict.fromkeys(_DELETES, 0)
    for _ in range(ROUNDS):
        changes = await context.ports.db.batch([Statement(sql, (oldest_ms, ROWS)) for sql in _DELETES.values()])
        for table, rows in zip(_DELETES, changes, strict=True):
            counts[table] += rows
        if not any(rows == ROWS for rows in changes):
            break
    counts["backtests"] = await backtest_sweep.forget(context, oldest_ms)
    return Done(counts)
