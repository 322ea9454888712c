"""desk-worker: the `Desk` objects and nothing else. Nobody reaches it from outside; a stray request is told so."""

from __future__ import annotations

from typing import Any

from workers import Response, WorkerEntrypoint

from desk_object import Desk
from shared.edge.heap import vitals


class Default(WorkerEntrypoint):  # type: ignore[misc, unused-ignore]
    """Required by the platform; answers nothing."""

    async def fetch(self, _request: Any) -> Any:
        """404, whatever was asked."""
        return Response("Not Found", status=404)

    async def vitals(self) -> str:
        """RPC: memory and operations of this isolate, for `make bench`; no binding of ours leads here."""
        return vitals()


# a base class of the object, were it found here, would be exported as an object of its own
__all__ = ["Default", "Desk"]
