"""Messages that cron sends: each stands in D1 as a queued run first, and is sent again until that run has begun."""

from __future__ import annotations

import json
from collections.abc import Sequence

from cron.context import Context
from shared import log
from shared.errors import StorageUnavailable
from shared.model.ids import digest
from shared.ports import Statement

RESEND_MS = 10 * 60_000
"""A message that has been waiting that long is taken for lost."""
MAX_RESENT = 50
_log = log.get("cron.outbox")
_QUEUED = (
    "INSERT INTO job_runs (id, job, scope, state, requested_by, queued_ms) VALUES (?, ?, ?, 'queued', 'cron', ?)"
    " ON CONFLICT (id) DO UPDATE SET queued_ms = excluded.queued_ms"
    " WHERE job_runs.state = 'queued' AND job_runs.queued_ms <= excluded.queued_ms - ?"
)
_NOT_SENT = "UPDATE job_runs SET queued_ms = ? WHERE id = ? AND state = 'queued'"
_REPORTS = (
    "INSERT INTO job_runs (id, job, scope, state, requested_by, queued_ms) SELECT json_extract(value, '$[0]'),"
    " 'report', json_extract(value, '$[1]'), 'queued', 'cron', ?1 FROM json_each(?2)"
    " WHERE EXISTS (SELECT 1 FROM brain_state WHERE scope = ?3 AND version = ?4 AND writer = ?5)"
    " ON CONFLICT (id) DO NOTHING"
)
_GIVEN_UP = (
    "UPDATE job_runs SET state = 'queued' WHERE state = 'failed' AND job = 'report' AND requested_by = 'cron'"
    " AND error LIKE 'gave up:%'"
)
_LOST = (
    "SELECT id, job, scope FROM job_runs WHERE state = 'queued' AND requested_by = 'cron' AND queued_ms <= ?"
    " ORDER BY queued_ms, id LIMIT ?"
)


def message_id(job: str, scope: str, key: str = "") -> str:
    """The id of the message and of its run: the same for the same key, however many ticks ask for it."""
    return digest("queued", job, scope, key)


def reports(desk: str, days: Sequence[str], version: int, writer: str, now_ms: int) -> list[Statement]:
    """For the batch that stores this version of the desk's memory: the reports of days that ended with it, to be sent."""
    if not days:
        return []
    scopes = [f"{desk}/{day}" for day in days]
    rows = json.dumps([[message_id("report", scope), scope] for scope in scopes])
    return [Statement(_REPORTS, (now_ms - RESEND_MS, rows, desk, version, writer))]


async def send(context: Context, job: str, scope: str, key: str = "") -> bool:
    """Sends the message unless it was sent in the last ten minutes or its run has begun."""
    return await _send(context, message_id(job, scope, key), job, scope)


async def resend(context: Context) -> int:
    """Sends again what was lost: not sent, not delivered, or a report that was given up; how many messages."""
    db, before_ms = context.ports.db, context.now_ms - RESEND_MS
    try:
        # Nobody else asks for the same day again; every other job comes back by itself.
        await db.batch([Statement(_GIVEN_UP)])
        lost = await db.rows(_LOST, before_ms, MAX_RESENT)
    except StorageUnavailable as error:
        _log.error("nothing_resent", extra={"detail": error.detail})
        return 0
    sent = [await _send(context, str(row["id"]), str(row["job"]), str(row["scope"])) for row in lost]
    return sum(sent)


async def _send(context: Context, run_id: str, job: str, scope: str) -> bool:
    db, now_ms = context.ports.db, context.now_ms
    body = {"v": 1, "id": run_id, "job": job, "scope": scope, "requested_by": "cron", "queued_ms": now_ms}
    try:
        if not (await db.batch([Statement(_QUEUED, (run_id, job, scope, now_ms, RESEND_MS))]))[0]:
            return False
        try:
            await context.ports.queue.send(body)
        except StorageUnavailable:
            await db.batch([Statement(_NOT_SENT, (now_ms - RESEND_MS, run_id))])
            raise
    except StorageUnavailable as error:
        _log.error("job_not_queued", extra={"job": job, "scope": scope, "detail": error.detail})
        return False
    return True
