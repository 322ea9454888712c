"""Backtests that stand still are sent on, or given up; old ones are forgotten with their results."""

from __future__ import annotations

import json

from cron import backtest_rows, outbox
from cron.context import Context
from shared.archive import keys
from shared.ports import Statement

STILL_MS = 30 * 60_000
"""A run that neither began nor ended for that long is taken for lost."""
GIVEN_UP_MS = 6 * 3_600_000
MAX_SENT = 100
MAX_OLD = 20
ROUNDS = 20
_TOO_LONG = "SELECT id FROM backtests WHERE state IN ('queued', 'running') AND created_ms < ? LIMIT ?"
_STILL = (
    "WITH waiting AS (SELECT * FROM backtests WHERE state IN ('queued', 'running'))"
    " SELECT scope FROM (SELECT id AS scope FROM waiting WHERE state = 'queued' AND created_ms < ?1"
    " UNION ALL SELECT backtest || '/' || number FROM waiting JOIN backtest_runs ON backtest = id"
    " WHERE waiting.state = 'running' AND backtest_runs.state IN ('queued', 'running')"
    " AND max(waiting.started_ms, coalesce(backtest_runs.started_ms, 0)) < ?1"
    " UNION ALL SELECT id || '/1' FROM waiting WHERE state = 'running' AND done = runs AND started_ms < ?1)"
    " WHERE NOT EXISTS (SELECT 1 FROM leases WHERE name = 'backtest:' || scope AND until_ms > ?2) LIMIT ?3"
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
    still = await db.rows(_STILL, now_ms - STILL_MS, now_ms, MAX_SENT)
    sent = [await outbox.send(context, "backtest", str(row["scope"]), context.run) for row in still]
    return {"given_up": len(tired), "sent": sum(sent)}


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
