"""Messages of the queue: run once, retried when they may be, never poisonous."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from cron.consumer import ACK, BUSY_DELAY_S, MAX_ATTEMPTS, RETRY_DELAY_S, Verdict, consume
from cron.runner import Request, run
from shared.errors import StorageUnavailable
from tests.unit.cron.world import MINUTE_MS, START_MS, WireVenue, World, settings, symbols


def message(**changes: Any) -> str:
    body = {"v": 1, "id": "m1", "job": "ingest", "scope": "us", "requested_by": "edk_abc", "queued_ms": 5}
    return json.dumps({**body, **changes})


def world() -> World:
    place = World(WireVenue(symbols(2, 200)), settings(history_bars=50))
    place.venue.market_ms = START_MS + 100 * MINUTE_MS
    return place


def send(place: World, body: str, attempts: int = 1) -> Verdict:
    return asyncio.run(consume(place.context(), body, attempts))


def state(place: World, run_id: str = "m1") -> dict[str, Any]:
    return place.db.all("SELECT * FROM job_runs WHERE id = ?", run_id)[0]


def test_a_message_is_one_run_under_its_own_id() -> None:
    place = world()
    assert send(place, message()) == ACK
    row = state(place)
    assert (row["state"], row["requested_by"], row["queued_ms"]) == ("done", "edk_abc", 5)
    assert json.loads(row["counts"])["bars"] == 100


def test_five_deliveries_at_once_are_one_run() -> None:
    place = world()

    async def five() -> list[Verdict]:
        return list(await asyncio.gather(*(consume(place.context(), message()) for _ in range(5))))

    verdicts = asyncio.run(five())
    assert verdicts.count(ACK) >= 1
    assert all(verdict in (ACK, Verdict(BUSY_DELAY_S)) for verdict in verdicts)
    assert len(place.runs("ingest")) == 1
    assert send(place, message()) == ACK
    assert len(place.store.objects) == 1


@pytest.mark.parametrize(
    "body",
    [
        "", "nonsense", "[]", "null", "[" * 5000, message(v=2), message(id=""), message(id="x' OR 1=1 --"),
        message(job="rm -rf"), message(job=7), message(scope="mars"), message(extra=1), message(queued_ms=-1),
        message(queued_ms="5"), message(job="report", scope="nobody/2024-01-01"), message(job="retention", scope="us"),
    ],
)  # fmt: skip
def test_a_malformed_message_is_recorded_once_and_acknowledged(body: str) -> None:
    place = world()
    assert send(place, body) == ACK
    assert send(place, body) == ACK
    rows = place.db.all("SELECT * FROM job_runs")
    assert len(rows) == 1
    assert rows[0]["state"] == "failed"
    assert "malformed message" in rows[0]["error"]


def test_a_message_that_is_refused_ends_the_run_that_waits_for_it() -> None:
    place = world()
    place.db.change(
        "INSERT INTO job_runs (id, job, scope, state, requested_by, queued_ms)"
        " VALUES ('m1', 'scan', 'nobody', 'queued', 'edk_abc', 5)"
    )
    assert send(place, message(job="scan", scope="nobody")) == ACK
    assert len(place.db.all("SELECT * FROM job_runs")) == 1
    assert state(place)["state"] == "failed"
    assert "nobody" in state(place)["error"]


def test_a_refused_message_does_not_touch_a_run_that_is_over() -> None:
    place = world()
    assert send(place, message()) == ACK
    assert send(place, message(scope="mars")) == ACK
    assert state(place)["state"] == "done"


def test_a_malformed_message_is_acknowledged_even_while_d1_is_down() -> None:
    place = world()

    def fail(sql: str) -> None:
        raise StorageUnavailable("D1 did not answer")

    place.db.fail = fail
    assert send(place, "nonsense") == ACK
    assert send(place, message()) == Verdict(RETRY_DELAY_S)


def test_what_may_be_retried_is_delivered_again_and_in_the_end_given_up() -> None:
    place = world()
    place.venue.spoil_other = lambda path: httpx.Response(503)
    for attempt in range(1, MAX_ATTEMPTS):
        assert send(place, message(), attempt) == Verdict(RETRY_DELAY_S * attempt)
        assert state(place)["state"] == "queued"
    assert send(place, message(), MAX_ATTEMPTS) == ACK
    assert state(place)["state"] == "failed"
    assert "gave up" in state(place)["error"]
    assert send(place, message(), MAX_ATTEMPTS + 1) == ACK


def test_a_retry_that_works_is_the_same_run() -> None:
    place = world()
    place.venue.spoil_other = lambda path: httpx.Response(503)
    send(place, message())
    place.venue.spoil_other = lambda path: None
    assert send(place, message(), 2) == ACK
    assert state(place)["state"] == "done"
    assert state(place)["error"] is None


def test_a_message_waits_while_the_minute_runs_the_same_job() -> None:
    place = world()

    async def overlap() -> None:
        async def work(context: Any) -> Any:
            assert await consume(place.context(), message()) == Verdict(BUSY_DELAY_S)
            raise StorageUnavailable("enough")

        await run(place.context(), Request("tick", "ingest", "us", 60), work)

    asyncio.run(overlap())
    assert send(place, message(), 2) == ACK
    assert state(place)["state"] == "done"


def test_without_a_scope_the_job_runs_for_each_of_its_scopes() -> None:
    place = world()
    place.tick()
    assert send(place, message(job="scan", scope="")) == ACK
    assert json.loads(state(place)["counts"]) == {"done": 1}
    scans = place.runs("scan")
    assert {row["scope"] for row in scans} == {"", "alpha"}
    place.desks.members.clear()
    assert send(place, message(job="report", scope="", id="m2")) == ACK
    assert "alpha: desk_not_open" in state(place, "m2")["error"]


def test_a_scan_asked_for_by_hand_finds_what_is_archived() -> None:
    place = world()
    place.tick()
    place.venue.market_ms += MINUTE_MS
    assert send(place, message()) == ACK
    assert send(place, message(job="scan", scope="alpha", id="m2")) == ACK
    counts = json.loads(state(place, "m2")["counts"])
    assert (counts["bars"], counts["from_hot"]) == (2, 1)
