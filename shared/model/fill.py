"""A trade that happened to an order."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from shared.model.base import Model
from shared.model.exact import Positive
from shared.model.ids import HexId
from shared.model.instrument import InstrumentId
from shared.model.money import Money
from shared.model.side import Side


class Fill(Model):
    """`fill_id` is the venue's own, unique per account; `fee` is what was paid (negative: a rebate), in any asset."""

    fill_id: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    client_id: HexId
    instrument: InstrumentId
    side: Side
    qty: Positive
    price: Positive
    fee: Money
    ts_ms: int = Field(ge=0)
