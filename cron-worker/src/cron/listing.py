"""The venue's instruments in D1."""

from __future__ import annotations

import json

from cron.context import Context
from shared.market.retry import Backoff, retrying
from shared.model import Instrument
from shared.ports import Statement
from shared.venues.trouble import Trouble

_UPSERT = (
    "INSERT INTO instruments (id, venue, symbol, body, updated_ms)"
    " SELECT json_extract(value, '$[0]'), ?1, json_extract(value, '$[1]'), json_extract(value, '$[2]'), ?2"
    " FROM json_each(?3) WHERE true ON CONFLICT (id) DO UPDATE SET body = excluded.body,"
    " updated_ms = excluded.updated_ms WHERE instruments.body <> excluded.body"
)
SELECT = "SELECT body FROM instruments WHERE venue = ? ORDER BY symbol"


async def sync(context: Context, venue: str) -> tuple[list[Instrument], Trouble]:
    """Asks the venue and stores what is new or changed; what is no longer listed stays. Raises `VenueUnavailable`."""
    ports, trouble = context.ports, Trouble()
    market = ports.markets(venue, trouble)
    found = await retrying(market.instruments, Backoff(), ports.waits, ports.jitter)
    body = json.dumps([[each.id, each.symbol, each.json_text()] for each in found])
    await ports.db.batch([Statement(_UPSERT, (venue, context.now_ms, body))])
    return found, trouble


async def stored(context: Context, venue: str) -> list[Instrument]:
    """What D1 holds, by symbol."""
    return [Instrument.parse(str(row["body"])) for row in await context.ports.db.rows(SELECT, venue)]
