"""A position that was opened and closed again."""

from __future__ import annotations

from typing import Literal, NamedTuple


class ClosedTrade(NamedTuple):
    """`side` is that of the entry; money is in the account's currency, times in milliseconds since 1970 in UTC.

    `pnl` is net of `fees`. `mae` and `mfe` are how far the open position was under and above water at worst and at
    best (maximum adverse, at most 0, and favourable excursion, at least 0). `bars` is how long it was held, `reason` a
    short code for the exit.
    """

    symbol: str
    side: Literal["buy", "sell"]
    qty: float
    entry_ms: int
    exit_ms: int
    entry_price: float
    exit_price: float
    pnl: float
    fees: float
    mae: float
    mfe: float
    bars: int
    reason: str
