"""What the brain has learnt: JSON that its caller stores and hands back, with a version.

`{"v": 3, "venue", "interval", "strategies": {"name@version:params": {SYMBOL: [open time of its last bar, the
strategy's state]}}, "decisions": what the stages from signals to proposals learnt, or null}`
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.errors import Invalid

VERSION = 3
REMEDY = "drop the state (send null): the strategies warm up again from the bars that are sent"

Entry = list[Any]
"""`[watermark_ms, state]` of one strategy on one symbol."""
Entries = dict[str, dict[str, Entry]]
"""Strategy key -> symbol -> entry."""


def read(state: Any, venue: str, interval: str) -> Entries:
    """The entries of a state; `Invalid` for one of another version, venue, interval or shape. The input stays as it
    is.
    """
    if state is None:
        return {}
    if not isinstance(state, Mapping) or state.get("v") != VERSION:
        found = state.get("v") if isinstance(state, Mapping) else type(state).__name__
        raise Invalid.field("state.v", found, f"must be {VERSION}", REMEDY)
    if state.keys() != {"v", "venue", "interval", "strategies", "decisions"}:
        raise Invalid.field("state", sorted(state), "has not the fields of a state", REMEDY)
    for name, wanted in (("venue", venue), ("interval", interval)):
        if state[name] != wanted:
            raise Invalid.field(f"state.{name}", state[name], f"must be {wanted!r}, as the market", REMEDY)
    strategies = state["strategies"]
    if not isinstance(strategies, Mapping) or not all(isinstance(symbols, Mapping) for symbols in strategies.values()):
        raise Invalid.field("state.strategies", type(strategies).__name__, "must be objects of objects", REMEDY)
    for symbols in strategies.values():
        for symbol, entry in symbols.items():
            if type(entry) is not list or len(entry) != 2 or type(entry[0]) is not int or type(entry[1]) is not list:
                raise Invalid.field(f"state of {symbol[:32]}", entry, "must be [watermark_ms, state]", REMEDY)
    return {key: dict(symbols) for key, symbols in strategies.items()}


def decisions_of(state: Any) -> Mapping[str, Any] | None:
    """What the decisions learnt, of a state that was read; `Invalid` for what is no object."""
    found = None if state is None else state["decisions"]
    if found is not None and not isinstance(found, Mapping):
        raise Invalid.field("state.decisions", type(found).__name__, "must be an object or null", REMEDY)
    return found


def write(entries: Entries, venue: str, interval: str, decisions: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The state to hand back: keys in order, so that equal knowledge is equal text."""
    strategies = {key: dict(sorted(symbols.items())) for key, symbols in sorted(entries.items())}
    return {
        "v": VERSION,
        "venue": venue,
        "interval": interval,
        "strategies": strategies,
        "decisions": decisions,
    }
