"""The job with real channels on real sockets: Retry-After, the next channel, nobody there; and no secret left behind."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from cron import alerts
from cron.context import Context
from shared.alerts import http, rows
from shared.alerts.build import channels
from shared.alerts.config import AlertChannels
from tests.unit.alerts.receiver import Receiver, Reply
from tests.unit.alerts.samples import HUSH, ID, alert, config, secret
from tests.unit.cron.world import World, settings

pytestmark = pytest.mark.native
if sys.platform == "emscripten":
    pytest.skip("needs sockets", allow_module_level=True)

PAGER, CHAT, HOOK = Reply(202, b"{}"), Reply(200, b'{"ok":true}'), Reply(204)


class Wire:
    """Three services and the job that knows them: pager, chat and hook, in this order."""

    def __init__(self, pager: list[Reply], chat: list[Reply], hook: list[Reply]) -> None:
        self.world = World(config=settings(books=False))
        self.services = {"pager": Receiver(*pager), "chat": Receiver(*chat), "hook": Receiver(*hook)}
        self.kinds = {"pager": "pagerduty", "chat": "telegram", "hook": "webhook"}

    def run(self, before: Callable[[Wire], Awaitable[None]] | None = None) -> dict[str, Any]:
        """Files a halt, runs the job once; the row of the halt."""
        asyncio.run(self._run(before))
        return self.world.db.all("SELECT * FROM alerts WHERE id = ?", ID)[0]

    async def _run(self, before: Callable[[Wire], Awaitable[None]] | None) -> None:
        async with AsyncExitStack() as stack, httpx.AsyncClient() as client:
            for service in self.services.values():
                await stack.enter_async_context(service)
            urls = {name: service.url for name, service in self.services.items()}
            if before is not None:
                await before(self)
            wanted = {name: config(kind, urls[name]) for name, kind in self.kinds.items()}
            whole = {"channels": wanted, "routes": {"critical": list(wanted)}}
            parsed = AlertChannels.parse(json.dumps(whole))
            secrets = SecretStr(json.dumps({name: secret(kind, urls[name]) for name, kind in self.kinds.items()}))
            ports = replace(self.world.ports, channels=channels(parsed, secrets, client, self.world.clock))
            config_of = self.world.settings.model_copy(update={"ALERTS": parsed})
            await self.world.db.batch(rows.insert([rows.Filed(alert())]))
            await alerts.run(Context(ports, config_of, self.world.clock.now_ms()))

    def attempts(self) -> list[tuple[str, int, int | None]]:
        found = self.world.db.all("SELECT * FROM alert_attempts ORDER BY rowid")
        return [(row["channel"], row["ok"], row["status"]) for row in found]

    def arrived(self) -> dict[str, int]:
        return {name: len(service.arrived) for name, service in self.services.items()}


def test_a_halt_arrives_twice() -> None:
    wire = Wire([PAGER], [CHAT], [HOOK])
    assert wire.run()["state"] == "delivered"
    assert wire.arrived() == {"pager": 1, "chat": 1, "hook": 0}


def test_a_429_is_waited_out_and_a_5xx_followed_by_the_next() -> None:
    wire = Wire([Reply(429, headers=(("retry-after", "3"),)), PAGER], [Reply(502)], [HOOK])
    assert wire.run()["state"] == "delivered"
    assert wire.attempts() == [
        ("pager", 0, 429), ("pager", 1, 202), ("chat", 0, 502), ("chat", 0, 502), ("chat", 0, 502), ("hook", 1, 204),
    ]  # fmt: skip
    assert wire.world.waits.slept[0] == 3.0


def test_a_cut_answer_and_a_silent_service_are_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "TIMEOUT_S", 0.3)
    wire = Wire([Reply(202, b"{}      ", cut=5), PAGER], [Reply(hang=True), CHAT], [HOOK])
    assert wire.run()["state"] == "delivered"
    assert wire.attempts() == [("pager", 0, None), ("pager", 1, 202), ("chat", 0, None), ("chat", 1, 200)]


def test_nobody_there_says_so() -> None:
    async def gone(wire: Wire) -> None:
        for service in wire.services.values():
            await service.__aexit__(None, None, None)

    wire = Wire([PAGER], [CHAT], [HOOK])
    row = wire.run(gone)
    assert row["state"] == "unreached"
    assert row["reason"].startswith("reached 0 of 2; pager: channel_unavailable: ConnectError")
    assert row["due_ms"] > wire.world.clock.now_ms()


def test_no_secret_is_left_in_d1_or_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    echo = [Reply(400, echo=True)]
    wire = Wire(echo, echo, echo)
    wire.run()
    left = repr([wire.world.db.all(f"SELECT * FROM {table}") for table in ("alerts", "alert_attempts")])
    assert "***" in left and "answered 400" in left
    assert HUSH not in left
    assert HUSH not in caplog.text
