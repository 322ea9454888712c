"""Candles: the hot window where it reaches, else the archive. Newest first, as everywhere."""

from __future__ import annotations

from typing import Annotated, NamedTuple, Self

from fastapi import Query
from pydantic import Field, model_validator
from starlette.responses import Response

from router.answers import page, text_of
from router.paging import PageQuery, read_cursor, write_cursor
from router.ports import Ports
from router.resources.common import TheCaller, ThePorts
from router.routes import Routes
from shared.archive import hot, keys
from shared.archive.candles import CandleArchive
from shared.archive.ndjson import Row
from shared.errors import NotFound, StorageUnavailable
from shared.model import Interval, Symbol, VenueName
from shared.ports import Statement

ROUTES = Routes()
MAX_MS = 2**53 - 1
REACH = 3
"""A page of n bars looks back at most 3n intervals, for sessions have nights and weekends; it may be shorter than n."""

_FIELDS = ("open", "high", "low", "close", "volume")
_KNOWN = "SELECT id FROM instruments WHERE id = ?"
_MARK = "SELECT open_time_ms, first_open_time_ms FROM watermarks WHERE venue = ? AND symbol = ? AND interval = ?"


class CandlesQuery(PageQuery):
    """Which bars; times are open times, both ends included."""

    venue: VenueName
    symbol: Symbol
    interval: Interval
    from_ms: int = Field(default=0, ge=0, le=MAX_MS)
    to_ms: int = Field(default=MAX_MS, ge=0, le=MAX_MS)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.from_ms > self.to_ms:
            raise ValueError(f"from_ms {self.from_ms} must not be after to_ms {self.to_ms}")
        return self


class Span(NamedTuple):
    """Bars by open time, complete from `covered_from` on."""

    bars: list[Row]
    covered_from: int


@ROUTES.get("/v1/candles")
async def list_candles(caller: TheCaller, ports: ThePorts, query: Annotated[CandlesQuery, Query()]) -> Response:
    """Closed bars with from_ms <= open time <= to_ms, newest first."""
    before = read_cursor(query.cursor, "candles", (int,))
    instrument = f"{query.venue}:{query.symbol}"
    mark_of = Statement(_MARK, (query.venue, query.symbol, query.interval.value))
    known, marks = await caller.read(Statement(_KNOWN, (instrument,)), mark_of)
    if not known and not marks:
        raise NotFound("there is no such instrument", code="unknown_instrument")
    about = {"instrument": instrument, "interval": query.interval.value}
    if not marks:
        return page([], None, **about)
    low = max(query.from_ms, int(marks[0]["first_open_time_ms"]))
    high = min(query.to_ms, int(marks[0]["open_time_ms"]), int(before[0]) - 1 if before else MAX_MS)
    if low > high:
        return page([], None, **about)
    span = await _hot(ports, query, low, high) or await _archived(ports, query, low, high)
    shown = span.bars[: query.limit]
    more = len(span.bars) > query.limit or span.covered_from > low
    go_on = shown[-1].open_time_ms if len(span.bars) >= query.limit else span.covered_from
    next_cursor = write_cursor("candles", (go_on,)) if more else None
    return page((_item(bar) for bar in shown), next_cursor, **about)


async def _hot(ports: Ports, query: CandlesQuery, low: int, high: int) -> Span | None:
    """The page from the hot window; None where it is behind, does not reach back far enough, or does not answer."""
    try:
        packed = await ports.hot.get(keys.hot_key(query.venue, query.interval))
    except StorageUnavailable:
        # a cache that does not answer has nothing; the archive has everything
        return None
    series = hot.from_bytes(packed, query.venue, query.interval, bars=MAX_MS).series.get(query.symbol, {})
    if not series or max(series) < high:
        return None
    oldest = min(series)
    bars = _newest_first(series, low, high)
    if len(bars) < query.limit and oldest > low:
        return None
    return Span(bars, max(oldest, low))


async def _archived(ports: Ports, query: CandlesQuery, low: int, high: int) -> Span:
    start = max(low, high - REACH * query.limit * query.interval.ms)
    archive = CandleArchive(ports.db, ports.archive, query.venue, query.interval)
    found = await archive.read(start, high, {query.symbol})
    return Span(_newest_first(found.get(query.symbol, {}), start, high), start)


def _newest_first(series: dict[int, Row], low: int, high: int) -> list[Row]:
    return [series[at_ms] for at_ms in sorted(series, reverse=True) if low <= at_ms <= high]


def _item(bar: Row) -> str:
    return text_of({"open_time_ms": bar.open_time_ms, **dict(zip(_FIELDS, bar[2:], strict=True))})
