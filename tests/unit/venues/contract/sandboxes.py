"""The sandbox under the contract: in memory, where tests run without sockets, and as a process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx

from shared.clock import FixedClock
from shared.model import TimeInForce
from shared.venues.sandbox import OFFERS, SandboxVenue
from shared.venues.venue import Offers, Trading
from tests.sandbox.loopback import Loopback
from tests.sandbox.setup import Setup, listed
from tests.unit.venues.contract.world import CASH, World

START_MS = 1_700_000_000_000
STEP_MS = 60_000
SETUP: dict[str, Any] = {
    "instruments": [listed("AAA").wire()],
    "cash": {"USD": str(CASH), "EUR": "0"},
    "start_ms": START_MS,
    "page_size": 4,
}


def setup(**changes: Any) -> dict[str, Any]:
    return {**SETUP, **changes}


LITTLE = replace(
    OFFERS, resting_stops=False, oco=False, post_only=False, dead_man=False, times_in_force=frozenset({TimeInForce.GTC})
)


class SandboxWorld(World):
    """`tell` is the control of the sandbox; all else is the same in memory and over sockets."""

    instrument = listed("AAA")

    def __init__(self, tell: Callable[..., dict[str, Any]], adapter: Callable[[], Trading]) -> None:
        self._tell = tell
        self._adapter = adapter
        self._market_ms = START_MS
        self._rules: list[dict[str, Any]] = []
        self.venue = adapter()

    def move(self, *prices: str) -> None:
        self._tell("move", symbol="AAA", prices=prices)

    def thin(self, qty: str, price: str) -> None:
        self._tell("trade", symbol="AAA", side="sell", qty=qty, price=price)

    def market_ms(self) -> int:
        return self._market_ms

    def later(self) -> int:
        self._market_ms += STEP_MS
        self._tell("time", market_ms=self._market_ms)
        return STEP_MS

    def again(self) -> Trading:
        return self._adapter()

    # the line

    def fault(self, endpoint: str, kind: str, **more: Any) -> None:
        told = {name: value for name, value in more.items() if value is not None}
        self._rules.append({"endpoint": endpoint, "kind": kind, **told})
        self._tell("faults", rules=self._rules)

    def clear(self) -> None:
        self._rules = []
        self._tell("faults", rules=[])

    def rights(self, *rights: str) -> None:
        self._tell("rights", rights=rights)

    def push(self, seconds: int) -> None:
        self._tell("time", push_ms=seconds * 1000)


class LoopbackWorld(SandboxWorld):
    def __init__(self, *, client_ids: bool = True, able: Offers = OFFERS, **changes: Any) -> None:
        clock = FixedClock(START_MS)
        self.name = "the sandbox in memory"
        self._loopback = Loopback(_parsed(setup(client_ids=client_ids, **changes)), clock.now_ms)
        client = httpx.AsyncClient(transport=self._loopback)
        key = self._loopback.key

        def adapter() -> Trading:
            return SandboxVenue(
                client, "http://sandbox", key.key, key.secret, clock, "us", replace(able, client_ids=client_ids)
            )

        super().__init__(self._loopback.tell, adapter)
        self.line = self

    def run(self, work: Any) -> Any:
        return asyncio.run(work)

    def seen(self, endpoint: str) -> int:
        rows = self._loopback.exchange.journal.rows
        return sum(row["kind"] == "request" and row["endpoint"] == endpoint for row in rows)

    def deliver(self) -> None:
        self._loopback.deliver()


def _parsed(fields: dict[str, Any]) -> Setup:
    return Setup.parse(json.dumps(fields))
