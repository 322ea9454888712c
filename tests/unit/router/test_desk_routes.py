"""Orders, positions, halt and resume, against desks that answer what they are told to."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from shared.errors import Conflict, Retryable, StorageUnavailable
from tests.unit.router.native import World, problem, run
from tests.unit.router.test_pages import walk

ORDER = {"instrument": "us:AAPL", "side": "buy", "kind": "limit", "qty": "1.50", "limit_price": "20"}


def client_id(number: int) -> str:
    return f"{number:032x}"


def history(world: World, number: int, status: str = "filled") -> None:
    body = json.dumps({"client_id": client_id(number), "status": status})
    world.db.do(
        "INSERT INTO orders VALUES ('main', ?, 'us:AAPL', 'buy', ?, ?, ?, ?)",
        client_id(number),
        status,
        body,
        number,
        number,
    )


def live(world: World, *numbers: int) -> None:
    items = [{"client_id": client_id(number), "status": "sent", "intended_ms": number} for number in numbers]
    world.desks.answers["main", "orders"] = {"items": items, "seq": 9}


@pytest.mark.parametrize("limit", range(1, 9))
def test_open_orders_come_first_and_each_order_once(world: World, limit: int) -> None:
    world.desk("main", 7)
    for number in range(1, 6):
        history(world, number)
    history(world, 6, "sent")  # the outbox has it as open; it is
    live(world, 6, 7)
    items, _ = walk(world, "/v1/desks/main/orders", limit)
    assert [item["client_id"] for item in items] == [client_id(number) for number in (7, 6, 5, 4, 3, 2, 1)]
    body = world.ask("GET", "/v1/desks/main/orders").json()
    assert (body["seq"], body["as_of_seq"]) == (9, 7)


def test_orders_by_state(world: World) -> None:
    history(world, 1)
    live(world, 2, 3)
    assert len(walk(world, "/v1/desks/main/orders?state=open", 1)[0]) == 2
    assert len(walk(world, "/v1/desks/main/orders?state=closed", 1)[0]) == 1
    live(world)
    assert walk(world, "/v1/desks/main/orders?state=open", 1)[0] == []


def test_an_order_goes_to_the_desk_exactly_and_with_the_callers_own_key(world: World) -> None:
    world.desks.answers["main", "place"] = {"order": {"client_id": client_id(1)}}
    assert world.ask("POST", "/v1/desks/main/orders", "trader", json=ORDER).status_code == 201
    prefix = world.keys["trader"][4:12]
    wanted = {**ORDER, "qty": "1.5", "reduce_only": False, "post_only": False, "time_in_force": "gtc"}
    assert world.desks.asked == [
        ("main", "place", {"order": wanted, "by": prefix, "idempotency_key": f"{prefix}:test-key"})
    ]


def test_cancel_goes_to_the_desk(world: World) -> None:
    world.desks.answers["main", "cancel"] = {"order": {}}
    path = f"/v1/desks/main/orders/{client_id(1)}/cancel"
    bodies: list[dict[str, Any]] = [{}, {"json": {}}]
    for body in bodies:
        assert world.ask("POST", path, "trader", **body).status_code == 200
    problem(world.ask("POST", path, "trader", json={"x": 1}), 422, "invalid")
    assert {asked[2]["client_id"] for asked in world.desks.asked} == {client_id(1)}


def test_a_conflict_of_the_desk_is_told(world: World) -> None:
    world.desks.answers["main", "place"] = Conflict("another body", code="idempotency_conflict")
    problem(world.ask("POST", "/v1/desks/main/orders", "trader", json=ORDER), 409, "idempotency_conflict")


def test_positions_by_instrument(world: World) -> None:
    items = [{"instrument": f"us:{symbol}"} for symbol in ("C", "A", "B")]
    world.desks.answers["main", "positions"] = {"items": items, "seq": 4}
    found, _ = walk(world, "/v1/desks/main/positions", 2)
    assert [item["instrument"] for item in found] == ["us:A", "us:B", "us:C"]


def test_a_halt_always_reaches_the_desk(world: World) -> None:
    world.desks.answers["main", "halt"] = {"status": "halted", "since_ms": 1}
    ways: list[dict[str, Any]] = [{"json": {"reason": "smoke"}}, {"idempotent": False}, {"json": {}}]
    for more in ways:
        answered = world.ask("POST", "/v1/desks/main/halt", "trader", **more)
        assert answered.json() == {"desk": "main", "status": "halted", "since_ms": 1}
    assert [asked[2]["reason"] for asked in world.desks.asked] == ["smoke", "by hand", "by hand"]
    # a key used again after a resume must stop the desk, not repeat the answer of then
    assert not [asked for asked in world.desks.asked if "idempotency_key" in asked[2]]


@pytest.mark.parametrize("path", ["/v1/halt", "/v1/desks/main/halt"])
def test_a_halt_needs_no_content_type(world: World, path: str) -> None:
    """What `curl -d` sends by itself: nobody may fail to stop a desk for want of a header."""
    headers = {"content-type": "application/x-www-form-urlencoded"}
    world.desks.answers["main", "halt"] = {"status": "halted", "since_ms": 1}
    answer = world.ask("POST", path, "trader", content=b'{"reason": "now"}', headers=headers)
    assert answer.status_code == 200, answer.text
    assert {asked[2]["reason"] for asked in world.desks.asked} <= {"now"}


def test_a_known_trader_can_halt_while_d1_is_down(world: World) -> None:
    world.desks.answers["main", "halt"] = {"status": "halted", "since_ms": 1}
    world.desks.answers["main", "place"] = {"order": {}}
    world.ask("GET", "/v1/signals", "trader")
    world.ask("GET", "/v1/signals", "viewer")
    world.db.down = True
    assert world.ask("POST", "/v1/desks/main/halt", "trader").status_code == 200
    problem(world.ask("POST", "/v1/desks/main/halt", "viewer"), 403, "forbidden")
    problem(world.ask("POST", "/v1/desks/main/halt", "admin"), 503, "storage_unavailable")
    problem(world.ask("POST", "/v1/desks/main/orders", "trader", json=ORDER), 503, "storage_unavailable")
    assert [asked[1] for asked in world.desks.asked] == ["halt"]


def test_halt_for_all_reaches_only_the_desks_of_the_key(world: World) -> None:
    for name in ("alpha", "beta", "gamma"):
        world.desk(name)
        world.desks.answers[name, "halt"] = {"status": "halted", "since_ms": 1}
    answered = world.ask("POST", "/v1/halt", world.key("trader", ["alpha", "gamma"]))
    assert [item["desk"] for item in answered.json()["items"]] == ["alpha", "gamma"]
    assert {asked[0] for asked in world.desks.asked} == {"alpha", "gamma"}


@pytest.mark.parametrize(
    ("error", "code"),
    [(StorageUnavailable("gone", code="peer_unavailable"), "peer_unavailable"), (RuntimeError("a secret"), "internal")],
)
def test_one_failing_desk_never_stops_the_others_nor_passes_for_a_success(
    world: World, error: Exception, code: str
) -> None:
    for name in ("alpha", "beta", "gamma"):
        world.desk(name)
        world.desks.answers[name, "halt"] = {"status": "halted", "since_ms": 1}
    world.desks.answers["beta", "halt"] = error
    said: dict[str, Any] = problem(world.ask("POST", "/v1/halt", "trader"), 503, "halt_incomplete")
    assert {item["desk"]: item["ok"] for item in said["items"]} == {"alpha": True, "beta": False, "gamma": True}
    assert said["items"][1]["code"] == code
    assert "secret" not in str(said["items"])


def test_resume_takes_two_steps(world: World) -> None:
    world.desks.answers["main", "resume_request"] = {"confirm": "token", "expires_ms": 5}
    world.desks.answers["main", "resume_confirm"] = {"status": "trading"}
    path = "/v1/desks/main/resume"
    first = world.ask("POST", path, json={"reason": "checked"}, headers={"idempotency-key": "one"})
    assert first.json() == {"desk": "main", "confirm": "token", "expires_ms": 5}
    second = world.ask("POST", path, json={"confirm": "token"}, headers={"idempotency-key": "two"})
    assert second.json() == {"desk": "main", "status": "trading"}
    prefix = world.keys["admin"][4:12]
    assert world.desks.asked[1] == (
        "main",
        "resume_confirm",
        {"by": prefix, "confirm": "token", "idempotency_key": f"{prefix}:two"},
    )
    for body in ({}, {"reason": "a", "confirm": "b"}, {"reason": None}):
        problem(world.ask("POST", path, json=body), 422, "invalid")


def test_a_scan_is_queued_once_however_often_it_is_sent(world: World) -> None:
    async def five() -> list[httpx.Response]:
        return list(await asyncio.gather(*(world.asking("POST", "/v1/scan", "trader", json={}) for _ in range(5))))

    answers = run(five())
    assert {each.status_code for each in answers} == {202}
    (run_id,) = {each.json()["run_id"] for each in answers}
    (row,) = world.db.do("SELECT * FROM job_runs")
    assert (row["id"], row["job"], row["state"], row["scope"]) == (run_id, "scan", "queued", "")
    assert {message["id"] for message in world.jobs.sent} == {run_id}
    assert set(world.jobs.sent[0]) == {"v", "id", "job", "scope", "requested_by", "queued_ms"}
    world.db.do("UPDATE job_runs SET state = 'done'")
    sent = len(world.jobs.sent)
    world.ask("POST", "/v1/scan", "trader", json={})
    assert len(world.jobs.sent) == sent
    problem(world.ask("POST", "/v1/scan", "trader", json={"desk": "main"}), 409, "idempotency_conflict")


def test_a_scan_whose_message_never_left_is_sent_by_the_next_try(world: World) -> None:
    async def fail(_: Any) -> None:
        raise Retryable("the queue is away")

    send, world.jobs.send = world.jobs.send, fail  # type: ignore[method-assign,assignment]
    problem(world.ask("POST", "/v1/scan", "trader", json={}), 503, "try_again")
    world.jobs.send = send  # type: ignore[method-assign]
    again = world.ask("POST", "/v1/scan", "trader", json={})
    assert [message["id"] for message in world.jobs.sent] == [again.json()["run_id"]]


def test_a_scan_of_everything_needs_a_key_for_everything(world: World) -> None:
    local = world.key("trader", ["main"])
    problem(world.ask("POST", "/v1/scan", local, json={}), 403, "forbidden")
    problem(world.ask("POST", "/v1/scan", local, json={"desk": "other"}), 403, "forbidden")
    assert world.ask("POST", "/v1/scan", local, json={"desk": "main"}).status_code == 202
