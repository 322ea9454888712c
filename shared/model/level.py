"""A price that the Book watches for the Desk."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from shared.model import exact
from shared.model.base import Model
from shared.model.exact import Positive
from shared.model.instrument import InstrumentId
from shared.model.quote import Quote
from shared.model.side import Side


class LevelKind(StrEnum):
    STOP = "stop"
    TARGET = "target"


class Level(Model):
    """`side` is that of the exit order: a sell looks at the bid, a buy at the ask, what it would trade at."""

    instrument: InstrumentId
    kind: LevelKind
    side: Side
    price: Positive

    def crossed_by(self, quote: Quote) -> bool:
        """A stop is crossed by a worse price, a target by a better one; touching counts."""
        if self.side is Side.SELL:
            return quote.bid <= self.price if self.kind is LevelKind.STOP else quote.bid >= self.price
        return quote.ask >= self.price if self.kind is LevelKind.STOP else quote.ask <= self.price


def distance(level: Level, quote: Quote) -> Decimal:
    """How far the quote is from the level, in price units, never negative."""
    at = quote.bid if level.side is Side.SELL else quote.ask
    return abs(exact.subtract(at, level.price))
