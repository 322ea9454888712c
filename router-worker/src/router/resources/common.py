"""What every resource needs of a request."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Query

from router.auth import Caller, caller, ports
from router.idempotency import optional_key, required_key
from router.paging import PageQuery
from router.ports import Ports
from shared.config import DeskName
from shared.model import HexId, Symbol, VenueName

TheCaller = Annotated[Caller, Depends(caller)]
ThePorts = Annotated[Ports, Depends(ports)]
RequiredKey = Annotated[str, Depends(required_key)]
OptionalKey = Annotated[str | None, Depends(optional_key)]
DeskPath = Annotated[DeskName, Path(description="the name of a desk")]
VenuePath = Annotated[VenueName, Path()]
SymbolPath = Annotated[Symbol, Path()]
OrderPath = Annotated[HexId, Path(description="a client order id: 32 hex digits")]
Paged = Annotated[PageQuery, Query()]
