"""What the desk can be asked or told. The shell makes these from requests, from the venue's answers and from timers."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from shared.config import Limits, Paper
from shared.model import Instrument, Level, OrderKind, Proposal, Quote, Side
from shared.venues.venue import OrderReport


@dataclass(frozen=True, slots=True)
class Open:
    """Create the desk, or tell an existing one its limits and instruments anew."""

    desk: str
    mode: str
    venue: str
    interval_ms: int
    currency: str
    cash: Decimal
    limits: Limits
    paper: Paper
    instruments: tuple[Instrument, ...]


@dataclass(frozen=True, slots=True)
class Propose:
    proposal: Proposal


@dataclass(frozen=True, slots=True)
class Place:
    """An order by hand."""

    client_id: str
    by: str
    instrument: str
    side: Side
    kind: OrderKind
    qty: Decimal
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    target_price: Decimal | None = None
    reduce_only: bool = False


@dataclass(frozen=True, slots=True)
class Cancel:
    client_id: str
    by: str
    reason: str = "asked"


@dataclass(frozen=True, slots=True)
class HaltDesk:
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class RequestResume:
    by: str
    reason: str
    confirm_hash: str


@dataclass(frozen=True, slots=True)
class ConfirmResume:
    by: str
    confirm_hash: str


@dataclass(frozen=True, slots=True)
class ExpireResume:
    pass


@dataclass(frozen=True, slots=True)
class Trigger:
    """A level that somebody saw crossed by `price` at `market_ms`; `received_ms` is the wall time of that price."""

    level: Level
    price: Decimal
    market_ms: int
    received_ms: int

    @classmethod
    def by_quote(cls, level: Level, quote: Quote) -> Trigger:
        """A sell exit looks at the bid, a buy exit at the ask."""
        price = quote.bid if level.side is Side.SELL else quote.ask
        return cls(level, price, quote.ts_ms, quote.received_ms)


@dataclass(frozen=True, slots=True)
class Wake:
    """The object came back: whatever had no answer is unknown."""


@dataclass(frozen=True, slots=True)
class Reported:
    """The venue's answer about one order."""

    report: OrderReport


@dataclass(frozen=True, slots=True)
class Unanswered:
    """An order went out, and no answer came that could be read."""

    client_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class TurnedDown:
    """The venue said no to the order."""

    client_id: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class NotKnown:
    """The venue answered that it does not know the order."""

    client_id: str


Command = (
    Open
    | Propose
    | Place
    | Cancel
    | HaltDesk
    | RequestResume
    | ConfirmResume
    | ExpireResume
    | Trigger
    | Wake
    | Reported
    | Unanswered
    | TurnedDown
    | NotKnown
)
