"""What can happen to the account itself. Fields change only together with `v` and an upcaster."""

from __future__ import annotations

from pydantic import Field, JsonValue

from shared.config import DeskName, Limits, Mode, Paper, TradingVenue
from shared.desk.event import Event
from shared.desk.state import Timebase
from shared.model import Exact, HexId, Instrument, InstrumentId, Money, NotNegative, Positive, Side, VenueName, exact
from shared.model.money import Asset


class DeskOpened(Event):
    kind = "desk_opened"
    desk: DeskName
    mode: Mode
    venue: VenueName
    interval_ms: int
    currency: Asset
    cash: Positive
    limits: Limits
    paper: Paper
    protections: dict[str, dict[str, JsonValue]] = Field(default_factory=dict)
    trading: TradingVenue = TradingVenue()
    rehearsed_as: DeskName | None = None
    rehearsal_days: int = 30


class LimitsChanged(Event):
    kind = "limits_changed"
    limits: Limits
    paper: Paper
    rehearsed_as: DeskName | None = None
    rehearsal_days: int = 30


class ProtectionsChanged(Event):
    """All of them, by name, with their settings."""

    kind = "protections_changed"
    protections: dict[str, dict[str, JsonValue]]


class InstrumentsListed(Event):
    """`instruments` are the new and the changed ones; `removed` take no entries any more."""

    kind = "instruments_listed"
    instruments: tuple[Instrument, ...]
    removed: tuple[InstrumentId, ...] = ()


class EquityMarked(Event):
    """A new peak, or a new market day."""

    kind = "equity_marked"
    peak: Exact
    day_ms: int
    day_start: Exact


class Reduced(Event):
    """Entries stop until `until_ms` on `clock`; None: until the cause is gone or a person resumes."""

    kind = "reduced"
    code: str
    by: str
    reason: str
    until_ms: int | None = None
    clock: Timebase = Timebase.WALL


class ReductionLifted(Event):
    kind = "reduction_lifted"
    code: str
    reason: str


class Halted(Event):
    """`code` is the protection's, or `asked`, or `integrity`; not to be resumed before `hold_until_ms` (wall time)."""

    kind = "halted"
    by: str
    reason: str
    code: str = "asked"
    hold_until_ms: int = 0
    flatten: bool = False


class ResumeRequested(Event):
    kind = "resume_requested"
    by: str
    reason: str
    confirm_hash: str
    expires_ms: int


class ResumeExpired(Event):
    kind = "resume_expired"


class Resumed(Event):
    kind = "resumed"
    by: str
    reason: str


class VenueLost(Event):
    """No call was answered since `since_ms` (wall time)."""

    kind = "venue_lost"
    since_ms: int
    detail: str


class VenueBack(Event):
    kind = "venue_back"


class FillFound(Event):
    """A fill of the venue that belongs to no order of the desk: booked all the same, with its `value` in quote."""

    kind = "fill_found"
    fill_id: str
    instrument: InstrumentId
    side: Side
    qty: Positive
    price: Positive
    fee: Money
    ts_ms: int
    value: NotNegative
    explanation: str


class DifferenceFound(Event):
    """`id` is the same for the same difference, however often it is seen."""

    kind = "difference_found"
    id: HexId
    difference: str
    subject: str
    ours: str
    theirs: str
    detail: str


class DifferenceResolved(Event):
    kind = "difference_resolved"
    id: HexId
    how: str
    by: str
    reason: str = ""


class LedgerAdjusted(Event):
    """Booked outside of any fill: `amount` of an asset, or `qty` of an instrument at `cost` (quote, signed as qty)."""

    kind = "ledger_adjusted"
    asset: Asset | None = None
    amount: Exact = exact.ZERO
    instrument: InstrumentId | None = None
    qty: Exact = exact.ZERO
    cost: Exact = exact.ZERO
    by: str
    reason: str


class ArmRequested(Event):
    kind = "arm_requested"
    by: str
    reason: str
    confirm_hash: str
    expires_ms: int
    until_ms: int


class Armed(Event):
    kind = "armed"
    by: str
    reason: str
    until_ms: int


class Disarmed(Event):
    kind = "disarmed"
    by: str
    reason: str
