"""The list of alerts, and the test that anybody in charge can ask for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.alerts.rows import Filed, insert
from shared.errors import StorageUnavailable
from shared.model.alert import Alert
from shared.model.ids import digest
from tests.unit.router.native import NOW_MS, World, problem

TEST = "/v1/alerts/test"


def file(world: World, n: int, desk: str = "main", severity: str = "warning", **columns: Any) -> str:
    fields = {
        "id": digest(n),
        "desk": desk,
        "severity": severity,
        "code": "reduced",
        "dedupe_key": f"k{n}",
        "title": f"alert {n}",
        "context": {"by": "risk", "seq": n},
        "at_ms": NOW_MS + n,
    }
    alert = Alert.parse(json.dumps(fields))
    (statement,) = insert([Filed(alert, seq=n if desk else None)])
    world.db.do(statement.sql, *statement.params)
    for name, value in columns.items():
        world.db.do(f"UPDATE alerts SET {name} = ? WHERE id = ?", value, alert.id)
    return alert.id


def attempt(world: World, alert_id: str, channel: str, ok: int, status: int | None, at_ms: int = NOW_MS) -> None:
    world.db.do("INSERT INTO alert_attempts VALUES (?, ?, ?, ?, ?, 'said', NULL)", alert_id, channel, at_ms, ok, status)


def test_an_alert_is_shown_with_what_became_of_it(world: World) -> None:
    first = file(world, 1, state="delivered", due_ms=None, tries=2)
    file(world, 2, state="suppressed", same_as=first, due_ms=None)
    attempt(world, first, "pager", 0, None)
    attempt(world, first, "chat", 1, 200, NOW_MS + 5)
    items = world.ask("GET", "/v1/alerts", "viewer").json()["items"]
    assert [item["title"] for item in items] == ["alert 2", "alert 1"]
    assert items[1] == {
        "id": first,
        "desk": "main",
        "severity": "warning",
        "code": "reduced",
        "dedupe_key": "k1",
        "title": "alert 1",
        "detail": "",
        "context": {"by": "risk", "seq": 1},
        "at_ms": NOW_MS + 1,
        "seq": 1,
        "state": "delivered",
        "reason": None,
        "same_as": None,
        "tries": 2,
        "due_ms": None,
        "repeats": 1,
        "attempts": [
            {"channel": "pager", "at_ms": NOW_MS, "ok": False, "status": None, "detail": "said"},
            {"channel": "chat", "at_ms": NOW_MS + 5, "ok": True, "status": 200, "detail": "said"},
        ],
    }
    assert (items[0]["same_as"], items[0]["attempts"], items[0]["repeats"]) == (first, [], 0)


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("desk=main", [3, 1]),
        ("severity=critical", [3]),
        ("state=unreached", [2]),
        ("code=reduced", [3, 2, 1]),
        ("code=halted", []),
    ],
)
def test_alerts_are_found_by_what_they_are(world: World, query: str, shown: list[int]) -> None:
    world.desk("main")
    file(world, 1)
    file(world, 2, desk="", state="unreached")
    file(world, 3, severity="critical")
    items = world.ask("GET", f"/v1/alerts?{query}").json()["items"]
    assert [item["at_ms"] - NOW_MS for item in items] == shown


def test_alerts_come_in_pages(world: World) -> None:
    for n in range(5):
        file(world, n)
    seen: list[str] = []
    cursor = ""
    while True:
        page = world.ask("GET", f"/v1/alerts?limit=2{cursor}").json()
        seen += [item["title"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == [f"alert {n}" for n in range(4, -1, -1)]


def test_a_key_sees_the_alerts_of_its_desks_and_those_of_none(world: World) -> None:
    file(world, 1, desk="main")
    file(world, 2, desk="other")
    file(world, 3, desk="")
    mine = world.key("viewer", ["main"])
    items = world.ask("GET", "/v1/alerts", mine).json()["items"]
    assert [item["desk"] for item in items] == ["", "main"]
    problem(world.ask("GET", "/v1/alerts?desk=other", mine), 403, "forbidden")


@pytest.mark.parametrize("query", ["severity=grave", "state=lost", "desk=No", "code=A", "limit=0", "colour=red"])
def test_a_wrong_query_is_refused(world: World, query: str) -> None:
    problem(world.ask("GET", f"/v1/alerts?{query}"), 422, "invalid")


def row(world: World) -> dict[str, Any]:
    (found,) = world.db.do("SELECT * FROM alerts")
    return found


def test_a_test_is_filed_and_the_bell_rings(world: World) -> None:
    response = world.ask("POST", TEST, "admin", json={"severity": "critical", "channel": "ops-telegram"})
    assert response.status_code == 202
    filed = row(world)
    assert response.json() == {"id": filed["id"]}
    assert (filed["severity"], filed["channel"], filed["state"], filed["due_ms"]) == (
        "critical",
        "ops-telegram",
        "pending",
        0,
    )
    (bell,) = world.jobs.sent
    assert (bell["v"], bell["job"], bell["scope"], bell["queued_ms"]) == (1, "alerts", "", NOW_MS)
    assert set(bell) == {"v", "id", "job", "scope", "requested_by", "queued_ms"}


def test_a_test_without_a_body_is_a_warning_to_its_route(world: World) -> None:
    assert world.ask("POST", TEST, "admin").status_code == 202
    assert (row(world)["severity"], row(world)["channel"]) == ("warning", None)


def test_the_same_test_again_is_the_same_alert(world: World) -> None:
    first = world.ask("POST", TEST, "admin", json={}).json()
    assert world.ask("POST", TEST, "admin", json={}).json() == first == {"id": row(world)["id"]}
    assert len({bell["id"] for bell in world.jobs.sent}) == 1
    problem(world.ask("POST", TEST, "admin", json={"severity": "info"}), 409, "idempotency_conflict")


def test_a_test_needs_a_key_for_every_desk(world: World) -> None:
    problem(world.ask("POST", TEST, world.key("admin", ["main"]), json={}), 403, "forbidden")
    problem(world.ask("POST", TEST, "trader", json={}), 403, "forbidden")
    assert not world.db.do("SELECT * FROM alerts")


@pytest.mark.parametrize("body", [{"severity": "grave"}, {"channel": "No Name"}, {"channel": 7}, {"to": "x"}])
def test_a_wrong_test_is_refused_by_field(world: World, body: dict[str, Any]) -> None:
    said = problem(world.ask("POST", TEST, "admin", json=body), 422, "invalid")
    assert [error["field"] for error in said["errors"]] == list(body)
    assert not world.jobs.sent


def test_a_queue_that_is_away_leaves_it_to_the_next_tick(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(_: Any) -> None:
        raise StorageUnavailable("the queue did not answer")

    monkeypatch.setattr(world.jobs, "send", away)
    assert world.ask("POST", TEST, "admin", json={}).status_code == 202
    assert row(world)["state"] == "pending"


def test_health_tells_of_a_halt_that_nobody_heard_of(world: World) -> None:
    file(world, 1, severity="critical")
    body = world.ask("GET", "/v1/health").json()
    assert (body["status"], body["alerts"]) == ("ok", {"waiting": 1, "unreached": 0})
    file(world, 2, state="unreached", due_ms=None)
    assert world.ask("GET", "/v1/health").json()["status"] == "ok"
    file(world, 3, severity="critical", state="unreached")
    body = world.ask("GET", "/v1/health").json()
    assert (body["status"], body["alerts"]) == ("degraded", {"waiting": 2, "unreached": 1})
    elsewhere = world.ask("GET", "/v1/health", world.key("viewer", ["other"])).json()
    assert elsewhere["alerts"] == {"waiting": 0, "unreached": 0}
    world.clock.advance(86_400_000 + 4)
    assert world.ask("GET", "/v1/health").json()["status"] == "ok"
