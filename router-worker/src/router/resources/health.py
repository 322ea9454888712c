"""How the parts are doing."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from router.answers import answer
from router.resources.common import TheCaller, ThePorts
from router.routes import Routes
from router.select import MINE
from shared.ports import Statement

ROUTES = Routes()

# the newest run of each job: SQLite takes the other columns from the row that holds the maximum
_JOBS = (
    "SELECT job, state, MAX(queued_ms) AS queued_ms, started_ms, ended_ms FROM job_runs "
    "WHERE state <> 'skipped' GROUP BY job ORDER BY job"
)
_MARKETS = (
    "SELECT venue, interval, COUNT(*) AS symbols, MAX(open_time_ms) AS newest_open_time_ms, "
    "MAX(updated_ms) AS updated_ms FROM watermarks GROUP BY venue, interval ORDER BY venue, interval"
)
_MINE = MINE.format(column="desks.desk")
_DESKS = f"SELECT desk, mode, as_of_seq FROM desks WHERE {_MINE} ORDER BY desk"


@ROUTES.get("/v1/health")
async def get_health(caller: TheCaller, ports: ThePorts) -> Response:
    """`ok`, or `degraded` where the newest run of a job has failed; the jobs, the markets, the desks."""
    jobs, markets, desks = await caller.read(Statement(_JOBS), Statement(_MARKETS), Statement(_DESKS, (caller.prefix,)))
    degraded = any(job["state"] == "failed" for job in jobs)
    body: dict[str, Any] = {
        "status": "degraded" if degraded else "ok",
        "environment": ports.settings.ENVIRONMENT,
        "trading_mode": ports.settings.TRADING_MODE,
        "now_ms": ports.clock.now_ms(),
        "jobs": jobs,
        "markets": markets,
        "desks": desks,
    }
    return answer(body)
