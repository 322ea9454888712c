"""What the brain proposes and the desk may refuse. It carries no quantity: sizing is the desk's."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from shared.model.base import Model
from shared.model.exact import Positive
from shared.model.instrument import InstrumentId
from shared.model.side import Side
from shared.model.signal import Action, HexId, StrategyName


class Proposal(Model):
    """`price` is the bar's close that it was made on; distances are price units from the entry price."""

    signal_id: HexId
    strategy: StrategyName
    version: int = Field(ge=1)
    params: HexId
    instrument: InstrumentId
    bar_close_ms: int = Field(ge=0)
    action: Action
    side: Side
    price: Positive
    stop_distance: Positive | None = None
    target_distance: Positive | None = None
    attempt: int = Field(default=1, ge=1, le=99)
    reason: Annotated[str, StringConstraints(max_length=200)] = ""
