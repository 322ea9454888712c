"""Backtests: asked for here, worked out by the queue, read from D1 and R2; seen by the key that asked and by one for every
desk."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import Depends, Path, Query
from starlette.responses import Response

from router.answers import MEDIA_TYPE, answer, page
from router.auth import Caller
from router.bodies import Empty, body_of
from router.idempotency import WON, Claim, fingerprint, is_known, once
from router.paging import PageQuery, cut, read_cursor
from router.ports import Ports
from router.resources.common import RequiredKey, TheCaller, ThePorts
from router.routes import Routes
from router.select import MINE, Select
from shared.apikey import Role
from shared.archive import keys
from shared.backtest import BacktestOrder
from shared.clock import random_hex
from shared.errors import Invalid, NotFound, Retryable
from shared.model import HexId
from shared.model.decision import check_decisions
from shared.ports import Database, Peer, Statement
from shared.sweep import MAX_RUNS, Params

ROUTES = Routes()
HTML = "text/html; charset=utf-8"

_EVERY = MINE.format(column="'*'")
_VISIBLE = f"(backtests.owner = ? OR {_EVERY})"
_HEAD = (
    "'id', id, 'owner', owner, 'state', state, 'runs', runs, 'done', done, 'best', best, 'verdict', json(verdict), "
    "'code', code, 'error', error, 'created_ms', created_ms, 'started_ms', started_ms, 'ended_ms', ended_ms"
)
_PAGE = (
    f"SELECT created_ms, id, json_object({_HEAD}, 'venue', json_extract(request, '$.venue'), "
    "'interval', json_extract(request, '$.interval')) AS item FROM backtests"
)
_RUNS = (
    "(SELECT json_group_array(json(item)) FROM (SELECT json_object('number', number, 'params', json(params), "
    "'state', state, 'summary', json(summary), 'code', code, 'error', error, 'started_ms', started_ms, "
    "'ended_ms', ended_ms) AS item FROM backtest_runs WHERE backtest = backtests.id "
    "ORDER BY score IS NULL, score DESC, number))"
)
_HOW_MANY = ", ".join(
    f"'{state}', count(*) FILTER (WHERE state = '{state}')" for state in ("done", "refused", "failed", "cancelled")
)
_ENDED = f"(SELECT json_object({_HOW_MANY}) FROM backtest_runs WHERE backtest = backtests.id)"
_ONE = (
    f"SELECT json_object({_HEAD}, 'ended', json({_ENDED}), 'request', json(request), 'items', json({_RUNS})) AS item "
    "FROM backtests"
)
_RUN = (
    "SELECT backtest_runs.state AS state FROM backtest_runs JOIN backtests ON id = backtest "
    f"WHERE backtest = ? AND number = ? AND {_VISIBLE}"
)
_LISTED = "SELECT symbol FROM instruments WHERE venue = ? ORDER BY symbol"
_INTERVALS = "SELECT DISTINCT interval FROM watermarks WHERE venue = ?"
_INSERT = f"INSERT INTO backtests (id, owner, request, runs, created_ms) SELECT ?, ?, ?, ?, ? WHERE {WON}"
_INSERT_RUNS = (
    f"INSERT INTO backtest_runs (backtest, number, params) SELECT ?, key + 1, value FROM json_each(?) WHERE {WON}"
)
_INSERT_JOB = (
    "INSERT INTO job_runs (id, job, scope, state, requested_by, queued_ms) "
    f"SELECT ?, 'backtest', ?, 'queued', ?, ? WHERE {WON}"
)
_QUEUED = "SELECT id FROM job_runs WHERE id = ? AND state = 'queued'"
_STATE = f"SELECT state FROM backtests WHERE id = ? AND {_VISIBLE}"
_CANCEL = "UPDATE backtests SET state = 'cancelled', ended_ms = ? WHERE id = ? AND state IN ('queued', 'running')"
_CANCEL_RUNS = (
    "UPDATE backtest_runs SET state = 'cancelled', ended_ms = ? WHERE backtest = ? AND state IN ('queued', 'running') "
    "AND EXISTS (SELECT 1 FROM backtests WHERE id = backtest AND state = 'cancelled')"
)
_COUNT = (
    "UPDATE backtests SET done = (SELECT count(*) FROM backtest_runs WHERE backtest = ?1 "
    "AND state NOT IN ('queued', 'running')) WHERE id = ?1"
)
BacktestPath = Annotated[HexId, Path(description="the id of a backtest")]
NumberPath = Annotated[int, Path(ge=1, le=MAX_RUNS, description="the number of a run, from 1")]


class BacktestsQuery(PageQuery):
    """Which backtests."""

    state: Literal["queued", "running", "done", "failed", "cancelled"] | None = None


@ROUTES.post("/v1/backtests", Role.TRADER, BacktestOrder, status=202)
async def create_backtest(
    caller: TheCaller,
    ports: ThePorts,
    key: RequiredKey,
    order: Annotated[BacktestOrder, Depends(body_of(BacktestOrder))],
) -> Response:
    """Queues a backtest, one run for each set of parameters; the brain has to know the strategies, and like one set at least."""
    sets = order.sets()
    try:
        await _ask(ports.brain, order, sets)
    except Retryable:
        # what was taken before is answered, and its message sent again, without the brain
        if not await is_known(ports, caller.prefix, key):
            raise
    check_decisions(order.decisions, [each.name for each in order.strategies])
    await _check(ports.db, order)
    now_ms = ports.clock.now_ms()
    run: dict[str, str | int] = {"id": random_hex(16), "job": "backtest", "scope": random_hex(16)}
    run |= {"requested_by": caller.prefix, "queued_ms": now_ms}
    claim = Claim(caller.prefix, key, fingerprint("POST /v1/backtests", order), {"run": run, "runs": len(sets)})
    backtest = str(run["scope"])
    effects = [
        Statement(_INSERT, (backtest, caller.prefix, order.json_text(), len(sets), now_ms, *claim.won)),
        Statement(_INSERT_RUNS, (backtest, json.dumps(sets), *claim.won)),
        Statement(_INSERT_JOB, (str(run["id"]), backtest, caller.prefix, now_ms, *claim.won)),
    ]
    outcome = await once(ports, claim, 202, effects)
    kept: dict[str, Any] = outcome.answer["run"]
    if outcome.first or await ports.db.rows(_QUEUED, str(kept["id"])):
        # sent again for a repeated request that is still waiting: the first message may never have left
        await ports.jobs.send({"v": 1, **kept})
    return answer({"id": kept["scope"], "runs": outcome.answer["runs"], "queued_ms": kept["queued_ms"]}, 202)


@ROUTES.get("/v1/backtests")
async def list_backtests(caller: TheCaller, query: Annotated[BacktestsQuery, Query()]) -> Response:
    """Backtests, newest first, without their runs."""
    after = read_cursor(query.cursor, "backtests", (int, str))
    select = Select(_PAGE).where(_VISIBLE, caller.prefix, caller.prefix).equals("state", query.state)
    (rows,) = await caller.read(select.page(("created_ms", "id"), after, query.limit, newest_first=True))
    found = cut(rows, query.limit, "backtests", lambda row: (row["created_ms"], row["id"]))
    return page((row["item"] for row in found.rows), found.next_cursor)


@ROUTES.get("/v1/backtests/{backtest}")
async def get_backtest(caller: TheCaller, backtest: BacktestPath) -> Response:
    """How far it is, and its runs, the best first."""
    mine = (caller.prefix, caller.prefix)
    (rows,) = await caller.read(Statement(f"{_ONE} WHERE id = ? AND {_VISIBLE}", (backtest, *mine)))
    if not rows:
        raise _unknown()
    return Response(rows[0]["item"], media_type=MEDIA_TYPE)


@ROUTES.get("/v1/backtests/{backtest}/runs/{number}")
async def get_backtest_run(caller: TheCaller, ports: ThePorts, backtest: BacktestPath, number: NumberPath) -> Response:
    """The whole result of a run that is done: metrics, curve, trades, refusals."""
    body = await _result(caller, ports, backtest, number, keys.backtest_key(backtest, str(number)))
    return Response(body, media_type=MEDIA_TYPE)


@ROUTES.get("/v1/backtests/{backtest}/runs/{number}/plot")
async def get_backtest_plot(caller: TheCaller, ports: ThePorts, backtest: BacktestPath, number: NumberPath) -> Response:
    """The same as a page to look at, without a script: nothing in it may be run or fetched, only its own style applies."""
    body = await _result(caller, ports, backtest, number, keys.page_key(backtest, number))
    policy = f"default-src 'none'; style-src '{_style_hash(body)}'; frame-ancestors 'none'; base-uri 'none'; sandbox"
    return Response(body, media_type=HTML, headers={"content-security-policy": policy})


@ROUTES.post("/v1/backtests/{backtest}/cancel", Role.TRADER, Empty)
async def cancel_backtest(
    caller: TheCaller,
    ports: ThePorts,
    backtest: BacktestPath,
    _: RequiredKey,
    __: Annotated[Empty, Depends(body_of(Empty))],
) -> Response:
    """Runs that wait never start, the result of one that runs is dropped. What is over stays as it ended."""
    visible = (backtest, caller.prefix, caller.prefix)
    if not await ports.db.rows(_STATE, *visible):
        raise _unknown()
    now_ms = ports.clock.now_ms()
    ended = [Statement(sql, (now_ms, backtest)) for sql in (_CANCEL, _CANCEL_RUNS)]
    await ports.db.batch([*ended, Statement(_COUNT, (backtest,))])
    rows = await ports.db.rows(_STATE, *visible)
    if not rows:
        raise _unknown()
    return answer({"id": backtest, "state": rows[0]["state"]})


async def _ask(brain: Peer, order: BacktestOrder, sets: list[Params]) -> None:
    """What the brain says of the strategies, and of what is set in them."""
    asked = {"strategies": [each.wire() for each in order.strategies], "place": 0, "sets": [{}]}
    try:
        asked |= {"place": order.swept, "sets": sets}
        if order.sweep is not None:
            asked["sweep"] = "grid" if order.sweep.grid is not None else "random"
    except Invalid:
        # a sweep that names none of the strategies: it may be one of their names that is misspelt
        await brain.call("check", asked)
        raise
    await brain.call("check", asked)


async def _check(db: Database, order: BacktestOrder) -> None:
    """What can be known of the archive here."""
    listed, archived = await db.read([Statement(_LISTED, (order.venue,)), Statement(_INTERVALS, (order.venue,))])
    symbols = [str(row["symbol"]) for row in listed]
    if not symbols:
        raise Invalid.field("venue", order.venue, "has no instruments", "GET /v1/instruments lists them")
    for at, symbol in enumerate(order.symbols):
        if symbol not in symbols:
            raise Invalid.field(f"symbols.{at}", symbol, "is not listed", f"choose from {_some(symbols)}")
    lengths = sorted(str(row["interval"]) for row in archived)
    if lengths and order.interval.value not in lengths:
        raise Invalid.field("interval", order.interval.value, "is not archived", f"choose from {_some(lengths)}")


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (", …" if len(names) > 10 else "")


async def _result(caller: Caller, ports: Ports, backtest: str, number: int, key: str) -> bytes:
    (rows,) = await caller.read(Statement(_RUN, (backtest, number, caller.prefix, caller.prefix)))
    if not rows:
        raise _unknown()
    body = await ports.archive.get(key) if rows[0]["state"] == "done" else None
    if body is None:
        raise NotFound(f"the run is {rows[0]['state']} and has no result", code="result_not_found")
    return gzip.decompress(body)


def _unknown() -> NotFound:
    return NotFound("there is no such backtest, or no such run of it", code="backtest_not_found")


def _style_hash(body: bytes) -> str:
    style = body.partition(b"<style>")[2].partition(b"</style>")[0]
    return f"sha256-{base64.b64encode(hashlib.sha256(style).digest()).decode()}"
