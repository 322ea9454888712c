"""Leases, recorded runs, and what becomes of one that crashed."""

from __future__ import annotations

import asyncio
import json

import pytest

from cron.context import Context, Done
from cron.runner import Request, Run, run
from shared.errors import Invalid, Refused, StorageUnavailable, VenueUnavailable
from tests.unit.cron.world import World

REQUEST = Request("r1", "ingest", "us", 60)


async def good(context: Context) -> Done:
    await asyncio.sleep(0)
    return Done({"bars": 3}, ("one row refused",))


def go(place: World, request: Request = REQUEST, work: object = good) -> Run:
    return asyncio.run(run(place.context(), request, work))  # type: ignore[arg-type]


def test_a_run_is_recorded_from_start_to_end() -> None:
    place = World()

    async def look(context: Context) -> Done:
        assert (context.scope, context.run) == ("us", "r1")
        row = place.runs("ingest")[0]
        assert (row["state"], row["ended_ms"]) == ("running", None)
        place.clock.advance(250)
        return Done({"bars": 3}, ("one row refused",))

    assert go(place, work=look).state == "done"
    row = place.runs("ingest")[0]
    assert row["state"] == "done"
    assert row["ended_ms"] - row["started_ms"] == 250
    assert json.loads(row["counts"]) == {"bars": 3}
    assert json.loads(row["operations"]) == {"d1_queries": 1}
    assert row["error"] == "one row refused"
    assert not place.db.all("SELECT * FROM leases")


@pytest.mark.parametrize(
    ("error", "state", "text"),
    [
        (VenueUnavailable("500"), "retry", "venue_unavailable: 500"),
        (Refused("no"), "failed", "refused: no"),
        (Invalid.field("a", 1, "is wrong"), "failed", "a: 1 is wrong"),
        (KeyError("x"), "failed", "bug: KeyError"),
    ],
)
def test_a_failure_is_recorded_and_never_raised(error: Exception, state: str, text: str) -> None:
    place = World()

    async def bad(context: Context) -> Done:
        raise error

    finished = go(place, work=bad)
    assert finished.state == state
    row = place.runs("ingest")[0]
    assert row["state"] == "failed"
    assert text in row["error"]
    assert not place.db.all("SELECT * FROM leases")


@pytest.mark.parametrize("words", ["KEY", "x" * 1990 + " KEY"])
@pytest.mark.parametrize("kind", [VenueUnavailable, Refused, ValueError])
def test_a_secret_is_not_recorded(kind: type[Exception], words: str) -> None:
    place = World()

    async def bad(context: Context) -> Done:
        raise kind(words.replace("KEY", "edk_0123abcd_" + "s3cret"))

    finished = go(place, work=bad)
    assert "s3cret" not in place.runs("ingest")[0]["error"]
    assert "s3cret" not in finished.error


def test_a_secret_in_a_problem_is_not_recorded() -> None:
    place = World()

    async def fair(context: Context) -> Done:
        return Done({}, ("https://hooks.slack.com/services/" + "s3cret",))

    go(place, work=fair)
    assert place.runs("ingest")[0]["error"] == "https://hooks.slack.com/***"


def test_a_run_past_its_lease_is_stopped() -> None:
    place = World()

    async def slow(context: Context) -> Done:
        await asyncio.sleep(5)
        return Done({})

    finished = go(place, Request("r1", "ingest", "us", 0), slow)
    assert finished.state == "retry"
    assert "lease" in place.runs("ingest")[0]["error"]


def test_five_at_once_of_one_id_run_once() -> None:
    place = World()
    ran: list[int] = []

    async def work(context: Context) -> Done:
        ran.append(1)
        await asyncio.sleep(0.01)
        return Done({})

    async def five() -> list[str]:
        return [each.state for each in await asyncio.gather(*(run(place.context(), REQUEST, work) for _ in range(5)))]

    assert sorted(asyncio.run(five())) == ["busy"] * 4 + ["done"]
    assert go(place, work=work).state == "busy"
    assert len(ran) == 1
    assert [row["state"] for row in place.runs("ingest")] == ["done"]


def test_another_tick_while_one_runs_is_skipped_and_recorded() -> None:
    place = World()

    async def overlap() -> None:
        async def work(context: Context) -> Done:
            later = await run(place.context(), Request("r2", "ingest", "us", 60), good)
            assert later.state == "busy"
            other = await run(place.context(), Request("r3", "ingest", "fx", 60), good)
            assert other.state == "done"
            return Done({})

        assert (await run(place.context(), REQUEST, work)).state == "done"

    asyncio.run(overlap())
    assert {row["id"]: row["state"] for row in place.runs("ingest")} == {"r1": "done", "r2": "skipped", "r3": "done"}


def _crash(place: World, request: Request = REQUEST) -> None:
    """A run whose worker dies: neither its end nor its lease is written."""

    def fail(sql: str) -> None:
        if "operations" in sql:
            raise StorageUnavailable("the worker is gone")

    place.db.fail = fail
    go(place, request)
    place.db.fail = lambda sql: None


def test_a_crashed_run_holds_its_lease_until_it_expires_and_is_then_marked_abandoned() -> None:
    place = World()
    _crash(place)
    assert place.runs("ingest")[0]["state"] == "running"
    place.clock.advance(59_000)
    assert go(place, Request("r2", "ingest", "us", 60)).state == "busy"
    place.clock.advance(1_000)
    assert go(place, Request("r3", "ingest", "us", 60)).state == "done"
    rows = {row["id"]: (row["state"], row["error"]) for row in place.runs("ingest")}
    assert rows["r1"] == ("failed", "abandoned")
    assert rows["r3"][0] == "done"


def test_the_same_run_delivered_again_after_a_crash_runs_again() -> None:
    place = World()
    _crash(place)
    place.clock.advance(60_000)
    assert go(place).state == "done"
    assert [row["state"] for row in place.runs("ingest")] == ["done"]


def test_a_run_that_outlived_its_lease_does_not_write_over_its_successor() -> None:
    place = World()

    async def slow(context: Context) -> Done:
        place.clock.advance(61_000)
        assert (await run(place.context(), Request("r2", "ingest", "us", 60), good)).state == "done"
        return Done({"late": 1})

    go(place, work=slow)
    rows = {row["id"]: row for row in place.runs("ingest")}
    assert rows["r1"]["error"] == "abandoned"
    assert rows["r1"]["counts"] == "{}"


def test_d1_that_cannot_record_a_start_raises() -> None:
    place = World()

    def fail(sql: str) -> None:
        raise StorageUnavailable("D1 did not answer")

    place.db.fail = fail
    with pytest.raises(StorageUnavailable):
        go(place)
