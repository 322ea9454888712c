"""Which symbols to ask for in one call, and from when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from shared.model import Interval

CHUNK_SYMBOLS = 50
PAGE_BARS = 100
_DAY_MS = 86_400_000


class Chunk(NamedTuple):
    """One call: these symbols from `start_ms` on. Each symbol's own start lies at most half a page later."""

    symbols: tuple[str, ...]
    start_ms: int


def chunks(starts: Mapping[str, int], interval: Interval, size: int = CHUNK_SYMBOLS) -> list[Chunk]:
    """Every symbol in exactly one chunk of at most `size`, neighbours in time together.

    A symbol far behind (delisted, say) must not share a chunk with live ones: a page of it from its own start would
    end before theirs begins.
    """
    spread_ms = PAGE_BARS // 2 * interval.ms
    found: list[Chunk] = []
    members: list[str] = []
    first_ms = 0
    for symbol, start_ms in sorted(starts.items(), key=lambda each: (each[1], each[0])):
        if members and (len(members) == size or start_ms - first_ms > spread_ms):
            found.append(Chunk(tuple(members), first_ms))
            members = []
        if not members:
            first_ms = start_ms
        members.append(symbol)
    if members:
        found.append(Chunk(tuple(members), first_ms))
    return found


def history_start_ms(market_ms: int, interval: Interval, bars: int, calendar: str) -> int:
    """Where a symbol without a watermark begins, so that about `bars` bars lie between there and `market_ms`.

    A session venue is closed at night or at weekends, so its bars reach further back: days by 3/2 (a week has 5, a
    year holidays), shorter bars by 2 (forex 24 h on 5 days has 7/5; a stock's 6.5 h day gets half of what was asked).
    """
    stretch = 2 if calendar == "continuous" else 3 if interval.ms >= _DAY_MS else 4
    start_ms = market_ms - bars * interval.ms * stretch // 2
    return max(0, start_ms - start_ms % interval.ms)


def starts(
    listed_ms: Mapping[str, int], watermarks: Mapping[str, int], history_ms: int, market_ms: int, interval: Interval
) -> dict[str, int]:
    """Symbol to the open time of the next bar wanted, for those of which a bar may have closed by `market_ms`."""
    wanted: dict[str, int] = {}
    for symbol, listed in listed_ms.items():
        known = watermarks.get(symbol)
        start_ms = known + interval.ms if known is not None else max(history_ms, _ceil(listed, interval.ms))
        if start_ms + interval.ms <= market_ms:
            wanted[symbol] = start_ms
    return wanted


def without_done(
    starts_ms: Mapping[str, int], market_ms: int, interval: Interval, done: Iterable[str]
) -> dict[str, int]:
    """What is still to be asked for."""
    finished = set(done)
    return {
        symbol: start_ms
        for symbol, start_ms in starts_ms.items()
        if symbol not in finished and start_ms + interval.ms <= market_ms
    }


def _ceil(value: int, step: int) -> int:
    return -(-value // step) * step
