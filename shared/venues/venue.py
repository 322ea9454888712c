"""What the desk asks of any venue. A venue is one file here; adding one touches no other.

Failures: `VenueUnavailable` means that nothing is known (time-out, 429, 5xx, an answer that cannot be read or is only a part)
and may be tried again; `Refused` means that the venue said no. An empty answer always means "there are none", never "I could
not ask".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, Protocol

from shared.model import Candle, Fill, Instrument, Interval, Order, OrderStatus, TimeInForce


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


@dataclass(frozen=True, slots=True)
class Offers:
    """What a venue can do. What it cannot is done by the desk, or refused (`not_offered`) before anything is sent.

    `client_ids`: orders are found by the desk's id. Without, an order that had no answer blocks its symbol until it is resolved.
    `resting_stops`: stop orders may rest there. `oco`: groups that end one another. `dead_man`: it cancels by itself when the desk
    falls silent. `account`: it tells balances and positions.
    """

    client_ids: bool = True
    resting_stops: bool = False
    oco: bool = False
    post_only: bool = True
    times_in_force: frozenset[TimeInForce] = frozenset(TimeInForce)
    dead_man: bool = False
    account: bool = True


class Credentials(NamedTuple):
    """What a read-only question about the credentials answered; None where the venue does not say."""

    valid: bool
    may_trade: bool | None = None
    may_withdraw: bool | None = None
    detail: str = ""


class AccountView(NamedTuple):
    """The venue's side of the ledger at one moment: all of it, or the question failed.

    `balances` are totals per asset and `positions` signed quantities per instrument, zeros left out; None where it does not tell.
    `fills` are those since the time asked for (and perhaps some before). An order that the venue does not know by the desk's id
    is called `ids.stand_in(venue_order_id)`, in its report and in its fills.
    """

    orders: tuple[OrderReport, ...]
    fills: tuple[Fill, ...]
    positions: Mapping[str, Decimal] | None
    balances: Mapping[str, Decimal] | None


class MarketData(Protocol):
    async def clock(self) -> VenueClock: ...

    async def instruments(self) -> list[Instrument]: ...

    async def candles(
        self, symbols: Sequence[str], interval: Interval, start_ms: int, limit: int
    ) -> Mapping[str, list[Candle]]:
        """Closed bars from `start_ms` on, ascending and without duplicates, at most `limit` (<= 100) of each of <= 50 symbols."""


class Trading(Protocol):
    @property
    def offers(self) -> Offers: ...

    async def place(self, order: Order) -> OrderReport:
        """Idempotent by `order.client_id` where the venue offers client ids: placing it again answers the state of the first."""

    async def cancel(self, client_id: str, venue_order_id: str | None) -> OrderReport:
        """The order's state afterwards; `NotFound` for one that the venue does not know."""

    async def order(self, client_id: str, venue_order_id: str | None) -> OrderReport | None:
        """None only when the venue answered that it does not know the id."""

    async def account(self, since_ms: int) -> AccountView:
        """Open orders, fills since `since_ms` (market time of the venue), positions and balances; whole, or it raises."""

    async def credentials(self) -> Credentials:
        """Changes nothing at the venue."""

    async def keep_alive(self, within_s: int) -> None:
        """Where it offers a dead-man switch: every open order of the account is cancelled unless this comes again in time; 0 takes
        the switch away. Elsewhere nothing happens."""
