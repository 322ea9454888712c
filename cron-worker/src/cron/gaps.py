"""Gaps as ingest handles them: read from D1, asked for again, settled, and new ones found."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from shared.archive import ndjson
from shared.archive.candles import Bars
from shared.config import VenueConfig
from shared.errors import Refused, Retryable
from shared.market.gaps import Gap, expected, find, outcome
from shared.market.ingest import Fetcher
from shared.market.plan import CHUNK_SYMBOLS, PAGE_BARS, Chunk
from shared.model import Interval
from shared.ports import Statement

Refusals = Mapping[str, Collection[int]]
"""Symbol to the open times of its rows that were refused in this run."""

MAX_CALLS = 10
MAX_OPEN = 200
_SELECT = (
    "SELECT symbol, from_ms, to_ms, attempts FROM gaps WHERE venue = ? AND interval = ? AND state = 'open'"
    " ORDER BY attempts, from_ms, symbol LIMIT ?"
)
_UPSERT = (
    "INSERT INTO gaps (venue, symbol, interval, from_ms, to_ms, attempts, state, updated_ms)"
    " SELECT ?1, json_extract(value, '$[0]'), ?2, json_extract(value, '$[1]'), json_extract(value, '$[2]'),"
    " json_extract(value, '$[3]'), json_extract(value, '$[4]'), ?3 FROM json_each(?4) WHERE true"
    " ON CONFLICT (venue, symbol, interval, from_ms) DO UPDATE SET to_ms = excluded.to_ms,"
    " attempts = excluded.attempts, state = excluded.state, updated_ms = excluded.updated_ms"
)


class Asked(NamedTuple):
    """The gaps that the venue answered for, and the bars it had."""

    gaps: list[Gap]
    bars: Bars


def select(venue: str, interval: str) -> Statement:
    """The open gaps, those asked about least first."""
    return Statement(_SELECT, (venue, interval, MAX_OPEN))


def from_rows(rows: Sequence[Mapping[str, Any]]) -> list[Gap]:
    """The gaps of `select`."""
    return [Gap(row["symbol"], row["from_ms"], row["to_ms"], row["attempts"]) for row in rows]


def upsert(venue: str, interval: str, gaps: Sequence[Gap], now_ms: int) -> list[Statement]:
    """One statement for all of them, or none."""
    return [Statement(_UPSERT, (venue, interval, now_ms, json.dumps(gaps)))] if gaps else []


async def ask(fetcher: Fetcher, gaps: Sequence[Gap], interval: Interval) -> Asked:
    """Asks again, gaps of one beginning together; one that could not be asked stays as it was."""
    by_start: dict[int, list[Gap]] = defaultdict(list)
    for gap in gaps:
        by_start[gap.from_ms].append(gap)
    asked = Asked([], {})
    for group in list(by_start.values())[:MAX_CALLS]:
        some = group[:CHUNK_SYMBOLS]
        bars_wanted = max((gap.to_ms - gap.from_ms) // interval.ms + 1 for gap in some)
        chunk = Chunk(tuple(gap.symbol for gap in some), some[0].from_ms)
        try:
            answer = await fetcher.page(chunk, interval, min(PAGE_BARS, bars_wanted))
        except (Retryable, Refused):
            continue
        for gap in some:
            if gap.symbol in answer:
                asked.gaps.append(gap)
                _take(asked.bars, gap, [ndjson.row(each) for each in answer[gap.symbol]])
    return asked


def _take(bars: Bars, gap: Gap, rows: Sequence[ndjson.Row]) -> None:
    inside = {each.open_time_ms: each for each in rows if gap.from_ms <= each.open_time_ms <= gap.to_ms}
    if inside:
        bars.setdefault(gap.symbol, {}).update(inside)


def settled(asked: Asked, config: VenueConfig, opens: Sequence[int], refused: Refusals) -> list[Gap]:
    """What stands in D1 for each gap that was asked about."""
    found: list[Gap] = []
    for gap in asked.gaps:
        wanted = _expected(config, gap.from_ms, gap.to_ms, opens, refused.get(gap.symbol, ()))
        found += outcome(gap, wanted, asked.bars.get(gap.symbol, {}))
    return found


def found_in(
    new: Bars, before: Mapping[str, int], config: VenueConfig, opens: Sequence[int], refused: Refusals
) -> list[Gap]:
    """Bars missing between a symbol's old watermark (or its first bar) and its newest; nothing before its first."""
    found: list[Gap] = []
    step = config.interval.ms
    for symbol, series in sorted(new.items()):
        from_ms = before[symbol] + step if symbol in before else min(series)
        wanted = _expected(config, from_ms, max(series), opens, refused.get(symbol, ()))
        found += find(symbol, wanted, series)
    return found


def _expected(
    config: VenueConfig, from_ms: int, to_ms: int, opens: Sequence[int], refused: Collection[int]
) -> Sequence[int]:
    """As `expected`; and where the symbol had a row that was refused, there is a bar, whoever else has one then."""
    on_grid = {at_ms for at_ms in refused if at_ms % config.interval.ms == 0}
    others = sorted({*opens, *on_grid}) if on_grid else opens
    return expected(config.calendar, config.interval, from_ms, to_ms, others)
