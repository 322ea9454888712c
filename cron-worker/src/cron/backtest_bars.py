"""The bars of a backtest: gathered once from the archive, then the same for all of its runs."""

from __future__ import annotations

import gzip
import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from cron import bars
from cron.backtest_coverage import Kept, Known, coverage, several
from cron.context import Context
from shared.archive import keys
from shared.archive.candles import CandleArchive
from shared.backtest import MAX_GATHERED, BacktestOrder, NoBars
from shared.errors import Invalid, NotFound, StorageUnavailable, TooLarge
from shared.jsontext import read_json
from shared.model import Interval
from shared.ports import Statement

DAY_MS = 86_400_000
MAX_OBJECTS = 600
"""Of the archive: each is a platform operation, and an invocation has 1,000."""
MAX_ROWS = 5_000_000
"""Of all symbols in those objects: each is read to find the ones that are wanted."""
STRETCH_BARS = 20_000
"""About as many rows stand in memory as text at once."""
MAX_UNITS = 60
"""Of one stretch: each is one object, or for the newest some dozens."""
LEVEL = 6
_BARS = "bars"
_INSTRUMENTS = "SELECT symbol, body FROM instruments WHERE venue = ? ORDER BY symbol"
_MARKS = "SELECT symbol, first_open_time_ms, open_time_ms FROM watermarks WHERE venue = ? AND interval = ?"
_OBJECTS = (
    "SELECT count(*) AS objects, sum(rows) AS rows FROM archive_objects"
    " WHERE venue = ? AND interval = ? AND to_ms >= ? AND from_ms <= ?"
)
Columns = dict[str, dict[str, list[Any]]]


class Held(NamedTuple):
    """What the archive can hold of what was asked for: open times, symbols where not all are meant, and how many."""

    from_ms: int
    to_ms: int
    symbols: Collection[str] | None
    listed: int


def packed(value: Any) -> bytes:
    """Gzip JSON without a time in its header: the same value is the same bytes."""
    return gzip.compress(json.dumps(value, separators=(",", ":"), allow_nan=False).encode(), LEVEL, mtime=0)


async def gather(context: Context, backtest: str, order: BacktestOrder) -> int:
    """Writes the backtest's bars and instruments as one object; how many bars. Raises `NoBars`, `TooLarge`, `NotFound`."""
    db = context.ports.db
    about = (order.venue, order.interval.value)
    listed, rows = await db.read([Statement(_INSTRUMENTS, (order.venue,)), Statement(_MARKS, about)])
    marks = {str(row["symbol"]): (int(row["first_open_time_ms"]), int(row["open_time_ms"])) for row in rows}
    held = _held(order, marks)
    found = (await db.rows(_OBJECTS, *about, held.from_ms, held.to_ms))[0]
    for name, most in (("objects", MAX_OBJECTS), ("rows", MAX_ROWS)):
        if (found[name] or 0) > most:
            told = f"the span touches {found[name]} {name} of the archive, more than {most}"
            raise TooLarge(f"{told}; ask for a shorter one")
    opens: set[int] = set()
    market = await _read(context, order, held, opens)
    instruments = {str(row["symbol"]): row["body"] for row in listed if row["symbol"] in {*market, *order.symbols}}
    if missing := sorted(market.keys() - instruments.keys()):
        raise NotFound(f"symbols: {missing[0]!r} has bars and is not listed; leave it out", code="unknown_instrument")
    listings = {symbol: read_json(body) for symbol, body in instruments.items()}
    kept = {
        symbol: Kept(market[symbol]["t"] if symbol in market else (), marks.get(symbol), listing.get("listed_ms", 0))
        for symbol, listing in listings.items()
    }
    venue = context.settings.VENUES.get(order.venue)
    calendar = venue.calendar if venue else None
    newest_ms = max(last_ms for _, last_ms in marks.values())
    known = Known(held.from_ms, held.to_ms, sorted(opens), calendar, newest_ms, several(marks.values()))
    body = {
        "instruments": [listing for symbol, listing in listings.items() if symbol in market],
        "market": market,
        "coverage": coverage(order, kept, known).wire(),
    }
    await context.ports.store.put(keys.backtest_key(backtest, _BARS), packed(body))
    return sum(len(columns["t"]) for columns in market.values())


async def load(context: Context, backtest: str) -> dict[str, Any]:
    """What `gather` wrote: `instruments`, `market` and `coverage`, as the brain takes them."""
    key = keys.backtest_key(backtest, _BARS)
    body = await context.ports.store.get(key)
    if body is None:
        raise StorageUnavailable(f"{key} is not in R2", key=key)
    try:
        found: dict[str, Any] = read_json(gzip.decompress(body))
    except (OSError, EOFError) as error:
        raise Invalid.field(key, f"{len(body)} bytes", f"is not gzip: {error}", "ask for the backtest again") from None
    return found


def stretches(interval: Interval, held: Held) -> Iterator[tuple[int, int]]:
    """The range in parts that end with a unit of compaction, so that a compacted object is read once."""
    unit_days = 1 if len(keys.unit_of(keys.day_of(held.from_ms), interval)) == len("YYYY-MM-DD") else 31
    rows = max(1, unit_days * DAY_MS // interval.ms) * max(1, held.listed)
    units = min(MAX_UNITS, max(1, STRETCH_BARS // rows))
    from_ms = held.from_ms
    while from_ms <= held.to_ms:
        end_ms = from_ms
        for _ in range(units):
            end_ms = _next_unit(end_ms, interval)
        yield from_ms, min(end_ms - 1, held.to_ms)
        from_ms = end_ms


def _next_unit(at_ms: int, interval: Interval) -> int:
    unit = keys.unit_of(keys.day_of(at_ms), interval)
    day_ms = at_ms - at_ms % DAY_MS
    while keys.unit_of(keys.day_of(day_ms), interval) == unit:
        day_ms += DAY_MS
    return day_ms


def _held(order: BacktestOrder, marks: Mapping[str, tuple[int, int]]) -> Held:
    wanted = [symbol for symbol in marks if not order.symbols or symbol in order.symbols]
    span = order.span
    if wanted:
        from_ms = max(span.from_ms, min(marks[symbol][0] for symbol in wanted))
        to_ms = min(span.to_ms, max(marks[symbol][1] for symbol in wanted))
        if from_ms <= to_ms:
            return Held(from_ms, to_ms, set(wanted) if order.symbols else None, len(wanted))
    raise _no_bars(order)


async def _read(context: Context, order: BacktestOrder, held: Held, opens: set[int]) -> Columns:
    archive = CandleArchive(context.ports.db, context.ports.store, order.venue, order.interval)
    market: Columns = {}
    count = 0
    for from_ms, to_ms in stretches(order.interval, held):
        found = await archive.read(from_ms, to_ms, held.symbols, opens)
        for symbol, columns in bars.market([row for series in found.values() for row in series.values()]).items():
            count += len(columns["t"])
            known = market.setdefault(symbol, {name: [] for name in columns})
            for name, values in columns.items():
                known[name].extend(values)
        if count > MAX_GATHERED:
            raise TooLarge(f"these are more than {MAX_GATHERED} bars; ask for a shorter span or for fewer symbols")
    if not count:
        raise _no_bars(order)
    return {symbol: market[symbol] for symbol in sorted(market)}


def _no_bars(order: BacktestOrder) -> NoBars:
    whose = ", ".join(order.symbols[:5]) or "any symbol"
    span = f"{order.span.from_ms} to {order.span.to_ms}"
    return NoBars(
        f"span: the archive has no {order.interval.value} bar of {order.venue} for {whose} from {span};"
        " GET /v1/candles shows what there is"
    )
