"""Candles as gzip NDJSON and back: a line is `["AAPL",1072915200000,"21.55","21.75","21.18","21.28","5165800"]`."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from shared.errors import Invalid
from shared.model import Candle, Interval, exact, symbol_of

LEVEL = 6


class Row(NamedTuple):
    """A bar as it is stored: decimals as text. Venue and interval stand in the object's key."""

    symbol: str
    open_time_ms: int
    open: str
    high: str
    low: str
    close: str
    volume: str


def row(candle: Candle) -> Row:
    """The candle as it is stored."""
    texts = (exact.text(each) for each in (candle.open, candle.high, candle.low, candle.close, candle.volume))
    return Row(symbol_of(candle.instrument), candle.open_time_ms, *texts)


def candle(venue: str, interval: Interval, stored: Row) -> Candle:
    """The validated candle; raises `Invalid`."""
    values = dict(zip(_FIELDS, stored[1:], strict=True))
    return Candle.of(instrument=f"{venue}:{stored.symbol}", interval=interval, **values)


_FIELDS = ("open_time_ms", "open", "high", "low", "close", "volume")


def line(stored: Row) -> bytes:
    """One line of NDJSON."""
    return json.dumps(stored, separators=(",", ":")).encode() + b"\n"


def pack(rows: Iterable[Row]) -> bytes:
    """Gzip NDJSON, in the order given; the same rows give the same bytes (no time in the header)."""
    packer = Packer()
    for each in rows:
        packer.add(line(each))
    return packer.finish()


class Packer:
    """Compresses line by line, so that a day of bars never stands in memory as a whole."""

    def __init__(self) -> None:
        self._zip = zlib.compressobj(LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
        self._parts: list[bytes] = []

    def add(self, text: bytes) -> None:
        """One line more."""
        part = self._zip.compress(text)
        if part:
            self._parts.append(part)

    def finish(self) -> bytes:
        """The whole object; nothing can be added after."""
        self._parts.append(self._zip.flush())
        return b"".join(self._parts)


def unpack(body: bytes, key: str = "object") -> Iterator[Row]:
    """The rows of one object; raises `Invalid` naming the key and the line where it cannot be read."""
    try:
        text = gzip.decompress(body)
    except (OSError, EOFError, zlib.error) as error:
        raise Invalid.field(key, f"{len(body)} bytes", f"is not gzip: {error}", "restore it from a backup") from None
    for number, each in enumerate(text.splitlines(), 1):
        yield _row(each, key, number)


def _row(text: bytes, key: str, number: int) -> Row:
    try:
        symbol, open_time_ms, *values = json.loads(text)
        stored = Row(symbol, open_time_ms, *values)
        right = type(symbol) is str and type(open_time_ms) is int and all(type(each) is str for each in values)
    except (ValueError, TypeError):
        right = False
    if not right:
        shown = text[:60].decode(errors="replace")
        raise Invalid.field(f"{key}:{number}", shown, "is not a bar of 7 fields", "restore the object from a backup")
    return stored
