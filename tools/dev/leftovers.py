"""What the last run left behind: leases that nobody holds, and messages of a queue that ended with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tools.stack import Stack

# whoever held one ended with the last run, perhaps by SIGKILL: nobody has to wait for it to run out
_LEASES = "DELETE FROM leases"
# the platform keeps a message until it was taken; the local queue keeps it in memory, and D1 knows what was in it
_WAITED = """
SELECT id, job, scope, requested_by, queued_ms FROM job_runs
WHERE state = 'queued' OR (state = 'running' AND job IN ('backtest', 'compact', 'report', 'retention'))
ORDER BY queued_ms, id
"""


def free(stack: Stack) -> None:
    """Lets go of the leases."""
    stack.d1(_LEASES)


def waited(stack: Stack) -> list[dict[str, Any]]:
    """Jobs that waited in the queue or were at work, in their order; asked before anything of this run is queued."""
    return stack.d1(_WAITED)


def resend(stack: Stack, jobs: Sequence[Mapping[str, Any]]) -> None:
    """Sends them again."""
    for job in jobs:
        stack.enqueue({"v": 1, **job}, worker="cron")
