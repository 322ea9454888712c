"""What became of a desk's trades: told by the desk, for the brain's decisions to learn from with the next scan."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from cron.context import Context
from shared import log
from shared.errors import DeskError
from shared.model import Trade

_log = log.get("cron.outcomes")


class Told(NamedTuple):
    """`outcomes` as the brain takes them; `seq`: the event of the desk's log up to which they are told."""

    outcomes: list[dict[str, Any]]
    seq: int


async def after(context: Context, desk: str, seq: int, close_ms: int) -> Told | None:
    """Of the trades that ended after that event of the desk's log; None where the desk does not say.

    Those that ended after `close_ms`, at which the scan ends, are left for the next scan. So are all where the desk is silent.
    """
    try:
        answer = await context.ports.desks.named(desk).call("trades", {"after_seq": seq})
        trades = [Trade.parse(json.dumps(each)) for each in answer["items"]]
    except DeskError as error:
        about = {"desk": desk, "code": error.error_code, "detail": error.detail}
        _log.warning("outcomes_unknown", extra=about)
        return None
    if int(answer["seq"]) < seq:
        # another log: the desk was set up anew
        return await after(context, desk, 0, close_ms)
    left = [trade.seq - 1 for trade in trades if trade.closed_ms > close_ms]
    found = [trade.outcome() for trade in trades if trade.closed_ms <= close_ms]
    return Told([each.wire() for each in found if each is not None], min(left, default=int(answer["seq"])))


def until(outcomes: list[dict[str, Any]], close_ms: int) -> list[dict[str, Any]]:
    """Those that a part of the scan, up to that close, may know of."""
    return [each for each in outcomes if each["closed_ms"] <= close_ms]
