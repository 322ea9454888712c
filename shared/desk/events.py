"""What can happen to a desk: tagged, versioned bodies. A kind's fields change only together with its `v` and an upcaster."""

from __future__ import annotations

import json

from pydantic import ValidationError

from shared.desk.account_events import (
    Armed,
    ArmRequested,
    DeskOpened,
    DifferenceFound,
    DifferenceResolved,
    Disarmed,
    EquityMarked,
    FillFound,
    Halted,
    InstrumentsListed,
    LedgerAdjusted,
    LimitsChanged,
    ProtectionsChanged,
    Reduced,
    ReductionLifted,
    Resumed,
    ResumeExpired,
    ResumeRequested,
    VenueBack,
    VenueLost,
)
from shared.desk.event import Event
from shared.desk.order_events import (
    LevelAwaited,
    LevelsMoved,
    LevelTriggered,
    OrderAcknowledged,
    OrderCancelled,
    OrderCancelRequested,
    OrderExpired,
    OrderFilled,
    OrderIntended,
    OrderNotFound,
    OrderRefused,
    OrderRejected,
    OrderSent,
    OrderUnknown,
    ProposalRefused,
    ReplacementDropped,
    ReplacementIntended,
)
from shared.desk.upcast import UPCASTERS, Upcasters
from shared.errors import Halt

__all__ = [
    "KINDS",
    "ArmRequested",
    "Armed",
    "DeskOpened",
    "DifferenceFound",
    "DifferenceResolved",
    "Disarmed",
    "EquityMarked",
    "Event",
    "FillFound",
    "Halted",
    "InstrumentsListed",
    "LedgerAdjusted",
    "LevelAwaited",
    "LevelTriggered",
    "LevelsMoved",
    "LimitsChanged",
    "OrderAcknowledged",
    "OrderCancelRequested",
    "OrderCancelled",
    "OrderExpired",
    "OrderFilled",
    "OrderIntended",
    "OrderNotFound",
    "OrderRefused",
    "OrderRejected",
    "OrderSent",
    "OrderUnknown",
    "ProposalRefused",
    "ProtectionsChanged",
    "Reduced",
    "ReductionLifted",
    "ReplacementDropped",
    "ReplacementIntended",
    "ResumeExpired",
    "ResumeRequested",
    "Resumed",
    "VenueBack",
    "VenueLost",
    "read",
]

KINDS: dict[str, type[Event]] = {
    kind.kind: kind
    for kind in (
        DeskOpened,
        LimitsChanged,
        InstrumentsListed,
        OrderIntended,
        OrderAcknowledged,
        OrderRejected,
        OrderFilled,
        OrderCancelRequested,
        OrderCancelled,
        OrderExpired,
        OrderUnknown,
        OrderNotFound,
        ProposalRefused,
        OrderRefused,
        LevelTriggered,
        LevelAwaited,
        Halted,
        ResumeRequested,
        ResumeExpired,
        Resumed,
        ProtectionsChanged,
        OrderSent,
        ReplacementIntended,
        ReplacementDropped,
        LevelsMoved,
        EquityMarked,
        Reduced,
        ReductionLifted,
        VenueLost,
        VenueBack,
        FillFound,
        DifferenceFound,
        DifferenceResolved,
        LedgerAdjusted,
        ArmRequested,
        Armed,
        Disarmed,
    )
}


def read(
    kind: str, v: int, body: str, upcasters: Upcasters = UPCASTERS, kinds: dict[str, type[Event]] = KINDS
) -> Event:
    """The event of one log row, lifted to today's version; `Halt` for one that this code cannot understand."""
    known = kinds.get(kind)
    if known is None or v > known.v:
        raise Halt(
            f"the log holds {kind} v{v}, which this release does not know", code="log_unknown_event", kind=kind, v=v
        )
    try:
        if v < known.v:
            body = json.dumps(upcasters.lift(kind, v, known.v, json.loads(body)))
        return known.model_validate_json(body)
    except ValidationError as error:
        raise Halt(f"a stored {kind} v{v} cannot be read: {error}", code="log_unreadable", kind=kind, v=v) from None
