"""Callers who never rest, on all desks at once, and markets that move under them. Seeded: the same seed asks the same things."""

from __future__ import annotations

import random
import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Any

import httpx

from tests.chaos.caller import SYMBOLS, Caller, CutError, RefusedError
from tests.sandbox.harness import SandboxError

CALLERS = 5
"""Threads on each desk."""
PAUSE_S = 0.06
"""Between two moves of a market."""
FAULTS: tuple[dict[str, Any], ...] = (
    {"endpoint": "place", "kind": "timeout_after", "probability": 0.02},
    {"endpoint": "place", "kind": "timeout_before", "probability": 0.01},
    {"endpoint": "place", "kind": "late", "probability": 0.02, "delay_ms": 400},
    {"endpoint": "place", "kind": "error_after", "probability": 0.03},
    {"endpoint": "place", "kind": "error_before", "probability": 0.03, "status": 502},
    {"endpoint": "place", "kind": "too_many", "probability": 0.02},
    {"endpoint": "place", "kind": "too_many", "probability": 0.02, "retry_after_s": 1},
    {"endpoint": "place", "kind": "maintenance", "probability": 0.01},
    {"endpoint": "place", "kind": "slow", "probability": 0.08, "delay_ms": 150},
    {"endpoint": "place", "kind": "truncated", "probability": 0.03},
    {"endpoint": "place", "kind": "garbage", "probability": 0.02},
    {"endpoint": "place", "kind": "reset_after", "probability": 0.03},
    {"endpoint": "place", "kind": "reset_before", "probability": 0.02},
    {"endpoint": "place", "kind": "partial_fill", "probability": 0.2, "share": "0.4"},
    {"endpoint": "cancel", "kind": "lose_cancel", "probability": 0.2},
    {"endpoint": "cancel", "kind": "error_after", "probability": 0.05},
    {"endpoint": "cancel", "kind": "timeout_after", "probability": 0.02},
    {"endpoint": "cancel", "kind": "truncated", "probability": 0.05},
    {"endpoint": "cancel", "kind": "slow", "probability": 0.05},
    {"endpoint": "order", "kind": "error_before", "probability": 0.05},
    {"endpoint": "order", "kind": "truncated", "probability": 0.05},
    {"endpoint": "order", "kind": "slow", "probability": 0.05},
    {"endpoint": "order", "kind": "too_many", "probability": 0.03},
    {"endpoint": "fills", "kind": "short_page", "probability": 0.1},
    {"endpoint": "orders", "kind": "short_page", "probability": 0.1},
    {"endpoint": "orders", "kind": "error_before", "probability": 0.05},
    {"endpoint": "balances", "kind": "truncated", "probability": 0.05},
    {"endpoint": "*", "kind": "skew", "probability": 0.005},
)


def script(*first: dict[str, Any]) -> list[dict[str, Any]]:
    """The faults of a time under load, all without end; `first` go before the others."""
    return [{"times": 0, **rule} for rule in (*first, *FAULTS)]


class Load:
    """Starts at birth, on desks that run. `asked` counts what was answered, refused or cut off, by method."""

    def __init__(self, callers: Sequence[Caller], seed: str) -> None:
        self.asked: Counter[str] = Counter()
        self.trouble: list[str] = []
        self._seed = seed
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        for caller in callers:
            open_ids: deque[str] = deque(maxlen=60)
            self._start(self._move, caller, random.Random(f"{seed} market {caller.number}"))
            for number in range(CALLERS):
                chance = random.Random(f"{seed} {caller.number} {number}")
                self._start(self._call, Actions(caller, chance, open_ids, f"{seed}-{caller.number}-{number}"))

    def stop(self) -> None:
        """Returns when nobody asks any more; where the desks are dead that is soon."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _start(self, work: Callable[..., None], *told: object) -> None:
        thread = threading.Thread(target=work, args=told, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _call(self, actions: Actions) -> None:
        while not self._over.is_set():
            name, act = actions.next()
            try:
                act()
            except RefusedError as refusal:
                self.asked[f"{name} refused: {refusal}"] += 1
            except CutError as cut:
                self.asked[f"{name} cut off"] += 1
                if "Traceback" in str(cut):
                    self.trouble.append(f"{name}: {cut}")
                return
            else:
                self.asked[name] += 1
        actions.close()

    def _move(self, caller: Caller, chance: random.Random) -> None:
        while not self._over.wait(PAUSE_S):
            symbol = chance.choice(SYMBOLS)
            try:
                told = caller.venue.tell("walk", symbol=symbol, steps=1, bps=chance.choice((5, 15, 40)))
            except (httpx.HTTPError, SandboxError) as error:
                self.trouble.append(f"the market of {caller.name}: {error}")
                return
            caller.prices[symbol] = told["prices"][-1]


class Actions:
    """What one caller does next. Orders that somebody was told of may be cancelled or replaced by anybody."""

    def __init__(self, caller: Caller, chance: random.Random, open_ids: deque[str], prefix: str) -> None:
        self._caller = caller
        self._chance = chance
        self._open = open_ids
        self._prefix = prefix
        self._count = 0
        self._client = httpx.Client()
        self._halted = False
        self._does: dict[str, tuple[int, Callable[[], None]]] = {
            "place": (45, self._place),
            "cancel": (14, self._cancel),
            "replace": (10, self._replace),
            "propose": (8, lambda: caller.propose(chance, self._client)),
            "heartbeat": (10, lambda: caller.quotes(self._client)),
            "positions": (2, lambda: caller.look(self._client)),
            "bars": (2, lambda: caller.bars(self._client)),
            "again": (4, self._again),
            "set_levels": (3, self._set_levels),
            "tick": (2, lambda: _drop(caller.ask("tick", self._client))),
            "halt": (2, self._halt),
        }

    def next(self) -> tuple[str, Callable[[], None]]:
        """A halted desk is resumed before long, by whoever halted it."""
        if self._count == 0:
            self._count += 1
            return "heartbeat", self._does["heartbeat"][1]
        if self._halted and self._chance.random() < 0.3:
            return "resume", self._resume
        name = self._chance.choices(list(self._does), [weight for weight, _ in self._does.values()])[0]
        return name, self._does[name][1]

    def close(self) -> None:
        self._client.close()

    def _key(self) -> str:
        self._count += 1
        return f"{self._prefix}-{self._count}"

    def _place(self) -> None:
        order = self._caller.place(self._key(), self._ticket(), self._client)
        self._open.append(order["client_id"])

    def _ticket(self) -> dict[str, Any]:
        chance, held = self._chance, self._caller.held
        side = chance.choice(("buy", "buy", "sell")) if held else "buy"
        symbol = chance.choice(SYMBOLS if side == "buy" else held)
        kind = chance.choice(("market", "limit", "limit", "limit", "stop", "stop_limit"))
        ticket = {"instrument": f"us:{symbol}", "side": side, "kind": kind, "qty": str(chance.randint(1, 40))}
        price = float(self._caller.prices[symbol])
        sign = 1 if side == "buy" else -1
        if kind in ("stop", "stop_limit"):
            ticket["trigger_price"] = f"{price * (1 + sign * chance.uniform(0.0005, 0.004)):.2f}"
        if kind in ("limit", "stop_limit"):
            ticket["limit_price"] = f"{price * (1 + sign * chance.uniform(-0.004, 0.003)):.2f}"
        if kind == "limit" and chance.random() < 0.3:
            return ticket | chance.choice(({"time_in_force": "ioc"}, {"time_in_force": "fok"}, {"post_only": True}))
        if side == "buy" and chance.random() < 0.2:
            return ticket | {"stop_price": f"{price * 0.99:.2f}"}
        return ticket

    def _any(self) -> str:
        return self._chance.choice(list(self._open) or ["0" * 32])

    def _cancel(self) -> None:
        self._caller.ask("cancel", self._client, client_id=self._any(), by="chaos", idempotency_key=self._key())

    def _replace(self) -> None:
        body = {"client_id": self._any(), "qty": str(self._chance.randint(1, 40))}
        told = self._caller.ask("replace", self._client, **body, by="chaos", idempotency_key=self._key())
        self._open.append(told["order"]["client_id"])

    def _again(self) -> None:
        keys = list(self._caller.told.tickets)[-100:]
        if keys:
            self._caller.again(self._chance.choice(keys), self._client)

    def _set_levels(self) -> None:
        symbol = self._chance.choice(SYMBOLS)
        price = float(self._caller.prices[symbol])
        levels = {"stop_price": f"{price * 0.995:.2f}", "target_price": f"{price * 1.005:.2f}"}
        body = {"instrument": f"us:{symbol}", **levels, "by": "chaos", "idempotency_key": self._key()}
        self._caller.ask("set_levels", self._client, **body)

    def _halt(self) -> None:
        self._caller.halt(self._client)
        self._halted = True

    def _resume(self) -> None:
        self._halted = False
        self._caller.resume(self._client)


def _drop(_: object) -> None:
    return None
