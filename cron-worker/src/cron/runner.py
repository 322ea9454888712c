"""Runs one job under its lease and records the run: started, ended, counts, operations, error."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

from cron.context import Context, Done
from shared import log
from shared.errors import DeskError, Retryable, StorageUnavailable
from shared.ports import Statement

MAX_ERROR = 2000
_log = log.get("cron")

_LEASE = (
    "INSERT INTO leases (name, holder, until_ms) SELECT ?1, ?2, ?3 WHERE NOT EXISTS"
    " (SELECT 1 FROM job_runs WHERE id = ?4 AND state IN ('done', 'failed', 'skipped')) ON CONFLICT (name) DO UPDATE"
    " SET holder = excluded.holder, until_ms = excluded.until_ms WHERE leases.until_ms <= ?5"
)
_ABANDONED = (
    "UPDATE job_runs SET state = 'failed', error = 'abandoned', ended_ms = ? WHERE job = ? AND scope = ?"
    " AND state = 'running' AND id <> ? AND EXISTS (SELECT 1 FROM leases WHERE name = ? AND holder = ?)"
)
_START = (
    "INSERT INTO job_runs (id, job, scope, state, requested_by, queued_ms, started_ms)"
    " SELECT ?, ?, ?, 'running', ?, ?, ? WHERE EXISTS (SELECT 1 FROM leases WHERE name = ? AND holder = ?)"
    " ON CONFLICT (id) DO UPDATE SET state = 'running', started_ms = excluded.started_ms, error = NULL"
)
_SKIP = (
    "INSERT INTO job_runs (id, job, scope, state, requested_by, queued_ms, started_ms, ended_ms)"
    " SELECT ?, ?, ?, 'skipped', ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM leases WHERE name = ? AND holder = ?)"
    " ON CONFLICT (id) DO NOTHING"
)
_END = (
    "UPDATE job_runs SET state = ?, ended_ms = ?, counts = ?, operations = ?, error = ? WHERE id = ?"
    " AND state = 'running' AND EXISTS (SELECT 1 FROM leases WHERE name = ? AND holder = ?)"
)
_RELEASE = "DELETE FROM leases WHERE name = ? AND holder = ?"


class Request(NamedTuple):
    """Which run: its id is the same however often the same trigger or message arrives."""

    id: str
    job: str
    scope: str
    lease_s: int
    requested_by: str = "cron"
    queued_ms: int = 0
    skip_when_busy: bool = True
    """A tick that comes too early is skipped; a message waits for its turn."""


class Run(NamedTuple):
    """`state`: done, failed, retry (failed for now: the platform or a venue), busy (another run holds the lease, or
    the same one is over already).
    """

    state: str
    done: Done | None = None
    error: str = ""


async def run(context: Context, request: Request, work: Callable[[Context], Awaitable[Done]]) -> Run:
    """One run of `work`. Failures of the job come back as a `Run`; only a D1 that cannot record raises."""
    ports = context.ports
    with ports.counting() as operations:
        holder = f"{request.id}:{ports.token()}"
        if not await _start(context, request, holder):
            return Run("busy")
        context = replace(context, scope=request.scope, run=request.id)
        finished = await _guarded(context, request, work)
        # it is stored, and told to whoever reads the runs
        finished = finished._replace(error=log.redact(finished.error))
        await _finish(context, request, holder, finished, operations)
    return finished


async def _start(context: Context, request: Request, holder: str) -> bool:
    now_ms = context.ports.clock.now_ms()
    name = lease_name(request)
    held = (name, holder)
    ids = (request.id, request.job, request.scope)
    by = (request.requested_by, request.queued_ms or now_ms, now_ms)
    until_ms = now_ms + request.lease_s * 1000
    statements = [
        Statement(_LEASE, (name, holder, until_ms, request.id, now_ms)),
        Statement(_ABANDONED, (now_ms, request.job, request.scope, request.id, *held)),
        Statement(_START, (*ids, *by, *held)),
    ]
    if request.skip_when_busy:
        statements.append(Statement(_SKIP, (*ids, *by, now_ms, *held)))
    changes = await context.ports.db.batch(statements)
    if changes[1]:
        _log.error("job_abandoned", extra={"job": request.job, "scope": request.scope, "runs": changes[1]})
    return changes[2] > 0


async def _guarded(context: Context, request: Request, work: Callable[[Context], Awaitable[Done]]) -> Run:
    about = {"job": request.job, "scope": request.scope, "run": request.id}
    try:
        # Past its lease another run may start: this one must be over by then.
        async with asyncio.timeout(request.lease_s):
            done = await work(context)
    except TimeoutError:
        _log.error("job_timeout", extra=about)
        return Run("retry", error=f"not done within its lease of {request.lease_s} s")
    except Retryable as error:
        _log.warning("job_retryable", extra={**about, "code": error.error_code, "detail": error.detail})
        return Run("retry", error=f"{error.error_code}: {error.detail}")
    except DeskError as error:
        _log.error("job_failed", extra={**about, "code": error.error_code, "detail": error.detail})
        return Run("failed", error=f"{error.error_code}: {error.detail}")
    except Exception as error:  # noqa: BLE001 - the edge of a job: a bug in one must not stop the tick for the others
        _log.exception("job_bug", extra=about)
        return Run("failed", error=f"bug: {type(error).__name__}: {error}")
    for problem in done.problems:
        _log.warning("job_problem", extra={**about, "detail": problem})
    return Run("done", done, "; ".join(done.problems))


async def _finish(
    context: Context, request: Request, holder: str, finished: Run, operations: Mapping[str, int]
) -> None:
    held = (lease_name(request), holder)
    counts = finished.done.counts if finished.done else {}
    state = "done" if finished.state == "done" else "failed"
    if finished.state == "retry" and not request.skip_when_busy:
        state = "queued"
    body = (json.dumps(counts, sort_keys=True), json.dumps(dict(operations), sort_keys=True))
    ended = (state, context.ports.clock.now_ms(), *body, finished.error[:MAX_ERROR] or None, request.id, *held)
    try:
        await context.ports.db.batch([Statement(_END, ended), Statement(_RELEASE, held)])
    except StorageUnavailable as error:
        # The work is done and idempotent; the lease runs out and the row is marked abandoned by the next run.
        _log.error("job_not_recorded", extra={"job": request.job, "run": request.id, "detail": error.detail})


def lease_name(request: Request) -> str:
    """One lease per job and scope."""
    return f"{request.job}:{request.scope}"
