"""What ran, what runs, and asking for a scan now."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Depends, Query
from pydantic import StringConstraints
from starlette.responses import Response

from router.answers import answer, page
from router.auth import require_desk
from router.bodies import body_of
from router.idempotency import WON, Claim, fingerprint, once
from router.paging import PageQuery, cut, read_cursor
from router.resources.common import RequiredKey, TheCaller, ThePorts
from router.routes import Routes
from router.select import MINE, Select
from shared.apikey import ALL_DESKS, Role
from shared.clock import random_hex
from shared.config import DeskName
from shared.model import Model
from shared.ports import Database, Statement

ROUTES = Routes()

# what went wrong in a run for everything is told by desk, whosever it is
_EVERY = MINE.format(column="'*'")
_ITEM = (
    "json_object('id', id, 'job', job, 'scope', scope, 'state', state, 'requested_by', requested_by, "
    "'queued_ms', queued_ms, 'started_ms', started_ms, 'ended_ms', ended_ms, 'counts', json(counts), "
    f"'operations', json(operations), 'error', CASE WHEN scope <> '' OR {_EVERY} THEN error END) AS item"
)
_PAGE = f"SELECT queued_ms, id, {_ITEM} FROM job_runs"
# a run for a desk, or for a day of it, is that desk's business; one for a venue or for everything is everybody's
_DESK = "substr(job_runs.scope, 1, instr(job_runs.scope || '/', '/') - 1)"
_MINE = MINE.format(column=_DESK)
_VISIBLE = f"({_DESK} NOT IN (SELECT desk FROM desks) OR {_MINE})"
_INSERT = (
    "INSERT INTO job_runs (id, job, scope, state, requested_by, queued_ms) "
    f"SELECT ?, 'scan', ?, 'queued', ?, ? WHERE {WON}"
)


class JobsQuery(PageQuery):
    """Which runs."""

    job: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,31}$")] | None = None
    state: Literal["queued", "running", "done", "failed", "skipped"] | None = None


class ScanOrder(Model):
    """One desk, or every desk, which needs a key for every desk."""

    desk: DeskName | None = None


@ROUTES.get("/v1/jobs")
async def list_jobs(caller: TheCaller, query: Annotated[JobsQuery, Query()]) -> Response:
    """Runs of jobs, newest first."""
    after = read_cursor(query.cursor, "jobs", (int, str))
    select = Select(_PAGE, caller.prefix).where(_VISIBLE, caller.prefix)
    select.equals("job", query.job).equals("state", query.state)
    (rows,) = await caller.read(select.page(("queued_ms", "id"), after, query.limit, newest_first=True))
    found = cut(rows, query.limit, "jobs", lambda row: (row["queued_ms"], row["id"]))
    return page((row["item"] for row in found.rows), found.next_cursor)


@ROUTES.post("/v1/scan", Role.TRADER, ScanOrder, status=202)
async def queue_scan(
    caller: TheCaller, ports: ThePorts, key: RequiredKey, order: Annotated[ScanOrder, Depends(body_of(ScanOrder))]
) -> Response:
    """Queues a scan; the run is then to be seen under /v1/jobs."""
    require_desk(await caller.verified(), order.desk or ALL_DESKS)
    run: dict[str, str | int] = {
        "id": random_hex(16),
        "job": "scan",
        "scope": order.desk or "",
        "requested_by": caller.prefix,
        "queued_ms": ports.clock.now_ms(),
    }
    claim = Claim(caller.prefix, key, fingerprint("POST /v1/scan", order), {"run": run})
    values = (run["id"], run["scope"], run["requested_by"], run["queued_ms"])
    outcome = await once(ports, claim, 202, [Statement(_INSERT, (*values, *claim.won))])
    kept: dict[str, Any] = outcome.answer["run"]
    if outcome.first or await _still_queued(ports.db, str(kept["id"])):
        # sent again for a repeated request that is still waiting: the first message may never have left
        await ports.jobs.send({"v": 1, **kept})
    return answer({"run_id": kept["id"], **{name: kept[name] for name in ("job", "scope", "queued_ms")}}, 202)


async def _still_queued(db: Database, run_id: str) -> bool:
    return bool(await db.rows("SELECT id FROM job_runs WHERE id = ? AND state = 'queued'", run_id))
