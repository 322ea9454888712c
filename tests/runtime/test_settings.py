"""A setting that is wrong refuses: nothing is traded on a guess, and what is wrong is said."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from tests.runtime.accounts import PROBE
from tests.system import System, running, until
from tools.dev.player import CRON
from tools.replay import Market

WRONG = {
    "router": {"TRADING_MODE": "real"},
    "cron": {"TRADING_MODE": "real"},
    "desk": {"TRADING_MODE": "play"},
    "book": {"SURPRISE": "1"},
}


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory, markets: list[Market], shared_system: System) -> Iterator[System]:
    shared_system.stack.stop()
    with running(tmp_path_factory.mktemp("wrong"), markets, vars=WRONG, extra_configs=[PROBE]) as system:
        yield system


def test_the_router_refuses_another_trading_mode_and_says_which_there_are(wrong: System) -> None:
    with wrong.client() as client:
        answer = client.get("/v1/desks")
    assert (answer.status_code, answer.json()["code"]) == (500, "misconfigured")
    assert "real" not in answer.text, "settings are for the log, not for callers"
    told = [log.message for log in wrong.stack.logs() if "settings_refused" in log.message]
    assert "TRADING_MODE" in told[0]
    assert "'paper', 'demo' or 'live'" in told[0]


def test_cron_refuses_another_trading_mode_and_runs_nothing(wrong: System) -> None:
    wrong.stack.scheduled("cron", CRON, 1_700_000_000_000)
    until(
        lambda: any(
            "TRADING_MODE: 'real'" in log.message and "'demo' or 'live'" in log.message for log in wrong.stack.logs()
        )
    )
    assert wrong.stack.d1("SELECT id FROM job_runs") == []


@pytest.mark.parametrize(
    ("path", "setting"),
    [("/desk/x/view", "TRADING_MODE"), ("/book/us:0/books", "SURPRISE")],
    ids=["desk", "book"],
)
def test_every_other_worker_refuses_what_it_does_not_know(wrong: System, path: str, setting: str) -> None:
    reply = wrong.stack.fetch("probe", path, "POST", body=b"{}")
    text = reply.body.decode()
    assert reply.status == httpx.codes.INTERNAL_SERVER_ERROR or json.loads(text)["ok"] is False, text
    assert setting in text
