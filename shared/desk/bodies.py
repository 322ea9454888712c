"""What each method of the desk takes, as strict models: an unknown field, a float or a wrong type is `Invalid`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from shared.config import DeskName, Limits, Mode, Paper, Protections, TradingVenue
from shared.model import (
    Candle,
    HexId,
    Instrument,
    InstrumentId,
    Interval,
    Level,
    Model,
    Positive,
    Proposal,
    Quote,
    Ticket,
    VenueName,
)
from shared.model.money import Asset

MOST_PROPOSALS = 1000
MOST_CANDLES = 5000
MOST_QUOTES = 1000

By = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Key = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=500)]
_LENGTHS = {interval.ms for interval in Interval}


def _interval_ms(value: int) -> int:
    if value not in _LENGTHS:
        raise ValueError(f"must be the length of an interval: {sorted(_LENGTHS)}")
    return value


class Body(Model):
    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Self:
        """From a parsed JSON object, by JSON's own strict rules."""
        return cls.parse(json.dumps(body))


class OpenBody(Body):
    desk: DeskName
    mode: Mode
    venue: VenueName
    interval_ms: Annotated[int, AfterValidator(_interval_ms)]
    currency: Asset
    cash: Positive
    limits: Limits
    paper: Paper
    instruments: tuple[Instrument, ...]
    trading: TradingVenue = TradingVenue()
    protections: Protections = Field(default_factory=dict)
    rehearsed_as: DeskName | None = None
    rehearsal_days: Annotated[int, Field(ge=1, le=3650)] = 30


class ProposeBody(Body):
    proposals: tuple[Proposal, ...] = Field(max_length=MOST_PROPOSALS)


class PlaceBody(Body):
    order: Ticket
    by: By
    idempotency_key: Key


class CancelBody(Body):
    client_id: HexId
    by: By
    idempotency_key: Key


class ReplaceBody(Body):
    """What is left out stays as it was; `qty` is the new total."""

    client_id: HexId
    qty: Positive | None = None
    limit_price: Positive | None = None
    trigger_price: Positive | None = None
    by: By
    idempotency_key: Key

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.qty is None and self.limit_price is None and self.trigger_price is None:
            raise ValueError("one of qty, limit_price and trigger_price must be given")
        return self


class SetLevelsBody(Body):
    """All three at once: what is left out is taken away."""

    instrument: InstrumentId
    stop_price: Positive | None = None
    target_price: Positive | None = None
    trail_distance: Positive | None = None
    by: By
    idempotency_key: Key


class ResolveBody(Body):
    client_id: HexId
    placed: bool
    venue_order_id: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    reason: Reason
    by: By
    idempotency_key: Key

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        if self.venue_order_id is not None and not self.placed:
            raise ValueError("venue_order_id belongs to an order that was placed")
        return self


class AcceptBody(Body):
    difference: HexId
    reason: Reason
    by: By
    idempotency_key: Key


class ReasonBody(Body):
    by: By
    reason: Reason
    idempotency_key: Key | None = None


class HaltBody(ReasonBody):
    flatten: bool = False


class ResumeRequestBody(ReasonBody):
    pass


class DisarmBody(ReasonBody):
    pass


class ArmRequestBody(ReasonBody):
    """For how long: no desk stays armed for more than a week."""

    hours: int = Field(ge=1, le=168)


class ResumeConfirmBody(Body):
    by: By
    confirm: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    idempotency_key: Key | None = None


class ArmConfirmBody(ResumeConfirmBody):
    pass


class BarsBody(Body):
    candles: tuple[Candle, ...] = Field(max_length=MOST_CANDLES)


class HeartbeatBody(Body):
    quotes: tuple[Quote, ...] = Field(max_length=MOST_QUOTES)


class TriggerBody(Body):
    level: Level
    quote: Quote


class OrderBody(Body):
    client_id: HexId


class TradesBody(Body):
    """Only those that ended with an event after that one; 0 for all that are kept."""

    after_seq: int = Field(default=0, ge=0)


class NoBody(Body):
    pass


class TickBody(Body):
    """`quiet`: the market is known to be closed or at its end, so that no data is to be expected; None from who cannot know."""

    quiet: bool | None = None
