"""Ids that come out the same however often they are made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any

from pydantic import StringConstraints

_json = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True, sort_keys=True).encode

HexId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]


def digest(*parts: object) -> str:
    """32 hex digits of SHA-256 over the parts as JSON, so that no two lists of parts read alike."""
    return hashlib.sha256(_json(parts).encode()).hexdigest()[:32]


def params_id(params: Mapping[str, Any]) -> str:
    """The hash of a strategy's parameters, whatever the order they are written in."""
    return digest("params", dict(params))


def signal_id(
    strategy: str, version: int, params: str, instrument: str, bar_close_ms: int, action: str, side: str
) -> str:
    return digest("signal", strategy, version, params, instrument, bar_close_ms, action, side)


@lru_cache(maxsize=1024)
def client_order_id(
    desk: str, strategy: str, version: int, params: str, instrument: str, bar_close_ms: int, side: str, attempt: int
) -> str:
    """The client order id of a proposal: a retry, a crash or a doubled cron makes the same one again."""
    return digest("order", desk, strategy, version, params, instrument, bar_close_ms, side, attempt)


def manual_order_id(desk: str, idempotency_key: str) -> str:
    return digest("manual", desk, idempotency_key)


def stand_in(venue_order_id: str) -> str:
    """In the place of a client id, for an order that its venue can name only by an id of its own."""
    return digest("stand-in", venue_order_id)


def exit_order_id(desk: str, instrument: str, opened_ms: int, kind: str, attempt: int) -> str:
    """The client order id of an exit that a trigger level caused."""
    return digest("exit", desk, instrument, opened_ms, kind, attempt)
