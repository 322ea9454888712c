"""What each method of the desk takes, as strict models: an unknown field, a float or a wrong type is `Invalid`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, StringConstraints

from shared.config import DeskName, Limits, Mode, Paper
from shared.model import (
    Candle,
    HexId,
    Instrument,
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


class HaltBody(Body):
    by: By
    reason: Reason
    idempotency_key: Key | None = None


class ResumeRequestBody(HaltBody):
    pass


class ResumeConfirmBody(Body):
    by: By
    confirm: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    idempotency_key: Key | None = None


class BarsBody(Body):
    candles: tuple[Candle, ...] = Field(max_length=MOST_CANDLES)


class HeartbeatBody(Body):
    quotes: tuple[Quote, ...] = Field(max_length=MOST_QUOTES)


class TriggerBody(Body):
    level: Level
    quote: Quote


class OrderBody(Body):
    client_id: HexId


class NoBody(Body):
    pass
