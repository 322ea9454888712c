"""The sandbox as a process of its own, over real HTTP. Native only."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx

from shared.clock import SystemClock
from shared.venues.sandbox import OFFERS, SandboxVenue
from shared.venues.venue import Trading
from tests.sandbox.harness import Sandbox
from tests.unit.venues.contract.sandboxes import SandboxWorld, setup

TIMEOUT_S = 0.5
WAIT_S = 10.0


class HttpWorld(SandboxWorld):
    """A new account on a running sandbox; `close` it."""

    def __init__(self, sandbox: Sandbox, *, client_ids: bool = True, **changes: Any) -> None:
        self.name = "the sandbox"
        self.sandbox = sandbox
        sandbox.reset(setup(client_ids=client_ids, **changes))
        self._runner = asyncio.Runner()
        self._client = httpx.AsyncClient()

        def adapter() -> Trading:
            return SandboxVenue(
                self._client,
                sandbox.url,
                sandbox.key,
                sandbox.secret,
                SystemClock(),
                "us",
                replace(OFFERS, client_ids=client_ids),
                TIMEOUT_S,
            )

        super().__init__(sandbox.tell, adapter)
        self.line = self

    def run(self, work: Any) -> Any:
        return self._runner.run(work)

    def close(self) -> None:
        self._runner.run(self._client.aclose())
        self._runner.close()

    def seen(self, endpoint: str) -> int:
        return len(self.sandbox.journal("request", endpoint=endpoint))

    def deliver(self) -> None:
        late = [row["n"] for row in self.sandbox.journal("request", fault="late")]
        until(lambda: all(self.sandbox.journal("answer", to=n) for n in late))


def until(condition: Callable[[], Any]) -> Any:
    """Asks again and again; fails when it does not hold in time."""
    deadline = time.monotonic() + WAIT_S
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return found
