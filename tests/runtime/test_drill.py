"""`make drill` against the real workers: the recorded market trips a real breaker, and every step is seen to happen."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runtime.test_dev import free_port
from tests.system import System, running
from tools.dev import webhooks
from tools.paths import ROOT
from tools.replay import Market

STEPS = (
    "placed: buy",
    "filled:",
    "HALTED by max_drawdown",
    "refused: 422 halted",
    "pager got it: halted",
    "chat got it: halted",
    "what was held is sold",
    "step one",
    "the desk is active",
    "The drill is over",
)


@pytest.fixture(scope="module", autouse=True)
def alone(shared_system: System) -> None:
    """One stack at a time."""
    shared_system.stack.stop()


def test_the_drill_goes_through_all_its_steps_twice(tmp_path: Path, markets: list[Market]) -> None:
    alert_port = free_port()
    told = webhooks.cron_vars(alert_port) | webhooks.cron_secrets(tmp_path)
    with running(tmp_path, markets, vars={"cron": told}) as system:
        system.tick()
        for _ in range(2):
            found = drilled(system, tmp_path, alert_port)
            places = [found.index(step) for step in STEPS]
            assert places == sorted(places), found
        kinds = [each["kind"] for each in system.items("/v1/desks/drill/protections", history=1)]
        assert kinds.count("halted") == kinds.count("resumed") == 2
        delivered = system.items("/v1/alerts", desk="drill", severity="critical")
        assert [each["state"] for each in delivered] == ["delivered"] * 2


def drilled(system: System, state_dir: Path, alert_port: int) -> str:
    """What a drill says while the market plays on; it has to end well."""
    port = system.stack.url.rpartition(":")[2]
    environment = {**os.environ, "PORT": port, "STATE_DIR": str(state_dir), "ALERT_PORT": str(alert_port)}
    command = [sys.executable, "-m", "tools.drill"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as drill:
        while drill.poll() is None:
            system.tick()
        output = drill.stdout.read() if drill.stdout else ""
    assert drill.returncode == 0, output
    return output
