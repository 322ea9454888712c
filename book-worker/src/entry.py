"""book-worker: no public face; its objects are called by other workers."""

from __future__ import annotations

from typing import Any

from workers import Response, WorkerEntrypoint

from book_object import Book
from shared.edge.heap import vitals

__all__ = ["Book", "Default"]


class Default(WorkerEntrypoint):  # type: ignore[misc]
    """Answers nothing to anybody."""

    async def fetch(self, _request: Any) -> Response:
        """404, whatever is asked."""
        return Response("", status=404)

    async def vitals(self) -> str:
        """RPC: memory and operations of this isolate, for `make bench`; no binding of ours leads here."""
        return vitals()
