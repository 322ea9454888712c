"""What the last run left behind: leases that nobody holds, and messages of a queue that ended with it."""

from __future__ import annotations

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


def resend(stack: Stack) -> int:
    """Sends again what waited in the queue or was at work, in its order; how many messages."""
    waited = stack.d1(_WAITED)
    for row in waited:
        stack.enqueue({"v": 1, **row}, worker="cron")
    return len(waited)
