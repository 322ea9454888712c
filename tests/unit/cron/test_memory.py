"""What a desk's brain has learnt fits what is stored of it, at the largest size that is promised."""

from __future__ import annotations

import asyncio
import base64
import json
import math
import random
from typing import Any

import pytest

from brain.registry import STRATEGIES
from cron import memory
from tests.unit.brain.support import columns, run, walk
from tests.unit.native_ports import NativeDatabase

BARS = 260
SYMBOLS = 250


@pytest.fixture(scope="module")
def state() -> dict[str, Any]:
    """Of all strategies when every window is full, on 250 symbols no two of whose numbers have a byte in common."""
    every = [{"name": name, "params": {}} for name in STRATEGIES]
    closes = [close * math.pi for close in walk(3, BARS)]
    learnt = run({"S": columns(closes)}, None, every)
    assert learnt["refused"] == []
    chance = random.Random(1)

    def unlike(value: Any) -> Any:
        if isinstance(value, str):
            return base64.b64encode(chance.randbytes(len(value) * 3 // 4)).decode()
        if isinstance(value, dict):
            return {name: unlike(each) for name, each in value.items()}
        return [unlike(each) for each in value] if isinstance(value, list) else value

    found: dict[str, Any] = learnt["state"]
    for key, entries in found["strategies"].items():
        [(symbol, entry)] = entries.items()
        if symbol == "S":
            found["strategies"][key] = {f"S{number}": unlike(entry) for number in range(SYMBOLS)}
        else:
            watermark, ((fed, *kept), newest) = entry
            fed = {f"S{number}": unlike(text) for number in range(SYMBOLS) for text in fed.values()}
            newest = {f"S{number}": bar for number in range(SYMBOLS) for bar in newest.values()}
            found["strategies"][key] = {symbol: [watermark, [[fed, *unlike(kept)], newest]]}
    return found


def test_all_strategies_on_250_symbols_are_stored_and_come_back(state: dict[str, Any]) -> None:
    db = NativeDatabase()
    learnt = memory.Memory(as_of_ms=1, seen={f"S{number}": 1 for number in range(SYMBOLS)}, state=state)
    assert len(json.dumps(state)) > 1_500_000
    assert asyncio.run(memory.save(db, "d", learnt, [], "w", 1))
    assert asyncio.run(memory.load(db, "d")).state == state
    rows = db.all("SELECT length(body) AS chars FROM brain_state UNION ALL SELECT length(body) FROM brain_state_rest")
    assert max(row["chars"] for row in rows) <= memory.ROW_CHARS < 1_000_000
    assert len(rows) < memory.MAX_ROWS
