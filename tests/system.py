"""The whole desk for a test: five workers in workerd, the replay venue, and clients with real keys."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx

from tools.dev import credentials, desks
from tools.dev.player import Player
from tools.replay import Market, ReplayServer
from tools.stack import Stack

T = TypeVar("T")
WAIT_S = 30.0


@dataclass
class System:
    """A running desk. `tick` closes one bar on every clock and fires the cron; nothing moves by itself."""

    player: Player
    keys: Mapping[str, str]

    @property
    def stack(self) -> Stack:
        return self.player.stack

    @property
    def replay(self) -> ReplayServer:
        return self.player.replay

    def tick(self, bars: int = 1) -> None:
        for _ in range(bars):
            self.player.play_bar()

    def restart(self) -> None:
        """Stops the workers in good order and starts them again on what they have stored; the venue plays on."""
        self.stack.stop()
        self.stack.start()

    def crash(self) -> None:
        """SIGKILL to everything but the venue, and a new start on what was left."""
        self.stack.kill()
        self.stack.start()
        self.leases_run_out()

    def leases_run_out(self) -> None:
        """What five minutes of waiting would do for a job that was killed while it held its lease."""
        self.stack.d1("UPDATE leases SET until_ms = 0")

    def client(self, role: str = "admin", key: str | None = None) -> httpx.Client:
        """Speaks with the key of a role, or with the key given."""
        headers = {"Authorization": f"Bearer {key or self.keys[role]}"}
        return httpx.Client(base_url=self.stack.url, headers=headers, timeout=60)

    def get(self, path: str, **params: str | int) -> Any:
        with self.client("viewer") as client:
            answer = client.get(path, params=params)
        assert answer.status_code == httpx.codes.OK, answer.text
        return answer.json()

    def post(self, path: str, body: object, idempotency_key: str, role: str = "trader") -> httpx.Response:
        with self.client(role) as client:
            return client.post(path, json=body, headers={"Idempotency-Key": idempotency_key})

    def items(self, path: str, **params: str | int) -> list[dict[str, Any]]:
        """All pages of a list."""
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = self.get(path, **(params if cursor is None else {**params, "cursor": cursor}))
            found += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    def drained(self, desk: str) -> None:
        """Waits until the desk's outbox has brought everything to D1."""

        def done() -> bool:
            seq = self.get(f"/v1/desks/{desk}")["seq"]
            rows = self.stack.d1("SELECT as_of_seq FROM desks WHERE desk = ?", [desk])
            return bool(rows) and rows[0]["as_of_seq"] >= seq

        until(done)


def until(condition: Callable[[], T | None], within_s: float = WAIT_S) -> T:
    """Asks again and again until the condition holds; fails when it does not in time."""
    deadline = time.monotonic() + within_s
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < deadline, f"{condition} did not hold within {within_s} s"
        time.sleep(0.05)


@contextmanager
def running(state_dir: Path, markets: list[Market], **stack_options: Any) -> Iterator[System]:
    """A system on these markets, its state below `state_dir`; started again on the same folder it goes on.

    `stack_options` are those of a Stack; `vars` are laid over the settings that the markets need.
    """
    replay = ReplayServer(markets, state_dir / "replay.json")
    url = replay.start()
    told: Mapping[str, Mapping[str, str]] = stack_options.pop("vars", {})
    variables = {**told, "cron": {**desks.cron_vars(markets, url), **told.get("cron", {})}}
    stack = Stack(
        state_dir / "workers",
        vars=variables,
        secrets={"router": {"KEY_PEPPER": credentials.pepper(state_dir)}},
        **({"rate_limit": 1_000_000} | stack_options),
    )
    try:
        stack.start()
        stack.apply_migrations()
        player = Player(stack, replay, [market.venue for market in markets])
        yield System(player, credentials.ensure(state_dir, stack))
    finally:
        stack.stop()
        replay.stop()
