"""Job `backtest`. Scope: a backtest's id (its bars are gathered and its runs sent), `id/number` (one of its runs), or none
(what got lost is sent again)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from cron import backtest_bars, backtest_rows, backtest_run, backtest_sweep
from cron.backtest_rows import Ending
from cron.context import Context, Done
from shared.errors import DeskError, Retryable

SCOPES = r"([0-9a-f]{32}(/[1-9][0-9]{0,2})?)?"
SENT_AT_ONCE = 10
NO_RETURNS = "no_returns"


async def run(context: Context) -> Done:
    """A backtest that fails is a run of the job that is done: it is no trouble of the desk's, and stands in the backtest."""
    backtest, _, number = context.scope.partition("/")
    if not backtest:
        return Done(await backtest_sweep.run(context))
    if number:
        counts = await backtest_run.run(context, backtest, int(number))
        counts["closed"] = int(await _close(context, backtest))
        return Done(counts)
    return Done(await _open(context, backtest))


async def _open(context: Context, backtest: str) -> dict[str, int]:
    db, clock = context.ports.db, context.ports.clock
    known = await backtest_rows.known(db, backtest)
    if known is None or known.state not in {"queued", "running"}:
        return {"over": 1}
    counts = {"bars": 0, "sent": 0}
    if known.state == "queued":
        try:
            if context.tries_left < 0:
                raise DeskError("the worker ended while it gathered the bars; ask for a shorter span", code="gave_up")
            counts["bars"] = await backtest_bars.gather(context, backtest, known.order)
        except DeskError as error:
            if isinstance(error, Retryable) and context.tries_left > 0:
                raise
            await backtest_rows.fail(db, backtest, error.error_code, error.detail, clock.now_ms())
            return {"failed": 1}
        await backtest_rows.gathered(db, backtest, clock.now_ms())
    messages = await backtest_rows.queue(db, backtest, clock.now_ms())
    for start in range(0, len(messages), SENT_AT_ONCE):
        await asyncio.gather(*map(context.ports.queue.send, messages[start : start + SENT_AT_ONCE]))
    counts["sent"] = len(messages)
    return counts


async def _close(context: Context, backtest: str) -> bool:
    """After the last run: the best one, and what it is worth. Two last runs at once come to the same."""
    db = context.ports.db
    runs = await backtest_rows.ranked(db, backtest)
    if not runs:
        return False
    tried = [row for row in runs if row["state"] == "done"]
    best = tried[0] if tried and tried[0]["score"] is not None else None
    verdict = await _verdict(context, best, tried)
    first = min(runs, key=lambda row: int(row["number"]))
    why = Ending("failed", code=first["code"], error=first["error"]) if not tried else Ending("done")
    number = None if best is None else int(best["number"])
    await backtest_rows.close(db, backtest, why.state, number, verdict, why, context.ports.clock.now_ms())
    return True


async def _verdict(context: Context, best: dict[str, Any] | None, tried: list[dict[str, Any]]) -> dict[str, Any]:
    found = {"tried": len(tried), "deflated_sharpe": None, "reason": NO_RETURNS}
    if best is None or best["moments"] is None:
        return found
    moments = [json.loads(row["moments"]) if row["moments"] else None for row in tried]
    # one that never traded was tried too: nothing for no risk
    sharpes = [each["sharpe"] if each else 0.0 for each in moments]
    try:
        judged = await context.ports.brain.call("judge", {"chosen": moments[0], "sharpes": sharpes})
    except Retryable:
        if context.tries_left > 0:
            raise
        return {**found, "reason": "not_judged"}
    except DeskError as error:
        return {**found, "reason": error.error_code}
    return {**found, **judged}
