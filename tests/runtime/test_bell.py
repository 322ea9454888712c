"""A halt is heard at once: the desk rings, and nobody has to wait for the minute trigger."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.runtime.test_dev import free_port
from tests.system import WAIT_S, System, running, until
from tools.dev import webhooks
from tools.dev.receiver import Received, Receiver
from tools.replay import Market

DESK = "stocks"


@pytest.fixture
def port() -> int:
    """Where both channels lead."""
    return free_port()


@pytest.fixture
def receiver(tmp_path: Path, port: int) -> Iterator[Receiver]:
    """Takes what is signed."""
    found = Receiver(port, webhooks.signing_secret(tmp_path))
    found.start()
    yield found
    found.stop()


@pytest.fixture
def told(shared_system: System, tmp_path: Path, markets: list[Market], port: int) -> Iterator[System]:
    """A system whose alerts go to the receiver; one stack at a time."""
    shared_system.stack.stop()
    channels = webhooks.cron_vars(port) | webhooks.cron_secrets(tmp_path)
    with running(tmp_path, markets, vars={"cron": channels}) as system:
        system.tick()
        yield system


def test_a_halt_arrives_without_a_tick(told: System, receiver: Receiver) -> None:
    told.drained(DESK)
    ticks = "SELECT count(*) AS n FROM job_runs WHERE job = 'monitor'"
    before = told.stack.d1(ticks)
    with told.client("trader") as client:
        answer = client.post(f"/v1/desks/{DESK}/halt", json={"reason": "something looks wrong"})
    assert answer.status_code == httpx.codes.OK, answer.text

    def everywhere(got: list[Received]) -> bool:
        halts = [each for each in got if (each.alert.desk, each.alert.code) == (DESK, "halted")]
        return {each.channel for each in halts} == set(webhooks.CHANNELS)

    assert receiver.wait(everywhere, WAIT_S), told.stack.logs()[-20:]
    assert told.stack.d1(ticks) == before, "no tick was fired"

    def rung() -> list[dict[str, object]]:
        return told.stack.d1("SELECT state FROM job_runs WHERE job = 'alerts' AND requested_by = ?", [f"desk:{DESK}"])

    assert until(lambda: [row["state"] for row in rung()] == ["done"] or None)
