"""The replay venue's depth stream, read strictly: what breaks a rule becomes a `Malformed`, never an exception.

{"type": "depth", "symbol": "AAPL", "seq": 17, "ts_ms": 1070323200000, "bids": [["185.30", "10"], …], "asks": […]}
{"type": "heartbeat", "ts_ms": 1070323200000, "wall_ms": 1700000000000}
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from shared.book.ladder import MAX_LEVELS, PLAIN

MAX_CHARS = 131_072
SAFE_NESTING = 50
_BRACKET = re.compile(r"[\[\]{}]")
_MAX_INT = 2**53
_SYMBOL = re.compile(r"[A-Z0-9._-]{1,32}\Z", re.ASCII)
_DEPTH_FIELDS = frozenset({"type", "symbol", "seq", "ts_ms", "bids", "asks"})
_HEARTBEAT_FIELDS = frozenset({"type", "ts_ms", "wall_ms"})


class Depth(NamedTuple):
    """The whole visible book of one symbol; levels are `[price, quantity]` in plain decimal text."""

    symbol: str
    seq: int
    ts_ms: int
    bids: list[list[str]]
    asks: list[list[str]]


class Heartbeat(NamedTuple):
    """The feed lives: `ts_ms` is market time, `wall_ms` the venue's wall time."""

    ts_ms: int
    wall_ms: int


class Malformed(NamedTuple):
    """Which rule a message broke; `symbol` where the message was a depth of that symbol (its book lost an update)."""

    rule: str
    symbol: str = ""


Message = Depth | Heartbeat | Malformed


def parse(text: str) -> Message:
    """One message of the stream; never raises."""
    if not isinstance(text, str) or len(text) > MAX_CHARS:
        return Malformed("too_long")
    if _too_deep(text):
        return Malformed("too_deep")
    try:
        body = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return Malformed("not_json")
    if not isinstance(body, dict):
        return Malformed("not_an_object")
    kind = body.get("type")
    if kind == "depth":
        return _depth(body)
    if kind == "heartbeat":
        return _heartbeat(body)
    return Malformed("unknown_type")


def _too_deep(text: str) -> bool:
    """Whether brackets nest beyond what any message does: in wasm the JSON parser then ends the interpreter."""
    if text.count("[") + text.count("{") <= SAFE_NESTING:
        return False
    depth = 0
    for found in _BRACKET.finditer(text):
        depth += 1 if found[0] in "[{" else -1
        if depth > SAFE_NESTING:
            return True
    return False


def _depth(body: dict[str, Any]) -> Message:
    symbol = body.get("symbol")
    if not isinstance(symbol, str) or not _SYMBOL.match(symbol):
        return Malformed("symbol")
    if body.keys() != _DEPTH_FIELDS:
        return Malformed("fields", symbol)
    if not _whole(body["seq"]) or not _whole(body["ts_ms"]):
        return Malformed("number", symbol)
    if not _levels(body["bids"]) or not _levels(body["asks"]):
        return Malformed("levels", symbol)
    return Depth(symbol, body["seq"], body["ts_ms"], body["bids"], body["asks"])


def _heartbeat(body: dict[str, Any]) -> Message:
    if body.keys() != _HEARTBEAT_FIELDS:
        return Malformed("fields")
    if not _whole(body["ts_ms"]) or not _whole(body["wall_ms"]):
        return Malformed("number")
    return Heartbeat(body["ts_ms"], body["wall_ms"])


def _whole(value: object) -> bool:
    return type(value) is int and 0 <= value <= _MAX_INT


def _levels(value: object) -> bool:
    return isinstance(value, list) and len(value) <= MAX_LEVELS and all(map(_level, value))


def _level(value: object) -> bool:
    if not isinstance(value, list) or len(value) != 2:
        return False
    return all(isinstance(one, str) and PLAIN.match(one) for one in value)


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no number")
