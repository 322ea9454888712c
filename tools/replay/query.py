"""The query parameters of the replay venue, read strictly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tools.replay.bar import INTERVALS_MS
from tools.replay.market import Market

MAX_SYMBOLS = 50
MAX_LIMIT = 100

_INTEGER = re.compile(r"[0-9]{1,15}")
_CANDLE_FIELDS = {"symbols", "interval", "start_ms", "end_ms", "limit"}


class QueryError(Exception):
    """A request is refused with this status, code and message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass(frozen=True, slots=True)
class CandleQuery:
    """What `GET /{venue}/candles` asks for: bars with start_ms <= open_time_ms < end_ms, at most `limit` a symbol."""

    symbols: tuple[str, ...]
    interval: str
    start_ms: int
    end_ms: int | None
    limit: int

    @classmethod
    def read(cls, query: Mapping[str, str], market: Market) -> CandleQuery:
        """Raises QueryError: 404 for a symbol the venue does not list, 400 for all else."""
        unknown = sorted(set(query) - _CANDLE_FIELDS)
        if unknown:
            raise QueryError(400, "unknown-parameter", f"{unknown[0]}: not a parameter; use {sorted(_CANDLE_FIELDS)}")
        symbols = read_symbols(query.get("symbols", ""), market)
        if not 1 <= len(symbols) <= MAX_SYMBOLS:
            raise _bad("symbols", f"{len(symbols)} of them", f"1 to {MAX_SYMBOLS}; ask in chunks")
        interval = query.get("interval", "")
        if interval not in INTERVALS_MS:
            raise _bad("interval", interval, f"one of {' '.join(INTERVALS_MS)}")
        for symbol in symbols:
            if (symbol, interval) not in market.series:
                has = " ".join(market.instruments[symbol].intervals)
                raise _bad("interval", interval, f"an interval that {symbol} has: {has}")
        start_ms = _integer(query, "start_ms")
        end_ms = _integer(query, "end_ms") if "end_ms" in query else None
        limit = _integer(query, "limit") if "limit" in query else MAX_LIMIT
        if not 1 <= limit <= MAX_LIMIT:
            raise _bad("limit", str(limit), f"1 to {MAX_LIMIT}")
        return cls(symbols, interval, start_ms, end_ms, limit)


def read_symbols(text: str, market: Market) -> tuple[str, ...]:
    """The symbols of a comma-separated list, each once, in its order; raises QueryError 404 naming those unknown."""
    symbols = tuple(dict.fromkeys(symbol for symbol in text.split(",") if symbol))
    unknown = [symbol[:40] for symbol in symbols if symbol not in market.instruments]
    if unknown:
        named = ", ".join(unknown[:10])
        message = f"venue {market.venue} does not list {named}; see /{market.venue}/instruments"
        raise QueryError(404, "unknown-symbol", message)
    return symbols


def _integer(query: Mapping[str, str], field: str) -> int:
    text = query.get(field, "")
    if not _INTEGER.fullmatch(text):
        raise _bad(field, text, "a whole number of at most 15 digits")
    return int(text)


def _bad(field: str, value: str, rule: str) -> QueryError:
    return QueryError(400, "bad-parameter", f"{field}={value[:80]!r}: must be {rule}")
