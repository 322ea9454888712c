"""Backtests that stand still are sent on, or given up; old ones are forgotten with their results."""

from __future__ import annotations

import json

from cron import backtest_rows, outbox
from cron.context import Context
from shared import log
from shared.archive import keys
from shared.errors import StorageUnavailable
from shared.ports import Statement

STILL_MS = 30 * 60_000
"""A run that neither began nor ended for that long is taken for lost, for it may stand in line behind others."""
IDLE_MS = 5 * 60_000
"""The same while no backtest is at work: longer than a message waits to be delivered again."""
GIVEN_UP_MS = 6 * 3_600_000
MAX_SENT = 100
MAX_OLD = 20
ROUNDS = 20
_log = log.get("cron.backtests")
_TOO_LONG = "SELECT id FROM backtests WHERE state IN ('queued', 'running') AND created_ms < ? LIMIT ?"
_STILL = (
    "WITH line AS (SELECT CASE WHEN EXISTS (SELECT 1 FROM leases WHERE name GLOB 'backtest:?*' AND until_ms > ?3)"
    " THEN ?1 ELSE ?2 END AS since),"
    " waiting AS (SELECT * FROM backtests, line WHERE state IN ('queued', 'running'))"
    " SELECT scope FROM (SELECT id AS scope FROM waiting WHERE state = 'queued' AND created_ms < since"
    " UNION ALL SELECT backtest || '/' || number FROM waiting JOIN backtest_runs ON backtest = id"
    " WHERE waiting.state = 'running' AND backtest_runs.state IN ('queued', 'running')"
    " AND max(waiting.started_ms, coalesce(backtest_runs.started_ms, 0)) < since"
    " UNION ALL SELECT id || '/1' FROM waiting WHERE state = 'running' AND done = runs AND started_ms < since)"
    " WHERE NOT EXISTS (SELECT 1 FROM leases WHERE name = 'backtest:' || scope AND until_ms > ?3) LIMIT ?4"
)
_OLD = "SELECT id, runs FROM backtests WHERE created_ms < ? ORDER BY created_ms LIMIT ?"
_FORGET_RUNS = "DELETE FROM backtest_runs WHERE backtest IN (SELECT value FROM json_each(?))"
_FORGET = "DELETE FROM backtests WHERE id IN (SELECT value FROM json_each(?))"


async def run(context: Context) -> dict[str, int]:
    """Sends again what stands still without a lease: not sent, not delivered, or its worker ended."""
    db, now_ms = context.ports.db, context.now_ms
    tired = await db.rows(_TOO_LONG, now_ms - GIVEN_UP_MS, MAX_OLD)
    words = (
        f"it was not done within {GIVEN_UP_MS // 3_600_000} hours; ask for a shorter span, fewer symbols or fewer runs"
    )
    for row in tired:
        await backtest_rows.fail(db, str(row["id"]), "gave_up", words, now_ms)
    sent = [await outbox.send(context, "backtest", scope, context.run) for scope in await _still(context, MAX_SENT)]
    return {"given_up": len(tired), "sent": sum(sent)}


async def ask(context: Context) -> bool:
    """Has the sweep run now, and not at the full hour only, where something stands still; whether it was asked for."""
    try:
        found = await _still(context, 1)
    except StorageUnavailable as error:
        _log.warning("lost_unknown", extra={"detail": error.detail})
        return False
    return bool(found) and await outbox.send(context, "backtest", "", f"idle {context.now_ms // IDLE_MS}")


async def _still(context: Context, limit: int) -> list[str]:
    now_ms = context.now_ms
    rows = await context.ports.db.rows(_STILL, now_ms - STILL_MS, now_ms - IDLE_MS, now_ms, limit)
    return [str(row["scope"]) for row in rows]


async def forget(context: Context, oldest_ms: int) -> int:
    """Deletes backtests that were asked for before `oldest_ms`; how many."""
    forgotten = 0
    for _ in range(ROUNDS):
        old = await context.ports.db.rows(_OLD, oldest_ms, MAX_OLD)
        if not old:
            break
        for row in old:
            # the objects before the rows that know their names
            await context.ports.store.delete(_objects(str(row["id"]), int(row["runs"])))
        ids = json.dumps([row["id"] for row in old])
        await context.ports.db.batch([Statement(_FORGET_RUNS, (ids,)), Statement(_FORGET, (ids,))])
        forgotten += len(old)
    return forgotten


def _objects(backtest: str, runs: int) -> list[str]:
    numbers = range(1, runs + 1)
    return [
        keys.backtest_key(backtest, "bars"),
        *(keys.backtest_key(backtest, str(number)) for number in numbers),
        *(keys.page_key(backtest, number) for number in numbers),
    ]
