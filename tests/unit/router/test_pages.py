from __future__ import annotations

import json
import string
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.paging import read_cursor, write_cursor
from shared.errors import Invalid
from tests.unit.router.native import World, problem


def walk(world: World, path: str, limit: int, key: str = "viewer") -> tuple[list[Any], int]:
    """Every item, page by page, and how many pages that took."""
    items: list[Any] = []
    cursor, pages = "", 0
    while True:
        mark = "&" if "?" in path else "?"
        answered = world.ask("GET", f"{path}{mark}limit={limit}{cursor}", key)
        assert answered.status_code == 200, answered.text
        body = answered.json()
        assert len(body["items"]) <= limit
        items += body["items"]
        pages += 1
        if body["next_cursor"] is None:
            return items, pages
        cursor = f"&cursor={body['next_cursor']}"


def signal(world: World, number: int, created_ms: int, desk: str = "main") -> str:
    name = f"{number:032x}"
    world.db.do(
        "INSERT INTO signals (id, desk, venue, symbol, strategy, action, side, score, bar_close_ms, body, created_ms) "
        "VALUES (?, ?, 'us', 'AAPL', 'sma', 'enter', 'buy', 0.5, 0, ?, ?)",
        name,
        desk,
        json.dumps({"id": name, "score": 0.5}),
        created_ms,
    )
    return name


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(times=st.lists(st.integers(0, 5), max_size=25), limit=st.integers(1, 10))
def test_pages_put_together_are_the_whole_list_once(times: list[int], limit: int) -> None:
    world = World()
    names = [(at_ms, signal(world, number, at_ms)) for number, at_ms in enumerate(times)]
    items, pages = walk(world, "/v1/signals", limit)
    assert [item["id"] for item in items] == [name for _, name in sorted(names, reverse=True)]
    assert pages == max(1, -(-len(times) // limit))


@given(st.lists(st.one_of(st.integers(0, 2**53 - 1), st.text(max_size=40)), min_size=1, max_size=3))
def test_a_cursor_comes_back_as_it_was_given_out(position: list[int | str]) -> None:
    types = [type(part) for part in position]
    cursor = write_cursor("list", tuple(position))
    assert read_cursor(cursor, "list", types) == tuple(position)
    with pytest.raises(Invalid):
        read_cursor(cursor, "other", types)


@given(st.text(alphabet=string.ascii_letters + string.digits + "-_", min_size=1, max_size=400))
def test_any_other_text_is_refused_and_breaks_nothing(text: str) -> None:
    with pytest.raises(Invalid):
        read_cursor(text, "signals", (int, str))


def test_signals_only_of_the_desks_of_the_key(world: World) -> None:
    mine = signal(world, 1, 1)
    signal(world, 2, 2, "other")
    local = world.key("viewer", ["main"])
    assert [item["id"] for item in walk(world, "/v1/signals", 10, local)[0]] == [mine]
    assert len(walk(world, "/v1/signals", 10)[0]) == 2
    problem(world.ask("GET", "/v1/signals?desk=other", local), 403, "forbidden")
    (item,) = world.ask("GET", "/v1/signals?desk=main&outcome=pending&symbol=AAPL", local).json()["items"]
    assert item == {
        "id": mine,
        "score": 0.5,
        "desk": "main",
        "outcome": "pending",
        "code": None,
        "client_id": None,
        "created_ms": 1,
    }


def test_desks_only_those_of_the_key(world: World) -> None:
    for name in ("alpha", "beta", "gamma"):
        world.desk(name)
    assert [item["desk"] for item in walk(world, "/v1/desks", 2)[0]] == ["alpha", "beta", "gamma"]
    local = world.key("viewer", ["beta"])
    assert [item["desk"] for item in walk(world, "/v1/desks", 2, local)[0]] == ["beta"]
    assert [item["desk"] for item in world.ask("GET", "/v1/health", local).json()["desks"]] == ["beta"]


def test_instruments_by_venue_and_symbol(world: World) -> None:
    for symbol in ("AAPL", "IBM", "MSFT"):
        world.instrument(symbol)
    world.instrument("EURUSD", "fx")
    assert len(walk(world, "/v1/instruments", 1)[0]) == 4
    assert [item["symbol"] for item in walk(world, "/v1/instruments?venue=us", 2)[0]] == ["AAPL", "IBM", "MSFT"]
    assert len(walk(world, "/v1/instruments?symbol=EURUSD", 2)[0]) == 1


def test_runs_of_a_desk_are_not_shown_to_keys_of_another(world: World) -> None:
    world.desk("main")
    for number, scope in enumerate(["", "us", "main"]):
        world.db.do(
            "INSERT INTO job_runs (id, job, scope, state, requested_by, queued_ms) "
            "VALUES (?, 'scan', ?, 'done', 'cron', ?)",
            str(number),
            scope,
            number,
        )
    assert [item["scope"] for item in walk(world, "/v1/jobs", 2)[0]] == ["main", "us", ""]
    assert [item["scope"] for item in walk(world, "/v1/jobs", 2, world.key("viewer", ["other"]))[0]] == ["us", ""]
    (item,) = world.ask("GET", "/v1/jobs?limit=1").json()["items"]
    assert item["counts"] == {}


def test_runs_of_another_desks_report_are_not_shown(world: World) -> None:
    for name in ("mine", "other"):
        world.desk(name)
    for name in ("mine", "other"):
        world.db.do(
            "INSERT INTO job_runs (id, job, scope, state, requested_by, queued_ms)"
            " VALUES (?, 'report', ?, 'done', 'cron', 1)",
            name,
            f"{name}/2024-01-01",
        )
    found = world.ask("GET", "/v1/jobs", world.key("viewer", ["mine"])).json()["items"]
    assert [item["scope"] for item in found] == ["mine/2024-01-01"]
    assert len(world.ask("GET", "/v1/jobs", "viewer").json()["items"]) == 2


def test_what_went_wrong_for_everything_is_told_only_to_keys_for_every_desk(world: World) -> None:
    for name, job, scope in (("a", "monitor", ""), ("b", "ingest", "us"), ("c", "scan", "mine")):
        world.db.do(
            "INSERT INTO job_runs (id, job, scope, state, requested_by, queued_ms, error)"
            " VALUES (?, ?, ?, 'done', 'cron', 1, 'desk other: down')",
            name,
            job,
            scope,
        )
    mine = world.ask("GET", "/v1/jobs", world.key("viewer", ["mine"])).json()["items"]
    assert {item["job"]: item["error"] is None for item in mine} == {"monitor": True, "ingest": False, "scan": False}
    assert all(item["error"] for item in world.ask("GET", "/v1/jobs", "viewer").json()["items"])


def test_a_cursor_beyond_what_d1_can_bind_is_refused(world: World) -> None:
    for number, status in ((2**53 - 1, 200), (2**53, 422), (2**60, 422), (2**63, 422)):
        cursor = write_cursor("jobs", (number, "x"))
        assert world.ask("GET", f"/v1/jobs?cursor={cursor}", "viewer").status_code == status


def test_a_failed_job_degrades_health(world: World) -> None:
    for number, state in enumerate(["failed", "done"]):
        world.db.do(
            "INSERT INTO job_runs (id, job, scope, state, requested_by, queued_ms) "
            "VALUES (?, 'scan', '', ?, 'cron', ?)",
            str(number),
            state,
            number,
        )
    assert world.ask("GET", "/v1/health").json()["status"] == "ok"
    world.db.do("UPDATE job_runs SET state = 'failed'")
    assert world.ask("GET", "/v1/health").json()["status"] == "degraded"


@pytest.mark.parametrize(
    ("status", "health"),
    [("", "ok"), ("active", "ok"), ("reducing", "ok"), ("halted", "degraded"), ("unreachable", "degraded")],
)
def test_health_tells_how_each_desk_stands(world: World, status: str, health: str) -> None:
    world.desk("main")
    world.db.do("UPDATE desks SET status = ?, codes = '[\"daily_loss\"]', status_ms = 5", status)
    said = world.ask("GET", "/v1/health").json()
    assert said["status"] == health
    told = {"desk": "main", "mode": "paper", "status": status, "codes": ["daily_loss"], "status_ms": 5, "as_of_seq": 0}
    assert said["desks"] == [told]


def test_fills_and_journal_newest_first_with_how_far_they_reach(world: World) -> None:
    world.desk("main", 5)
    for seq in range(1, 6):
        world.db.do("INSERT INTO journal VALUES ('main', ?, 1, ?, 'opened', '{\"a\": [1]}', 'h')", seq, seq)
        world.db.do(
            "INSERT INTO fills VALUES ('main', ?, 'f', 'c', 'us:AAPL', 'buy', '1.50', '2.25', '0.01', 'USD', 1)", seq
        )
    for path in ("/v1/desks/main/journal", "/v1/desks/main/fills"):
        assert [item["seq"] for item in walk(world, path, 2)[0]] == [5, 4, 3, 2, 1]
        assert world.ask("GET", path).json()["as_of_seq"] == 5
    fill = world.ask("GET", "/v1/desks/main/fills?limit=1").json()["items"][0]
    assert (fill["qty"], fill["price"], fill["fee"]) == ("1.50", "2.25", {"amount": "0.01", "asset": "USD"})
    assert world.ask("GET", "/v1/desks/main/journal?limit=1").json()["items"][0]["body"] == {"a": [1]}
