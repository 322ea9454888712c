"""The brain's door: two RPC methods over pure code; text in, text out, and no binding."""

from __future__ import annotations

import json

import pyodide_js
from workers import WorkerEntrypoint

from brain import rpc


class Default(WorkerEntrypoint):  # type: ignore[misc, unused-ignore]
    """RPC: each method takes one JSON text and returns one envelope."""

    async def scan(self, text: str) -> str:
        """Signals and proposals from new bars."""
        return rpc.scan(text)

    async def describe(self, text: str) -> str:
        """What strategies there are."""
        return rpc.describe(text)

    async def vitals(self) -> str:
        """Memory of this isolate, for `make bench`; nothing is counted here, for the brain has no bindings."""
        return json.dumps({"heap_bytes": int(pyodide_js._module.HEAP8.byteLength), "operations": {}})
