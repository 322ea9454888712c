"""The brain's door: RPC methods over pure code; text in, text out, and no binding."""

from __future__ import annotations

import json
from functools import cache

import pyodide_js
from pyodide.ffi import to_js
from workers import WorkerEntrypoint, import_from_javascript

from brain import rpc
from brain.dream import current
from brain.dream.kernel import Kernel
from brain.dream.typed import Typed


@cache
def kernel() -> Kernel:
    """The loops in JavaScript; loaded by the first request that needs them, for at start nothing can be waited for."""
    return Typed(import_from_javascript("kernel.mjs"), to_js)


current.use(kernel)


class Default(WorkerEntrypoint):  # type: ignore[misc, unused-ignore]
    """RPC: each method takes one JSON text and returns one envelope."""

    async def scan(self, text: str) -> str:
        """Signals and proposals from new bars."""
        return rpc.scan(text)

    async def describe(self, text: str) -> str:
        """What strategies there are."""
        return rpc.describe(text)

    async def backtest(self, text: str) -> str:
        """Strategies on an account, over recorded bars."""
        return rpc.backtest(text)

    async def judge(self, text: str) -> str:
        """How lucky the best of many backtests was."""
        return rpc.judge(text)

    async def dream(self, text: str) -> str:
        """The chaos panel of a price series."""
        return rpc.dream(text, kernel())

    async def vitals(self) -> str:
        """Memory of this isolate, for `make bench`; nothing is counted here, for the brain has no bindings."""
        return json.dumps({"heap_bytes": int(pyodide_js._module.HEAP8.byteLength), "operations": {}})


class Strategies(WorkerEntrypoint):  # type: ignore[misc, unused-ignore]
    """The door of the router, which may ask what strategies there are and what they take, and nothing else."""

    async def check(self, text: str) -> str:
        """Whether strategies and their parameters are ones that there are."""
        return rpc.check(text)

    async def describe(self, text: str) -> str:
        """What strategies there are."""
        return rpc.describe(text)
