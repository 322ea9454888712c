"""What every resource needs of a request."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Path, Query
from pydantic import StringConstraints

from router.auth import Caller, caller, ports
from router.idempotency import optional_key, required_key
from router.paging import PageQuery
from router.ports import Ports
from shared.config import DeskName
from shared.model import HexId, InstrumentId, Model, Symbol, VenueName

TheCaller = Annotated[Caller, Depends(caller)]
ThePorts = Annotated[Ports, Depends(ports)]
RequiredKey = Annotated[str, Depends(required_key)]
OptionalKey = Annotated[str | None, Depends(optional_key)]
DeskPath = Annotated[DeskName, Path(description="the name of a desk")]
VenuePath = Annotated[VenueName, Path()]
SymbolPath = Annotated[Symbol, Path()]
OrderPath = Annotated[HexId, Path(description="a client order id: 32 hex digits")]
InstrumentPath = Annotated[InstrumentId, Path(description="venue:SYMBOL")]
DifferencePath = Annotated[HexId, Path(description="the id of a difference between the ledger and the venue")]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Paged = Annotated[PageQuery, Query()]


def told(body: Model) -> dict[str, Any]:
    """A body as a desk takes it: what was left out is left out."""
    return {name: value for name, value in body.wire().items() if value is not None}
