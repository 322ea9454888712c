"""A price that the Book watches for the Desk."""

from __future__ import annotations

from enum import StrEnum

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
