"""Without the snapshot of the local runtime, as in production, and with the abuse guard as tight as a test can wait for."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.runtime.accounts import PROBE, rpc
from tests.system import System, running
from tools.replay import Market

LIMIT = 20


@pytest.fixture(scope="module")
def cold(tmp_path_factory: pytest.TempPathFactory, markets: list[Market], shared_system: System) -> Iterator[System]:
    shared_system.stack.stop()
    folder = tmp_path_factory.mktemp("cold")
    with running(folder, markets, snapshot=False, rate_limit=LIMIT, extra_configs=[PROBE]) as system:
        yield system


def test_it_starts_cold_on_what_each_worker_declares(cold: System) -> None:
    cold.tick(2)
    assert "sma_cross" in {each["name"] for each in rpc(cold, "brain", "-", "describe", {})["strategies"]}
    assert rpc(cold, "desk", "stocks", "view", {})["market_ms"] == cold.replay.clock("us").market_ms
    assert cold.get("/v1/health")["status"] == "ok"


def test_too_many_requests_of_one_key_are_429_and_halting_goes_through(cold: System) -> None:
    with cold.client("trader") as client:
        answers = [client.get("/v1/desks") for _ in range(LIMIT + 5)]
        limited = [answer for answer in answers if answer.status_code == httpx.codes.TOO_MANY_REQUESTS]
        assert answers[0].status_code == httpx.codes.OK
        assert limited
        assert limited[0].json()["code"] == "rate_limited"
        assert int(limited[0].headers["retry-after"]) > 0
        assert client.get("/livez").status_code == httpx.codes.OK
        # the brake has a bucket of its own
        assert client.post("/v1/desks/stocks/halt", json={"reason": "busy"}).status_code == httpx.codes.OK
    assert cold.get("/v1/desks/stocks")["status"] == "halted"  # another key has its own


def test_guessing_keys_is_429_before_it_is_cheap(cold: System) -> None:
    def guess(number: int) -> int:
        headers = {"Authorization": f"Bearer edk_{number:08x}_{'A' * 43}"}
        return httpx.get(f"{cold.stack.url}/v1/desks", headers=headers).status_code

    codes = [guess(number) for number in range(3 * LIMIT)]
    assert codes[0] == httpx.codes.UNAUTHORIZED
    assert codes[-1] == httpx.codes.TOO_MANY_REQUESTS
