"""The brain's door: two RPC methods over pure code; text in, text out, and no binding."""

from __future__ import annotations

from brain import rpc
from workers import WorkerEntrypoint


class Default(WorkerEntrypoint):  # type: ignore[misc, unused-ignore]
    """RPC: each method takes one JSON text and returns one envelope."""

    async def scan(self, text: str) -> str:
        """Signals and proposals from new bars."""
        return rpc.scan(text)

    async def describe(self, text: str) -> str:
        """What strategies there are."""
        return rpc.describe(text)
