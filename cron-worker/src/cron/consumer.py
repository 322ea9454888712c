"""The queue `jobs`: each message is one run, through the same runner as the minute trigger."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, StringConstraints
from pydantic_core import from_json

from cron.context import Context, Done
from cron.runner import Request, Run, run
from cron.table import BY_NAME, Job
from shared import log
from shared.errors import Invalid, StorageUnavailable
from shared.model import Model
from shared.model.ids import digest
from shared.ports import Statement

BUSY_DELAY_S = 15
RETRY_DELAY_S = 30
MAX_ATTEMPTS = 5
_log = log.get("cron.consumer")
_STATE = "SELECT state FROM job_runs WHERE id = ?"
_REFUSED = (
    "INSERT INTO job_runs (id, job, scope, state, requested_by, queued_ms, ended_ms, error)"
    " VALUES (?, ?, ?, 'failed', ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET state = 'failed',"
    " ended_ms = excluded.ended_ms, error = excluded.error WHERE job_runs.state = 'queued'"
)


class Message(Model):
    """What stands in the queue, version 1."""

    v: Literal[1]
    id: Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
    job: Annotated[str, StringConstraints(max_length=32)]
    scope: Annotated[str, StringConstraints(max_length=64)] = ""
    requested_by: Annotated[str, StringConstraints(max_length=64)] = "cron"
    queued_ms: int = Field(ge=0)


class Verdict(NamedTuple):
    """What becomes of the message: acknowledged, or delivered again after `retry_s`."""

    retry_s: int | None = None


ACK = Verdict()


async def consume(context: Context, body: str, attempts: int = 1) -> Verdict:
    """Runs what one message asks for. A message that can never run is recorded and acknowledged."""
    message = None
    try:
        message = Message.parse(body)
        job = _job(context, message)
    except Invalid as error:
        return await _refuse(context, body, message, error)
    request = Request(
        message.id, job.name, message.scope, job.lease_s, message.requested_by, message.queued_ms, skip_when_busy=False
    )
    context = replace(context, tries_left=MAX_ATTEMPTS - attempts)
    try:
        finished = await run(context, request, _work(context, job, message))
        if finished.state == "busy":
            return await _busy(context, message.id)
    except StorageUnavailable as error:
        _log.warning("message_not_recorded", extra={"run": message.id, "detail": error.detail})
        return Verdict(RETRY_DELAY_S)
    return await _settle(context, message, finished, attempts)


def _job(context: Context, message: Message) -> Job:
    job = BY_NAME.get(message.job)
    if job is None:
        raise Invalid.field("job", message.job, f"is not one of {', '.join(sorted(BY_NAME))}")
    if job.own_scopes:
        if not re.fullmatch(job.own_scopes, message.scope):
            raise Invalid.field("scope", message.scope, f"is not one that {job.name} runs for")
        return job
    known = set(job.scopes(context.settings))
    if message.scope and message.scope.partition("/")[0] not in known:
        raise Invalid.field("scope", message.scope, f"is not one that {job.name} runs for")
    return job


def _work(context: Context, job: Job, message: Message) -> Callable[[Context], Awaitable[Done]]:
    """The job itself, or, for a message without a scope, the job for each of its scopes, each under its own lease."""
    scopes = job.scopes(context.settings)

    async def all_scopes(context: Context) -> Done:
        counts: dict[str, int] = {}
        problems: list[str] = []
        for scope in scopes:
            request = Request(digest("part", message.id, scope), job.name, scope, job.lease_s, message.requested_by)
            finished = await run(context, request, job.work)
            counts[finished.state] = counts.get(finished.state, 0) + 1
            problems += [f"{scope}: {finished.error}"] if finished.error else []
        return Done(counts, tuple(problems))

    return job.work if message.scope or "" in scopes else all_scopes


async def _busy(context: Context, run_id: str) -> Verdict:
    rows = await context.ports.db.rows(_STATE, run_id)
    over = bool(rows) and rows[0]["state"] in {"done", "failed", "skipped"}
    return ACK if over else Verdict(BUSY_DELAY_S)


async def _settle(context: Context, message: Message, finished: Run, attempts: int) -> Verdict:
    if finished.state != "retry":
        return ACK
    if attempts < MAX_ATTEMPTS:
        return Verdict(RETRY_DELAY_S * attempts)
    row = (message.id, message.job, message.scope, message.requested_by, message.queued_ms)
    now_ms = context.ports.clock.now_ms()
    await context.ports.db.batch([Statement(_REFUSED, (*row, now_ms, f"gave up: {finished.error}"))])
    return ACK


async def _refuse(context: Context, body: str, message: Message | None, error: Invalid) -> Verdict:
    """Ends the run that the message names; one that cannot be read is recorded under a hash of its bytes, so that the
    same one delivered again makes no second row."""
    _log.error("message_refused", extra={"detail": error.detail, "body": body[:200]})
    now_ms = context.ports.clock.now_ms()
    about: tuple[str | int, ...] = (digest("refused", body), _named(body), "", "queue", now_ms)
    if message is not None:
        about = (message.id, message.job, message.scope, message.requested_by, message.queued_ms)
    try:
        await context.ports.db.batch([Statement(_REFUSED, (*about, now_ms, f"malformed message: {error.detail}"))])
    except StorageUnavailable as failure:
        _log.error("message_not_recorded", extra={"detail": failure.detail})
    return ACK


def _named(body: str) -> str:
    try:
        # pydantic's parser: in Pyodide, the C code of `json` overruns the stack when nesting is deep.
        return str(from_json(body)["job"])[:32]
    except (ValueError, TypeError, KeyError):
        return "unknown"
