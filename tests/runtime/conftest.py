"""One running desk for all tests of this folder that can share it; those that kill it come last."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from tests.runtime.accounts import PROBE, Account
from tests.system import System, running
from tools.paths import WORKERS
from tools.replay import Market, builtin_markets

LAST = (
    "test_restart",
    "test_kill",
    "test_wake_time",
    "test_cold",
    "test_chaos",
    "test_settings",
    "test_deploy",
    "test_dev",
    "test_drill",
    "test_bell",
)
"""What stops, kills or needs another system, after all that shares the first one."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        name = item.path.stem
        return LAST.index(name) + 1 if name in LAST else 0

    items.sort(key=place)


def desks() -> dict[str, Any]:
    """The configured desks, and `hand`: one that follows the same venue, and whose strategy never has bars enough."""
    config = tomllib.loads((WORKERS["cron"] / "wrangler.toml").read_text())
    found: dict[str, Any] = json.loads(config["vars"]["DESKS"])
    silent = [{"name": "sma_cross", "params": {"fast": 199, "slow": 400}}]
    found["hand"] = found["stocks"] | {"strategies": silent, "symbols": ["AAPL", "IBM", "MSFT"]}
    return found


@pytest.fixture(scope="session")
def markets() -> list[Market]:
    return builtin_markets()


@pytest.fixture(scope="session")
def shared_system(tmp_path_factory: pytest.TempPathFactory, markets: list[Market]) -> Iterator[System]:
    variables = {"cron": {"DESKS": json.dumps(desks())}}
    with running(tmp_path_factory.mktemp("runtime"), markets, vars=variables, extra_configs=[PROBE]) as system:
        system.tick()
        yield system


@pytest.fixture
def system(shared_system: System) -> Iterator[System]:
    """The shared system; whatever fault a test asked of the venue is forgotten after it."""
    yield shared_system
    shared_system.replay.faults.clear()


@pytest.fixture
def account(system: System, request: pytest.FixtureRequest) -> Account:
    """A desk that only this test knows."""
    name = request.node.name.removeprefix("test_").split("[")[0].replace("_", "-")[:24].rstrip("-")
    number = len(system.stack.object_ids("desk", "Desk"))
    return Account(system, f"{name}-{number}")
