"""What the desk asks of any venue. A venue is one file here; adding one touches no other.

Failures: `VenueUnavailable` means that nothing is known (time-out, 429, 5xx, an answer that cannot be read) and may be tried again;
`Refused` means that the venue said no. An empty answer always means "there are none", never "I could not ask".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from shared.model import Candle, Fill, Instrument, Interval, Order, OrderStatus


class VenueClock(NamedTuple):
    """`market_ms`: everything that closed at or before it is final."""

    market_ms: int
    ended: bool = False


class OrderReport(NamedTuple):
    """What the venue says of one order: its state, every fill so far, and a coded reason if it was rejected."""

    client_id: str
    venue_order_id: str | None
    status: OrderStatus
    fills: tuple[Fill, ...] = ()
    reason: str = ""


class MarketData(Protocol):
    async def clock(self) -> VenueClock: ...

    async def instruments(self) -> list[Instrument]: ...

    async def candles(
        self, symbols: Sequence[str], interval: Interval, start_ms: int, limit: int
    ) -> Mapping[str, list[Candle]]:
        """Closed bars from `start_ms` on, ascending and without duplicates, at most `limit` (<= 100) of each of <= 50 symbols."""


class Trading(Protocol):
    async def place(self, order: Order) -> OrderReport:
        """Idempotent by `order.client_id`: placing it again answers the state of the first."""

    async def cancel(self, client_id: str) -> OrderReport: ...

    async def order(self, client_id: str) -> OrderReport | None:
        """None only when the venue answered that it does not know the id."""

    async def open_orders(self) -> list[OrderReport]: ...
