"""Job `report`: what a desk holds and did on one market day, as JSON in R2. Scope: `desk` or `desk/YYYY-MM-DD`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from cron import delivery
from cron.context import Context, Done
from shared.archive import keys
from shared.errors import Invalid, NotFound, StorageUnavailable
from shared.ports import Statement

DAY_MS = 86_400_000
MAX_ROWS = 5000
_FILLS = "SELECT * FROM fills WHERE desk = ? AND ts_ms >= ? AND ts_ms < ? ORDER BY seq LIMIT ?"
_ORDERS = (
    "SELECT body FROM orders WHERE desk = ? AND json_extract(body, '$.market_ms') > ?"
    " AND json_extract(body, '$.market_ms') <= ? ORDER BY intended_seq LIMIT ?"
)
_AS_OF = "SELECT as_of_seq FROM desks WHERE desk = ?"


async def run(context: Context) -> Done:
    """Writes the report and an equity point. Without a day, it is that of the desk's newest bar.

    A fill at midnight happened at the open of the day that begins; an order at midnight was caused by the close of the
    day that ends.

    It waits until the desk's outbox has brought everything: nobody asks for the same day again. `as_of_seq` says how far
    that was.
    """
    desk, _, day = context.scope.partition("/")
    if desk not in context.settings.DESKS:
        raise NotFound(f"desk {desk!r} is not configured")
    peer = context.ports.desks.named(desk)
    lag = (await peer.call("tick", {})).get("outbox_lag")
    if lag:
        raise StorageUnavailable(f"{lag} events of desk {desk} are not in D1 yet; a report without them would stay so")
    view = await peer.call("view", {})
    positions = await peer.call("positions", {})
    if not day:
        # A close at midnight belongs to the day that it ends.
        day = keys.day_of(max(0, int(view.get("market_ms") or 0) - 1))
    from_ms = day_start_ms(day)
    within = (desk, from_ms, from_ms + DAY_MS, MAX_ROWS)
    fills, orders, as_of = await context.ports.db.read(
        [Statement(_FILLS, within), Statement(_ORDERS, within), Statement(_AS_OF, (desk,))]
    )
    body: dict[str, Any] = {
        "v": 1,
        "desk": desk,
        "day": day,
        "made_ms": context.now_ms,
        "as_of_seq": as_of[0]["as_of_seq"] if as_of else 0,
        "view": view,
        "positions": positions["items"],
        "orders": [json.loads(row["body"]) for row in orders],
        "fills": fills,
    }
    key = keys.report_key(desk, day)
    await context.ports.store.put(key, json.dumps(body, separators=(",", ":"), sort_keys=True).encode())
    points = delivery.equity_of(context, desk, view)
    if points:
        await context.ports.db.batch(points)
    return Done({"orders": len(orders), "fills": len(fills), "positions": len(positions["items"])})


def day_start_ms(day: str) -> int:
    """First millisecond of a market date; raises `Invalid`."""
    try:
        return int(datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC).timestamp()) * 1000
    except ValueError:
        raise Invalid.field("scope", day, "must be a date", "write it as YYYY-MM-DD") from None
