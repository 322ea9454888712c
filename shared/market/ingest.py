"""Fetches closed bars in bulk: chunks of symbols side by side, each symbol paged up to the market's clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from shared.errors import DeskError, Refused, Retryable
from shared.market.bucket import Bucket
from shared.market.plan import CHUNK_SYMBOLS, PAGE_BARS, Chunk, chunks, without_done
from shared.market.retry import Backoff, retrying
from shared.model import Candle, Interval
from shared.ports import Waits
from shared.venues.trouble import Trouble
from shared.venues.venue import MarketData

Series = dict[str, dict[int, Candle]]
"""Symbol to open time to bar."""


class Budget(NamedTuple):
    """What one run may use; the rest is left to the next. A validated bar costs about 1 KiB of a worker's memory."""

    calls: int = 60
    bars: int = 10_000


@dataclass
class Fetched:
    """`bars`: what came. `failed`: symbols whose call failed, and why. `complete`: the budget was enough."""

    bars: Series = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    calls: int = 0
    complete: bool = True

    @property
    def rows(self) -> int:
        """Bars of all symbols."""
        return sum(len(series) for series in self.bars.values())

    def add(self, symbol: str, candles: Sequence[Candle], market_ms: int) -> int:
        """Keeps bars that closed by `market_ms`; how many were ahead of it, and belong to the next run."""
        kept = {each.open_time_ms: each for each in candles if each.close_time_ms <= market_ms}
        if kept:
            self.bars.setdefault(symbol, {}).update(kept)
        return len(candles) - len(kept)


class Fetcher:
    """Calls to one venue in one run: paced by a bucket, retried, at most `concurrency` at once, within a budget."""

    def __init__(
        self,
        venue: MarketData,
        bucket: Bucket,
        waits: Waits,
        jitter: Callable[[], float],
        trouble: Trouble,
        concurrency: int = 4,
        budget: Budget | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        self._venue = venue
        self._bucket = bucket
        self._waits = waits
        self._jitter = jitter
        self._trouble = trouble
        self._gate = asyncio.Semaphore(concurrency)
        self._budget = budget or Budget()
        self._backoff = backoff or Backoff()
        self.calls = 0

    async def page(self, chunk: Chunk, interval: Interval, limit: int = PAGE_BARS) -> Mapping[str, list[Candle]]:
        """One call, with its retries; raises `VenueUnavailable` or `Refused`."""

        async def attempt() -> Mapping[str, list[Candle]]:
            async with self._gate:
                await self._bucket.take()
                self.calls += 1
                return await self._venue.candles(chunk.symbols, interval, chunk.start_ms, limit)

        return await retrying(attempt, self._backoff, self._waits, self._jitter, lambda: self._trouble.note("retries"))

    async def fetch(self, starts_ms: Mapping[str, int], interval: Interval, market_ms: int) -> Fetched:
        """Every bar from each symbol's start up to `market_ms`, as far as the budget goes."""
        found = Fetched()
        wanted = without_done(starts_ms, market_ms, interval, ())
        sizes: dict[str, int] = {}
        while wanted:
            planned = _planned(wanted, sizes, interval)
            round_ = self._affordable(planned, found, interval, market_ms)
            if not round_:
                found.complete = False
                break
            answers = await asyncio.gather(*(self._try_page(chunk, interval) for chunk in round_))
            for chunk, answer in zip(round_, answers, strict=True):
                self._take(found, wanted, sizes, chunk, answer, market_ms)
            wanted = without_done(wanted, market_ms, interval, found.failed)
        found.calls = self.calls
        return found

    def _affordable(self, planned: Sequence[Chunk], found: Fetched, interval: Interval, market_ms: int) -> list[Chunk]:
        """The first chunks whose calls and bars, at most, fit; one at least while there are calls and nothing came."""
        chosen: list[Chunk] = []
        rows = found.rows
        for chunk in planned:
            rows += len(chunk.symbols) * min(PAGE_BARS, (market_ms - chunk.start_ms) // interval.ms)
            fits = rows <= self._budget.bars or not (chosen or found.rows)
            if not fits or self.calls + len(chosen) >= self._budget.calls:
                break
            chosen.append(chunk)
        return chosen

    async def _try_page(self, chunk: Chunk, interval: Interval) -> Mapping[str, list[Candle]] | DeskError:
        try:
            return await self.page(chunk, interval)
        except (Retryable, Refused) as error:
            return error

    def _take(
        self,
        found: Fetched,
        wanted: dict[str, int],
        sizes: dict[str, int],
        chunk: Chunk,
        answer: Mapping[str, list[Candle]] | DeskError,
        market_ms: int,
    ) -> None:
        """Moves each symbol's start on, or sets it aside. A refused chunk is asked for again in halves."""
        if isinstance(answer, DeskError):
            self._trouble.note("chunks_failed")
            if isinstance(answer, Refused) and len(chunk.symbols) > 1:
                sizes |= dict.fromkeys(chunk.symbols, (len(chunk.symbols) + 1) // 2)
            else:
                found.failed |= dict.fromkeys(chunk.symbols, answer.detail)
            return
        for symbol in chunk.symbols:
            if symbol not in answer:
                found.failed[symbol] = "the venue left it out of its answer"
                continue
            fresh = [each for each in answer[symbol] if each.open_time_ms >= wanted[symbol]]
            self._trouble.note("bars_ahead", found.add(symbol, fresh, market_ms))
            following = self._following(symbol, fresh, wanted[symbol], market_ms)
            if following is None:
                del wanted[symbol]
            else:
                wanted[symbol] = following

    def _following(self, symbol: str, fresh: Sequence[Candle], start_ms: int, market_ms: int) -> int | None:
        """Where the symbol's next page begins; None when the venue has no more of it."""
        if fresh:
            return fresh[-1].close_time_ms
        # A page of nothing but refused rows is not the end: the bars after it may be good.
        refused_ms = max(self._trouble.refused_at.get(symbol, ()), default=-1)
        return refused_ms + 1 if start_ms <= refused_ms < market_ms else None


def _planned(wanted: Mapping[str, int], sizes: Mapping[str, int], interval: Interval) -> list[Chunk]:
    """Chunks of the usual size, and smaller ones of those symbols whose chunk was refused."""
    found: list[Chunk] = []
    for size in sorted({sizes.get(symbol, CHUNK_SYMBOLS) for symbol in wanted}, reverse=True):
        part = {symbol: at_ms for symbol, at_ms in wanted.items() if sizes.get(symbol, CHUNK_SYMBOLS) == size}
        found += chunks(part, interval, size)
    return found


def merge(*parts: Mapping[int, Candle]) -> dict[int, Candle]:
    """One series of all of them, ascending, each open time once; of two bars of one time the first part's stands."""
    found: dict[int, Candle] = {}
    for part in parts:
        for at_ms, candle in part.items():
            found.setdefault(at_ms, candle)
    return {at_ms: found[at_ms] for at_ms in sorted(found)}
