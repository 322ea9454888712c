"""Pending proposals to the desk, and the desk's answers back into D1."""

from __future__ import annotations

import json
from typing import Any

from cron.context import Context
from shared.errors import DeskError
from shared.model.ids import client_order_id
from shared.ports import Statement

CHUNK = 50
_IDENTITY = ("strategy", "version", "params", "instrument", "bar_close_ms", "side", "attempt")

_PENDING = (
    "SELECT id, proposal, bar_close_ms FROM signals WHERE desk = ? AND outcome = 'pending' AND proposal IS NOT NULL"
    " ORDER BY bar_close_ms, id LIMIT ?"
)
_OUTCOMES = (
    "UPDATE signals SET outcome = json_extract(told.value, '$[1]'), code = json_extract(told.value, '$[2]'),"
    " client_id = json_extract(told.value, '$[3]') FROM json_each(?) AS told"
    " WHERE signals.desk = ? AND signals.id = json_extract(told.value, '$[0]') AND signals.outcome = 'pending'"
)
EQUITY = (
    "INSERT INTO equity (desk, market_ms, at_ms, equity, cash, open_positions) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (desk, market_ms) DO UPDATE SET at_ms = excluded.at_ms, equity = excluded.equity,"
    " cash = excluded.cash, open_positions = excluded.open_positions"
)


async def deliver(context: Context, desk: str, oldest_ms: int, counts: dict[str, int], pending: bool) -> list[str]:
    """Offers what is pending in the order of the bars; returns what went wrong. What failed stays pending.

    The desk knows each proposal by its ids, so a crash after `propose` only offers the same again. One on a bar that
    closed before `oldest_ms` is not offered: whether the desk had it after all, it is asked. The desk's equity after
    it all joins the last batch.
    """
    problems: list[str] = []
    while True:
        rows = await context.ports.db.rows(_PENDING, desk, CHUNK) if pending else []
        told = await _overdue(context, desk, [row for row in rows if row["bar_close_ms"] < oldest_ms], problems)
        offered = [row for row in rows if row["bar_close_ms"] >= oldest_ms]
        told += await _propose(context, desk, offered, problems) if offered else []
        for _, outcome, _, _ in told:
            counts[outcome] = counts.get(outcome, 0) + 1
        # Only a chunk that was answered whole is followed by the next: a desk that is down is asked once.
        pending = len(rows) == CHUNK and len(told) == CHUNK
        statements = [Statement(_OUTCOMES, (json.dumps(told), desk))] if told else []
        if not pending:
            statements += await equity(context, desk, problems)
        if statements:
            await context.ports.db.batch(statements)
        if not pending:
            counts["pending"] = len(rows) - len(told)
            return problems


async def equity(context: Context, desk: str, problems: list[str]) -> list[Statement]:
    """The statement that stores the desk's equity at its market time; none when the desk has no price yet."""
    try:
        view = await context.ports.desks.named(desk).call("view", {})
    except DeskError as error:
        problems.append(f"view of {desk}: {error.error_code}: {error.detail}")
        return []
    return equity_of(context, desk, view)


def equity_of(context: Context, desk: str, view: dict[str, Any]) -> list[Statement]:
    """The same from a view at hand."""
    market_ms = view.get("market_ms")
    if not market_ms:
        return []
    values = (str(view["equity"]), str(view["cash"]), int(view["open_positions"]))
    return [Statement(EQUITY, (desk, int(market_ms), context.now_ms, *values))]


async def _overdue(context: Context, desk: str, rows: list[dict[str, Any]], problems: list[str]) -> list[list[Any]]:
    """The same rows as `_propose` for proposals that are too old: `duplicate` where the desk has the order, else `stale`."""
    peer = context.ports.desks.named(desk)
    told: list[list[Any]] = []
    for row in rows:
        proposal = json.loads(row["proposal"])
        client_id = client_order_id(desk, **{name: proposal[name] for name in _IDENTITY})
        try:
            await peer.call("order", {"client_id": client_id})
            told.append([row["id"], "duplicate", None, client_id])
        except DeskError as error:
            if error.error_code != "order_not_found":
                problems.append(f"order of {desk}: {error.error_code}: {error.detail}")
                break
            told.append([row["id"], "stale", "not_delivered", None])
    return told


async def _propose(context: Context, desk: str, rows: list[dict[str, Any]], problems: list[str]) -> list[list[Any]]:
    """[signal id, outcome, code, client id] of each that the desk answered for."""
    proposals = [json.loads(row["proposal"]) for row in rows]
    try:
        answer = await context.ports.desks.named(desk).call("propose", {"proposals": proposals})
    except DeskError as error:
        problems.append(f"propose to {desk}: {error.error_code}: {error.detail}")
        return []
    asked = {row["id"] for row in rows}
    told = [
        [each["signal_id"], each["outcome"], each.get("code"), each.get("client_id")]
        for each in answer["results"]
        if each["signal_id"] in asked
    ]
    if len(told) != len(rows):
        problems.append(f"propose to {desk}: {len(told)} answers to {len(rows)} proposals")
    return told
