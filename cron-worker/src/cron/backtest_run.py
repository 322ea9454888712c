"""One run of a backtest: the brain works it out, its result goes to R2, its summary to D1."""

from __future__ import annotations

import gzip
from typing import Any

from cron import backtest_bars, backtest_rows
from cron.backtest_rows import Ending, Known
from cron.context import Context
from shared.archive import keys
from shared.errors import DeskError, Invalid, Retryable

SWEPT = "strategies"
"""What a refusal of the brain names first where it is the parameters that it does not take."""


async def run(context: Context, backtest: str, number: int) -> dict[str, int]:
    """Works out the run and ends it. A refusal is how it ended; what may be tried again is raised, but at the last try."""
    db = context.ports.db
    known = await backtest_rows.known(db, backtest, number)
    if known is None:
        return {"gone": 1}
    if known.run_state in backtest_rows.OVER or not await backtest_rows.begin(db, backtest, number, _now_ms(context)):
        return {"over": 1}
    if context.tries_left < 0:
        words = "the worker ended while it ran, most likely for want of memory; ask for a shorter span or fewer symbols"
        return await _failed(context, backtest, number, Ending("failed", code="gave_up", error=words))
    try:
        return await _worked_out(context, backtest, number, known)
    except Retryable as error:
        if context.tries_left > 0:
            raise
        return await _failed(context, backtest, number, _ending("failed", error))
    except Invalid as error:
        swept = str(error.context.get("field", "")).startswith(SWEPT)
        return await _failed(context, backtest, number, _ending("refused" if swept else "failed", error))
    except DeskError as error:
        return await _failed(context, backtest, number, _ending("failed", error))


async def _worked_out(context: Context, backtest: str, number: int, known: Known) -> dict[str, int]:
    bars = await backtest_bars.load(context, backtest)
    answer = await context.ports.brain.call("backtest", _body(known, bars, f"Backtest {backtest}, run {number}"))
    told, store = answer["report"], context.ports.store
    about = {"v": 1, "backtest": backtest, "number": number, "params": known.params}
    decisions = known.order.wire()["decisions"]
    result = {**about, "strategies": known.order.chosen(known.params), "decisions": decisions}
    result["symbols"] = sorted(bars["market"])
    result_key, page_key = keys.backtest_key(backtest, str(number)), keys.page_key(backtest, number)
    # the objects before the row that says they are there
    await store.put(result_key, backtest_bars.packed({**result, **told}))
    await store.put(page_key, gzip.compress(answer["page"].encode(), backtest_bars.LEVEL, mtime=0))
    summary = {name: told[name] for name in ("metrics", "fingerprint", "proposals", "halted", "open_symbols")}
    summary |= {"symbols": len(bars["market"]), "refused": len(told["refused"]), "doubts": len(told["doubts"])}
    summary["moments"] = answer["moments"]
    ending = Ending("done", score=known.order.score(told["metrics"]), summary=summary)
    if not await backtest_rows.end(context.ports.db, backtest, number, ending, _now_ms(context)):
        after = await backtest_rows.known(context.ports.db, backtest, number)
        if after is None or after.run_state == "cancelled":
            await store.delete([result_key, page_key])
        return {"dropped": 1}
    return {"done": 1, "bars": sum(len(each["t"]) for each in bars["market"].values()), "trades": len(told["trades"])}


def _body(known: Known, bars: dict[str, Any], title: str) -> dict[str, Any]:
    wire = known.order.wire()
    asked = {name: value for name, value in wire.items() if name not in {"symbols", "span", "sweep", "rank_by"}}
    strategies = known.order.chosen(known.params)
    return {
        **asked,
        **bars,
        "strategies": strategies,
        "warmup_bars": known.order.span.warmup_bars,
        "title": title,
    }


def _ending(state: str, error: DeskError) -> Ending:
    return Ending(state, code=error.error_code, error=error.detail)


async def _failed(context: Context, backtest: str, number: int, ending: Ending) -> dict[str, int]:
    await backtest_rows.end(context.ports.db, backtest, number, ending, _now_ms(context))
    return {ending.state: 1}


def _now_ms(context: Context) -> int:
    return context.ports.clock.now_ms()
