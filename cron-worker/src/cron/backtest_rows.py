"""Where backtests stand in D1. Every change is guarded by the state it starts from, so that the same one twice is one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from cron import outbox
from shared.backtest import BacktestOrder
from shared.log import redact
from shared.ports import Database, Statement

OVER = ("done", "refused", "failed", "cancelled")
MAX_ERROR = 500
_ORDER = "SELECT request, state FROM backtests WHERE id = ?"
_RUN = "SELECT params, state FROM backtest_runs WHERE backtest = ? AND number = ?"
_GATHERED = "UPDATE backtests SET state = 'running', started_ms = ? WHERE id = ? AND state = 'queued'"
_WAITING = "SELECT number FROM backtest_runs WHERE backtest = ? AND state = 'queued' ORDER BY number"
_QUEUE = (
    "INSERT INTO job_runs (id, job, scope, state, requested_by, queued_ms) SELECT json_extract(value, '$[0]'),"
    " 'backtest', json_extract(value, '$[1]'), 'queued', 'cron', ?1 FROM json_each(?2)"
    " WHERE EXISTS (SELECT 1 FROM backtests WHERE id = ?3 AND state = 'running') ON CONFLICT (id) DO NOTHING"
)
_BEGIN = (
    "UPDATE backtest_runs SET state = 'running', started_ms = ? WHERE backtest = ? AND number = ?"
    " AND state IN ('queued', 'running')"
)
_END = (
    "UPDATE backtest_runs SET state = ?, score = ?, summary = ?, code = ?, error = ?, ended_ms = ?"
    " WHERE backtest = ? AND number = ? AND state IN ('queued', 'running')"
)
_COUNT = (
    "UPDATE backtests SET done = (SELECT count(*) FROM backtest_runs WHERE backtest = ?1"
    " AND state IN ('done', 'refused', 'failed', 'cancelled')) WHERE id = ?1"
)
_FAIL_RUNS = (
    "UPDATE backtest_runs SET state = 'failed', code = ?, error = ?, ended_ms = ? WHERE backtest = ?"
    " AND state IN ('queued', 'running')"
)
_END_ALL = (
    "UPDATE backtests SET state = ?, best = ?, verdict = ?, code = ?, error = ?, ended_ms = ? WHERE id = ?"
    " AND state IN ('queued', 'running')"
)
_LEFT = "SELECT state, runs - done AS left FROM backtests WHERE id = ?"
_RANKED = (
    "SELECT number, state, score, code, error, json_extract(summary, '$.moments') AS moments FROM backtest_runs"
    " WHERE backtest = ? ORDER BY score IS NULL, score DESC, number"
)


class Ending(NamedTuple):
    """How a run ended."""

    state: str
    score: float | None = None
    summary: Mapping[str, Any] | None = None
    code: str | None = None
    error: str | None = None


class Known(NamedTuple):
    """A backtest, and one of its runs where one was asked for."""

    order: BacktestOrder
    state: str
    params: dict[str, Any]
    run_state: str


async def known(db: Database, backtest: str, number: int = 0) -> Known | None:
    """None for one that is gone, or never was."""
    orders, runs = await db.read([Statement(_ORDER, (backtest,)), Statement(_RUN, (backtest, number))])
    if not orders or (number and not runs):
        return None
    params, state = (json.loads(runs[0]["params"]), str(runs[0]["state"])) if runs else ({}, "")
    return Known(BacktestOrder.parse(orders[0]["request"]), str(orders[0]["state"]), params, state)


async def gathered(db: Database, backtest: str, now_ms: int) -> None:
    """Its bars are there."""
    await db.batch([Statement(_GATHERED, (now_ms, backtest))])


async def queue(db: Database, backtest: str, now_ms: int) -> list[dict[str, Any]]:
    """Messages for the runs that wait, each of which stands in `job_runs` now, and is sent again from there if lost."""
    waiting = await db.rows(_WAITING, backtest)
    scopes = [f"{backtest}/{row['number']}" for row in waiting]
    ids = [outbox.message_id("backtest", scope) for scope in scopes]
    body = json.dumps(list(zip(ids, scopes, strict=True)))
    await db.batch([Statement(_QUEUE, (now_ms, body, backtest))])
    about = {"v": 1, "job": "backtest", "requested_by": "cron", "queued_ms": now_ms}
    return [{**about, "id": run, "scope": scope} for run, scope in zip(ids, scopes, strict=True)]


async def begin(db: Database, backtest: str, number: int, now_ms: int) -> bool:
    """Whether the run may go on: not where it was cancelled meanwhile."""
    return (await db.batch([Statement(_BEGIN, (now_ms, backtest, number))]))[0] > 0


async def end(db: Database, backtest: str, number: int, ending: Ending, now_ms: int) -> bool:
    """Whether this ended the run: not where it was cancelled, or is over already."""
    summary = None if ending.summary is None else json.dumps(ending.summary, separators=(",", ":"))
    error = ending.error and _told(ending.error)
    params = (ending.state, ending.score, summary, ending.code, error, now_ms, backtest, number)
    return (await db.batch([Statement(_END, params), Statement(_COUNT, (backtest,))]))[0] > 0


async def fail(db: Database, backtest: str, code: str, error: str, now_ms: int) -> None:
    """The whole backtest, and every run of it that is not over."""
    ended = Statement(_END_ALL, ("failed", None, None, code, _told(error), now_ms, backtest))
    runs = Statement(_FAIL_RUNS, (code, _told(error), now_ms, backtest))
    await db.batch([ended, runs, Statement(_COUNT, (backtest,))])


async def ranked(db: Database, backtest: str) -> list[dict[str, Any]]:
    """All its runs, the best first, once every one is over; until then, and once it has its verdict, none."""
    standing, runs = await db.read([Statement(_LEFT, (backtest,)), Statement(_RANKED, (backtest,))])
    waited_for = bool(standing) and standing[0]["state"] == "running" and not standing[0]["left"]
    return runs if waited_for else []


async def close(
    db: Database, backtest: str, state: str, best: int | None, verdict: Mapping[str, Any], why: Ending, now_ms: int
) -> None:
    """The verdict, once."""
    params = (state, best, json.dumps(verdict, separators=(",", ":")), why.code, why.error, now_ms, backtest)
    await db.batch([Statement(_END_ALL, params)])


def _told(error: str) -> str:
    return redact(error)[:MAX_ERROR]
