"""How the parts are doing."""

from __future__ import annotations

import json
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
_DESKS = f"SELECT desk, mode, status, codes, status_ms, as_of_seq FROM desks WHERE {_MINE} ORDER BY desk"
_MY_ALERTS = MINE.format(column="alerts.desk")
_ALERTS = (
    "SELECT COUNT(*) FILTER (WHERE due_ms IS NOT NULL) AS waiting, "
    "COUNT(*) FILTER (WHERE state = 'unreached' AND severity = 'critical' AND at_ms > ?) AS unreached FROM alerts "
    f"WHERE (due_ms IS NOT NULL OR state = 'unreached') AND (alerts.desk = '' OR {_MY_ALERTS})"
)
DAY_MS = 86_400_000


@ROUTES.get("/v1/health")
async def get_health(caller: TheCaller, ports: ThePorts) -> Response:
    """`ok`, or `degraded` where a job's newest run failed, a desk stopped, or a critical alert of the last day reached too few."""
    now_ms = ports.clock.now_ms()
    jobs, markets, desks, alerts = await caller.read(
        Statement(_JOBS),
        Statement(_MARKETS),
        Statement(_DESKS, (caller.prefix,)),
        Statement(_ALERTS, (now_ms - DAY_MS, caller.prefix)),
    )
    failing = any(job["state"] == "failed" for job in jobs)
    stopped = any(desk["status"] in {"halted", "unreachable"} for desk in desks)
    degraded = failing or stopped or alerts[0]["unreached"] > 0
    body: dict[str, Any] = {
        "status": "degraded" if degraded else "ok",
        "environment": ports.settings.ENVIRONMENT,
        "trading_mode": ports.settings.TRADING_MODE,
        "now_ms": now_ms,
        "jobs": jobs,
        "markets": markets,
        "desks": [{**desk, "codes": json.loads(desk["codes"])} for desk in desks],
        "alerts": alerts[0],
    }
    return answer(body)
