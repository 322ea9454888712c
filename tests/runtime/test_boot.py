"""Five workers in workerd: what answers whom."""

from __future__ import annotations

import json
import subprocess
import sys

import httpx
import pytest

from tests.runtime.accounts import rpc
from tests.system import System
from tools.paths import ROOT, WORKERS

ANYWHERE = [
    "/",
    "/v1/health",
    "/v1/desks",
    "/v1/no-such-path",
    "/openapi.json",
    "/docs",
    "/redoc",
    "/livez/more",
    "/.git/config",
    "/cdn-cgi/handler/scheduled",
]


def test_livez_says_ok_to_anybody_and_nothing_else(system: System) -> None:
    answer = httpx.get(f"{system.stack.url}/livez")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("path", ANYWHERE)
def test_without_a_key_every_other_path_is_401(system: System, path: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        answer = httpx.request(method, f"{system.stack.url}{path}")
        assert answer.status_code == httpx.codes.UNAUTHORIZED, f"{method} {path}: {answer.status_code}"
        assert answer.json()["code"] == "unauthorized"


def test_all_five_workers_run(system: System) -> None:
    assert set(WORKERS) == {"router", "cron", "brain", "desk", "book"}
    health = system.get("/v1/health")  # router, and what cron wrote; another test's halt may have degraded the whole
    assert health["jobs"]
    assert not [job for job in health["jobs"] if job["state"] == "failed"]
    standing = {each["desk"]: each["status"] for each in health["desks"]}
    assert {standing[name] for name in ("stocks", "fx", "drill", "hand")} == {"active"}
    assert len(rpc(system, "brain", "-", "describe", {})["strategies"]) >= 12
    assert rpc(system, "desk", "hand", "view", {})["status"] == "active"
    assert len(rpc(system, "book", "us:0", "books", {})["items"]) == 7


def test_the_brain_describes_its_strategies(system: System) -> None:
    found = {each["name"]: each for each in rpc(system, "brain", "-", "describe", {})["strategies"]}
    assert {"sma_cross", "rsi_reversion", "pairs", "regime_switch"} < found.keys()
    slow = found["sma_cross"]["params"]["slow"]
    assert {name: slow[name] for name in ("default", "min", "max", "kind")} == {
        "default": 20,
        "min": 2,
        "max": 400,
        "kind": "int",
    }


@pytest.mark.parametrize("worker", ["cron", "brain", "desk", "book"])
def test_only_the_router_answers_requests(system: System, worker: str) -> None:
    for path in ("/livez", "/v1/health", "/"):
        assert system.stack.fetch(worker, path).status in (404, 500, 501), f"{worker} answered {path}"
    assert "workers_dev = false" in (WORKERS[worker] / "wrangler.toml").read_text()


def test_the_vendored_copies_are_what_the_sources_say(system: System) -> None:
    command = [sys.executable, "-m", "tools.vendor", "--check"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_nothing_but_what_is_expected_was_logged_as_an_error(system: System) -> None:
    system.tick()
    errors = [json.loads(log.message) for log in system.stack.logs() if '"level":"error"' in log.message]
    assert [each for each in errors if each["event"] in ("tick_failed", "job_bug", "rpc_bug")] == []
