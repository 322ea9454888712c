"""What a desk's brain learnt, in D1: changed only by compare-and-set, together with the signals that it led to."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.errors import TooLarge
from shared.ports import Database, Statement

PACK_FROM = 32 * 1024
ROW_CHARS = 950_000
"""A D1 row holds 1 MB on the older of two pages."""
MAX_ROWS = 4
"""Twelve strategies on 250 symbols are 1.9 MB of text that hardly packs when no two prices are alike: two or three rows."""
ROWS_A_STATEMENT = 400

_SELECT = "SELECT version, as_of_ms, body FROM brain_state WHERE scope = ?"
_SELECT_REST = "SELECT body FROM brain_state_rest WHERE scope = ? ORDER BY part"
_PENDING = "SELECT EXISTS (SELECT 1 FROM signals WHERE desk = ? AND outcome = 'pending') AS pending"
_SAVE = (
    "INSERT INTO brain_state (scope, version, writer, as_of_ms, body, updated_ms) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (scope) DO UPDATE SET version = excluded.version, writer = excluded.writer,"
    " as_of_ms = excluded.as_of_ms, body = excluded.body, updated_ms = excluded.updated_ms"
    " WHERE brain_state.version = excluded.version - 1"
)
_SAVE_REST = (
    "INSERT INTO brain_state_rest (scope, part, body) SELECT ?1, ?2, ?3"
    " WHERE EXISTS (SELECT 1 FROM brain_state WHERE scope = ?1 AND version = ?4 AND writer = ?5)"
    " ON CONFLICT (scope, part) DO UPDATE SET body = excluded.body"
)
_DROP_REST = (
    "DELETE FROM brain_state_rest WHERE scope = ?1 AND part > ?2"
    " AND EXISTS (SELECT 1 FROM brain_state WHERE scope = ?1 AND version = ?3 AND writer = ?4)"
)
_SIGNALS = (
    "INSERT OR IGNORE INTO signals (desk, id, venue, symbol, strategy, action, side, score, bar_close_ms, body,"
    " proposal, outcome, code, created_ms) SELECT ?1, json_extract(value, '$[0]'), json_extract(value, '$[1]'),"
    " json_extract(value, '$[2]'), json_extract(value, '$[3]'), json_extract(value, '$[4]'),"
    " json_extract(value, '$[5]'), CAST(json_extract(value, '$[6]') AS REAL), json_extract(value, '$[7]'),"
    " json_extract(value, '$[8]'), json_extract(value, '$[9]'), json_extract(value, '$[10]'),"
    " json_extract(value, '$[11]'), ?2 FROM json_each(?3)"
    " WHERE EXISTS (SELECT 1 FROM brain_state WHERE scope = ?1 AND version = ?4 AND writer = ?5)"
)


@dataclass
class Memory:
    """`seen`: symbol to open time of the newest bar that both the desk and the brain have had; `given`: of the desk alone.

    `pending`: proposals of an earlier run are still undelivered. `told`: the event of the desk's log up to which the brain has
    had what became of its trades.
    """

    version: int = 0
    as_of_ms: int | None = None
    seen: dict[str, int] = field(default_factory=dict)
    state: dict[str, Any] | None = None
    pending: bool = False
    given: dict[str, int] = field(default_factory=dict)
    told: int = 0

    def __post_init__(self) -> None:
        self.given = {**self.seen, **self.given}

    def saw(self, newest: Mapping[str, int]) -> None:
        """Bars up to these open times, desk and brain both."""
        self.seen = {**self.seen, **newest}
        self.given = {**self.given, **newest}

    def forget(self) -> None:
        """The brain begins anew from history, which the desk has had."""
        self.seen, self.state, self.told = {}, None, 0


async def load(db: Database, desk: str) -> Memory:
    """The memory of a desk; a fresh one before its first scan."""
    about = (desk,)
    rows, rest, left = await db.read(
        [Statement(_SELECT, about), Statement(_SELECT_REST, about), Statement(_PENDING, about)]
    )
    pending = bool(left[0]["pending"])
    if not rows:
        return Memory(pending=pending)
    body = unpack("".join(str(row["body"]) for row in (*rows, *rest)))
    version, as_of_ms, told = int(rows[0]["version"]), int(rows[0]["as_of_ms"]), body.get("told", 0)
    return Memory(version, as_of_ms, body["seen"], body["state"], pending, told=told)


async def save(
    db: Database,
    desk: str,
    memory: Memory,
    signals: Sequence[Sequence[Any]],
    writer: str,
    now_ms: int,
    also: Sequence[Statement] = (),
) -> bool:
    """The next version and its signals in one batch, or, where another run was first, nothing: then False.

    A row of `signals`: [id, venue, symbol, strategy, action, side, score, bar_close_ms, body, proposal, outcome, code].
    `also` joins the batch: statements that do nothing unless this writer wrote this version.
    """
    version = memory.version + 1
    text = pack({"seen": memory.seen, "state": memory.state, "told": memory.told})
    body, *rest = (text[start : start + ROW_CHARS] for start in range(0, len(text), ROW_CHARS))
    statements = [Statement(_SAVE, (desk, version, writer, memory.as_of_ms, body, now_ms))]
    statements += [Statement(_SAVE_REST, (desk, part, each, version, writer)) for part, each in enumerate(rest, 1)]
    statements.append(Statement(_DROP_REST, (desk, len(rest), version, writer)))
    for start in range(0, len(signals), ROWS_A_STATEMENT):
        rows = json.dumps(signals[start : start + ROWS_A_STATEMENT], separators=(",", ":"))
        statements.append(Statement(_SIGNALS, (desk, now_ms, rows, version, writer)))
    changes = await db.batch([*statements, *also])
    if changes[0]:
        memory.version = version
    return changes[0] > 0


def pack(body: Mapping[str, Any]) -> str:
    """JSON text; from 32 KiB on gzip in base64 after `gz:`. Raises `TooLarge` past what the rows hold."""
    text = json.dumps(body, separators=(",", ":"), sort_keys=True)
    if len(text) >= PACK_FROM:
        text = "gz:" + base64.b64encode(gzip.compress(text.encode(), 3, mtime=0)).decode()
    if len(text) > MAX_ROWS * ROW_CHARS:
        raise TooLarge(f"brain_state of {len(text)} bytes does not fit {MAX_ROWS} rows; give the desk fewer symbols")
    return text


def unpack(text: str) -> dict[str, Any]:
    """What `pack` wrote."""
    if text.startswith("gz:"):
        text = gzip.decompress(base64.b64decode(text[3:])).decode()
    body: dict[str, Any] = json.loads(text)
    return body
