"""What the desk can be asked or told. The shell makes these from requests, from the venue's answers and from timers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from shared.config import Limits, Mode, Paper, TradingVenue
from shared.model import Instrument, Level, Order, OrderKind, Proposal, Quote, Side, TimeInForce
from shared.venues.venue import AccountView, Credentials, OrderReport


class LiveFacts(NamedTuple):
    """What the gate to real money needs to know from outside of the log; None where it could not be found out.

    `setting_live`: the worker's own setting allows it, `setting_own`: it allows the desk's present mode. `record_days` are the
    wall days on which the rehearsal desk's journal holds anything, `record_open` the differences that it never resolved.
    """

    setting_live: bool
    setting_own: bool = True
    credentials: Credentials | None = None
    record_days: int | None = None
    record_open: int | None = None


@dataclass(frozen=True, slots=True)
class Open:
    """Create the desk, or tell an existing one its limits and instruments anew."""

    desk: str
    mode: Mode
    venue: str
    interval_ms: int
    currency: str
    cash: Decimal
    limits: Limits
    paper: Paper
    instruments: tuple[Instrument, ...]
    protections: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    trading: TradingVenue = field(default_factory=TradingVenue)
    rehearsed_as: str | None = None
    rehearsal_days: int = 30


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
    trigger_price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    good_till_ms: int | None = None
    post_only: bool = False
    stop_price: Decimal | None = None
    target_price: Decimal | None = None
    trail_distance: Decimal | None = None
    reduce_only: bool = False


@dataclass(frozen=True, slots=True)
class Replace:
    """Another quantity or price for an open order: the old one is cancelled, then `new_id` takes its place for what is left.

    `qty` is the new total, fills of the old one included; None keeps what it was.
    """

    client_id: str
    new_id: str
    by: str
    qty: Decimal | None = None
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class SetLevels:
    """A person moves the levels of a position, all three at once; None takes one away."""

    instrument: str
    by: str
    stop_price: Decimal | None = None
    target_price: Decimal | None = None
    trail_distance: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Cancel:
    client_id: str
    by: str
    reason: str = "asked"


@dataclass(frozen=True, slots=True)
class Resolve:
    """A person's word on an order that the venue cannot be asked about: it was `placed` (under `venue_order_id`), or never."""

    client_id: str
    by: str
    placed: bool
    reason: str
    venue_order_id: str | None = None


@dataclass(frozen=True, slots=True)
class HaltDesk:
    by: str
    reason: str
    flatten: bool = False


@dataclass(frozen=True, slots=True)
class Review:
    """Nobody asks for anything: prices moved or time passed, and protections, trailing stops, brackets and ends are looked at."""


@dataclass(frozen=True, slots=True)
class VenueSilent:
    """The last call of the venue since `since_ms` (wall time) had no answer that could be read."""

    since_ms: int
    detail: str


@dataclass(frozen=True, slots=True)
class VenueAnswered:
    pass


@dataclass(frozen=True, slots=True)
class DeadMan:
    """`what` (`cron` or `data`) has been silent for `silent_ms`; 0 when it is back."""

    what: str
    silent_ms: int


@dataclass(frozen=True, slots=True)
class Looked:
    """The venue's side of the ledger. `touched` are instruments whose orders moved during the look: they are left for the next one.

    `seen_before` are the differences of the look before this one, by id: what is seen once may be in flight. `whole`: nothing
    moved during the look.
    """

    account: AccountView
    known_orders: Mapping[str, Order]
    touched: frozenset[str] = frozenset()
    seen_before: frozenset[str] = frozenset()
    whole: bool = True


@dataclass(frozen=True, slots=True)
class LookFailed:
    reason: str


@dataclass(frozen=True, slots=True)
class Accept:
    """A person takes the venue's side of a difference over into the ledger."""

    difference: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class RequestArm:
    by: str
    reason: str
    confirm_hash: str
    until_ms: int


@dataclass(frozen=True, slots=True)
class ConfirmArm:
    by: str
    confirm_hash: str


@dataclass(frozen=True, slots=True)
class Disarm:
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class CheckGate:
    """What the shell looked up for the live gate."""

    facts: LiveFacts


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
class Sending:
    """The order is about to leave."""

    client_id: str


@dataclass(frozen=True, slots=True)
class Reported:
    """The venue's answer about one order."""

    report: OrderReport

    @property
    def client_id(self) -> str:
        return self.report.client_id


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


AboutOrder = Sending | Reported | Unanswered | TurnedDown | NotKnown
"""What an order's way to the venue and back consists of."""

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
    | Replace
    | SetLevels
    | Resolve
    | Review
    | VenueSilent
    | VenueAnswered
    | DeadMan
    | Looked
    | LookFailed
    | Accept
    | RequestArm
    | ConfirmArm
    | Disarm
    | CheckGate
    | Sending
    | Reported
    | Unanswered
    | TurnedDown
    | NotKnown
)
