"""The bell: one message on the queue `jobs` that asks for the job `alerts` now. Without it the next tick brings them."""

from __future__ import annotations

from shared import log
from shared.errors import StorageUnavailable
from shared.model.ids import digest
from shared.ports import JobQueue

_log = log.get("alerts")


async def ring(jobs: JobQueue, alert_id: str, by: str, now_ms: int) -> bool:
    """Whether it rang: a queue that fails is logged and holds up nobody. Rung twice for one alert, it is one run.

    `by` is who asks (up to 64 characters), `now_ms` wall time.
    """
    message = {"v": 1, "id": digest("bell", alert_id), "job": "alerts", "scope": "", "requested_by": by}
    try:
        await jobs.send({**message, "queued_ms": now_ms})
    except StorageUnavailable as error:
        _log.warning("bell_not_rung", extra={"alert": alert_id, "detail": error.detail})
        return False
    return True
