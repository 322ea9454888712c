"""What a decision may look at beside the state: the time, prices, and what the shell looked up. Prices are not events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from shared.model import Model, Order, Positive
from shared.venues.venue import Offers

OFFERS = Offers()


class Mark(Model):
    """The newest price of one instrument.

    `bar_close_ms` is the close of the newest bar (0: none yet), `market_ms` the market time of `price`, `received_ms` wall time.
    `bid` and `ask` are those of the newest quote, if the price is of one; `before` is the newest close from before `price`.
    """

    price: Positive
    market_ms: int
    received_ms: int
    bar_close_ms: int = 0
    bid: Positive | None = None
    ask: Positive | None = None
    before: Positive | None = None


class Context(NamedTuple):
    """`prior` is the order with the command's client id, open or closed; `known_fills` are the fill ids already booked.

    `reconciled`: since the object woke, the ledger was compared with the venue and nothing was open between them.
    `live_open`: what the live gate last said of a desk that does not trade on paper; None before it was asked.
    """

    now_ms: int
    marks: Mapping[str, Mark]
    market_ms: int = 0
    prior: Order | None = None
    known_fills: frozenset[str] = frozenset()
    offers: Offers = OFFERS
    reconciled: bool = True
    live_open: bool | None = True
