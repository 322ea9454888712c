"""Job `ingest`: what closed since each symbol's watermark goes into R2, D1 and KV. Scope: a venue."""

from __future__ import annotations

import json
from typing import NamedTuple

from cron import gaps, listing
from cron.context import Context, Done, Ingested
from shared import log
from shared.archive import hot, keys, ndjson
from shared.archive.candles import Bars, CandleArchive, flat
from shared.config import VenueConfig
from shared.errors import Refused, StorageUnavailable, VenueUnavailable
from shared.market import plan
from shared.market.bucket import Bucket
from shared.market.gaps import Gap
from shared.market.ingest import Fetched, Fetcher
from shared.market.retry import Backoff, retrying
from shared.model import Instrument
from shared.ports import Statement
from shared.venues.trouble import Trouble
from shared.venues.venue import VenueClock

_WATERMARKS = "SELECT symbol, open_time_ms FROM watermarks WHERE venue = ? AND interval = ?"
_MARKET = (
    "INSERT INTO markets (venue, interval, market_ms, complete, at_ms, ended) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (venue, interval) DO UPDATE SET market_ms = excluded.market_ms, complete = excluded.complete,"
    " at_ms = excluded.at_ms, ended = excluded.ended"
)
_log = log.get("cron.ingest")


class Known(NamedTuple):
    """What D1 said before the run."""

    instruments: list[Instrument]
    marks: dict[str, int]
    gaps: list[Gap]


async def run(context: Context) -> Done:
    """Fetches, archives, then caches. Raises `VenueUnavailable` when nothing at all could be asked."""
    venue, ports = context.scope, context.ports
    config, trouble = context.venue(venue), Trouble()
    market = ports.markets(venue, trouble)
    clock = await retrying(market.clock, Backoff(), ports.waits, ports.jitter)
    known = await _known(context, config)
    listed = {each.symbol: each.listed_ms for each in known.instruments}
    history_ms = plan.history_start_ms(clock.market_ms, config.interval, config.history_bars, config.calendar)
    wanted = plan.starts(listed, known.marks, history_ms, clock.market_ms, config.interval)
    bucket = Bucket(config.rate_per_s, ports.clock, ports.waits)
    fetcher = Fetcher(market, bucket, ports.waits, ports.jitter, trouble, config.concurrency)
    fetched = await fetcher.fetch(wanted, config.interval, clock.market_ms)
    if wanted and len(fetched.failed) == len(wanted) and not fetched.rows:
        raise VenueUnavailable(f"{venue}: every symbol failed: {next(iter(fetched.failed.values()))}")
    asked = await gaps.ask(fetcher, known.gaps, config.interval)
    ingested, counts = await _keep(context, config, clock, known, fetched, asked, trouble.refused_at)
    counts |= {"symbols_wanted": len(wanted), "symbols_failed": len(fetched.failed), "calls": fetcher.calls}
    counts |= {"incomplete": int(not fetched.complete)} | dict(trouble.counts)
    problems = [f"{symbol}: {why}" for symbol, why in list(fetched.failed.items())[:5]]
    problems += [f"refused {sample}" for sample in trouble.samples]
    return Done(counts, tuple(problems), ingested)


async def _known(context: Context, config: VenueConfig) -> Known:
    venue, interval = context.scope, config.interval.value
    statements = [Statement(listing.SELECT, (venue,)), Statement(_WATERMARKS, (venue, interval))]
    bodies, marks, open_gaps = await context.ports.db.read([*statements, gaps.select(venue, interval)])
    instruments = [Instrument.parse(str(row["body"])) for row in bodies]
    if not instruments:
        instruments, _ = await listing.sync(context, venue)
    return Known(
        instruments, {str(row["symbol"]): int(row["open_time_ms"]) for row in marks}, gaps.from_rows(open_gaps)
    )


async def _keep(
    context: Context,
    config: VenueConfig,
    clock: VenueClock,
    known: Known,
    fetched: Fetched,
    asked: gaps.Asked,
    refused: gaps.Refusals,
) -> tuple[Ingested, dict[str, int]]:
    """R2 first, then index, watermarks, gaps and how far it all goes in one D1 batch, then the caches: a crash between
    leaves an object that nobody reads, which the same run overwrites and compaction sweeps."""
    archive = CandleArchive(context.ports.db, context.ports.store, context.scope, config.interval)
    new: Bars = {s: {t: ndjson.row(each) for t, each in sorted(bars.items())} for s, bars in fetched.bars.items()}
    marks = {**known.marks, **{symbol: max(bars) for symbol, bars in new.items()}}
    counts = {"bars": fetched.rows, "symbols": len(new), "gap_bars": sum(map(len, asked.bars.values()))}
    rows = flat(new) + flat(asked.bars)
    window = await _window(context, config, archive, known.marks, counts) if rows or asked.gaps else None
    if window is not None:
        window.add(rows)
    opens = window.open_times() if window else sorted({t for bars in new.values() for t in bars})
    found = gaps.found_in(new, known.marks, config, opens, refused)
    settled = gaps.settled(asked, config, opens, refused)
    told = (clock.market_ms, int(fetched.complete), context.ports.clock.now_ms(), int(clock.ended))
    statements = [Statement(_MARKET, (context.scope, config.interval.value, *told))]
    statements += gaps.upsert(context.scope, config.interval.value, [*settled, *found], context.now_ms)
    if rows:
        stored = await archive.put(rows, context.run)
        touched = {symbol: {**asked.bars.get(symbol, {}), **new.get(symbol, {})} for symbol in {*new, *asked.bars}}
        statements += [archive.index(stored, context.now_ms), archive.watermarks(touched, context.now_ms)]
        counts |= {"objects": 1, "object_bytes": stored.bytes}
    await context.ports.db.batch(statements)
    if rows:
        await _cache(context, config, clock, window, counts)
    counts |= {"gaps_found": len(found), "gaps_settled": sum(each.state != "open" for each in settled)}
    return Ingested(clock.market_ms, new, known.marks, marks, fetched.complete, window), counts


async def _window(
    context: Context, config: VenueConfig, archive: CandleArchive, marks: dict[str, int], counts: dict[str, int]
) -> hot.Window | None:
    """The hot window up to the old watermarks; None when neither KV nor the archive can say."""
    try:
        body = await context.ports.hot.get(keys.hot_key(context.scope, config.interval))
        window = hot.from_bytes(body, context.scope, config.interval, config.history_bars)
        counts["hot_rebuilt_bars"] = await hot.catch_up(window, marks, archive)
    except (StorageUnavailable, Refused) as error:
        _log.warning("hot_unreadable", extra={"venue": context.scope, "detail": error.detail})
        counts["hot_failed"] = 1
        return None
    return window


async def _cache(
    context: Context, config: VenueConfig, clock: VenueClock, window: hot.Window | None, counts: dict[str, int]
) -> None:
    """Writes KV. Its failure costs speed, never data: the next run rebuilds what is missing."""
    ports, venue = context.ports, context.scope
    told = {"market_ms": clock.market_ms, "ended": clock.ended, "at_ms": context.now_ms}
    try:
        await ports.hot.put(keys.clock_key(venue), json.dumps(told, separators=(",", ":")).encode())
        if window is not None:
            body = window.to_bytes()
            await ports.hot.put(keys.hot_key(venue, config.interval), body)
            counts["hot_bytes"] = len(body)
    except StorageUnavailable as error:
        _log.warning("hot_unwritten", extra={"venue": venue, "detail": error.detail})
        counts["hot_failed"] = 1
