"""The paper venue under the contract: its market are the bars that it is given."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

from shared.config import Paper
from shared.model import Candle, Interval
from shared.venues.paper import PaperVenue
from shared.venues.venue import Trading
from tests.sandbox.setup import listed
from tests.unit.desk.native_sql import NativeSql
from tests.unit.venues.contract.world import CASH, PLENTY, PRICE, World

MINUTE_MS = 60_000
SHARE_BPS = 1000
VOLUME = PLENTY * 10_000 // SHARE_BPS * 4
"""What lets a little more than `PLENTY` be taken out of one bar."""


class PaperWorld(World):
    """Each price is one bar that opens there and moves a tick; thin trade is a bar of so little volume."""

    name = "the paper venue"
    instrument = listed("AAA")

    def __init__(self, *, resting_stops: bool = False) -> None:
        self._rules = paper_rules(resting_stops)
        self._sql = NativeSql()
        self._next_ms = 1_700_000_040_000 // MINUTE_MS * MINUTE_MS
        self.venue: PaperVenue = self.again()
        self._bar(PRICE, VOLUME)

    def run(self, work: Any) -> Any:
        return asyncio.run(work)

    def move(self, *prices: str) -> None:
        for price in prices:
            self._bar(Decimal(price), VOLUME)

    def thin(self, qty: str, price: str) -> None:
        self._bar(Decimal(price), Decimal(qty) * 10_000 / SHARE_BPS)

    def market_ms(self) -> int:
        return self._next_ms

    def later(self) -> int:
        self._bar(PRICE, Decimal(0))
        return MINUTE_MS

    def again(self) -> PaperVenue:
        made = PaperVenue(self._sql)
        made.configure(self._rules, {self.instrument.id: self.instrument}, cash={self.instrument.quote: CASH})
        return made

    def _bar(self, price: Decimal, volume: Decimal) -> None:
        tick = self.instrument.tick
        bar = Candle(
            instrument=self.instrument.id,
            interval=Interval.M1,
            open_time_ms=self._next_ms,
            open=price,
            high=price + tick,
            low=price - tick,
            close=price,
            volume=volume,
        )
        self._next_ms += MINUTE_MS
        self.venue.on_bars([bar])


def paper_rules(resting_stops: bool) -> Paper:
    return Paper(fee_bps=Decimal(10), slippage_bps=Decimal(5), volume_share_bps=SHARE_BPS, resting_stops=resting_stops)


def check(venue: PaperVenue) -> Trading:
    """The paper venue is one, to the type checker too."""
    return venue
