"""The outermost layer: who gets in, what gets out, what is logged."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from router.app import misconfigured
from shared.errors import (
    Conflict,
    DeskError,
    Forbidden,
    Halt,
    Invalid,
    NotFound,
    RateLimited,
    Refused,
    Retryable,
    StorageUnavailable,
    TooLarge,
    Unauthorized,
    VenueUnavailable,
)
from tests.unit.router.native import World, problem, run

VIEW = {"desk": "main", "equity": "100"}


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/redoc", "/v1", "/v1/nothing", "/v1/signals/", "/livez/x", "//v1/signals"]
)
def test_unknown_paths_are_401_before_404(world: World, path: str) -> None:
    problem(world.ask("GET", path, None), 401, "unauthorized")
    problem(world.ask("GET", path, "edk_00000000_" + "x" * 43), 401, "unauthorized")
    problem(world.ask("GET", path, "viewer"), 404, "not_found")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods(world: World, method: str) -> None:
    problem(world.ask(method, "/v1/signals", None), 401, "unauthorized")
    answered = world.ask(method, "/v1/signals", "viewer")
    problem(answered, 405, "method_not_allowed")
    assert answered.headers["allow"] == "GET"


def test_cors_is_closed(world: World) -> None:
    preflight = {"origin": "https://evil.example", "access-control-request-method": "GET"}
    for response in (
        world.ask("OPTIONS", "/v1/signals", None, headers=preflight),
        world.ask("GET", "/v1/signals", "viewer", headers=preflight),
    ):
        assert not [name for name in response.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Basic abc",
        "Bearer edk_short_x",
        "Token {key}",
        "{key}",
        "Bearer {key}x",
        "Bearer x{key}",
    ],
)
def test_only_a_bearer_key_counts(world: World, header: str) -> None:
    sent = header.replace("{key}", world.keys["admin"])
    answered = world.ask("GET", "/v1/signals", None, headers={"authorization": sent})
    problem(answered, 401, "unauthorized")
    assert answered.headers["www-authenticate"] == "Bearer"
    assert world.db.round_trips == 0


def test_a_key_in_the_query_is_no_key(world: World) -> None:
    problem(world.ask("GET", f"/v1/signals?key={world.keys['admin']}", None), 401, "unauthorized")


def test_a_revoked_key_is_out_at_once_even_where_it_was_known(world: World) -> None:
    world.desks.answers["main", "view"] = VIEW
    assert world.ask("GET", "/v1/desks/main", "viewer").json() == VIEW
    world.db.do("UPDATE keys SET revoked_ms = 1 WHERE role = 'viewer'")
    problem(world.ask("GET", "/v1/desks/main", "viewer"), 401, "unauthorized")
    problem(world.ask("GET", "/v1/signals", "viewer"), 401, "unauthorized")
    world.desks.asked.clear()
    problem(world.ask("GET", "/v1/desks/main", "viewer"), 401, "unauthorized")
    assert not world.desks.asked


def test_a_page_and_its_key_are_one_round_trip(world: World) -> None:
    for path in ("/v1/signals", "/v1/instruments", "/v1/desks", "/v1/jobs", "/v1/health", "/v1/desks/main/fills"):
        world.db.round_trips = 0
        assert world.ask("GET", path, "viewer").status_code == 200
        assert world.db.round_trips == 1, path


def test_too_many_requests(world: World) -> None:
    world.limiter.allowed = False
    for key in ("viewer", None):
        answered = world.ask("GET", "/v1/signals", key, headers={"cf-connecting-ip": "1.2.3.4"})
        problem(answered, 429, "rate_limited")
        assert int(answered.headers["retry-after"]) > 0
    assert world.db.round_trips == 0
    assert world.limiter.keys == ["ip:1.2.3.4", "ip:1.2.3.4"]


def test_only_a_key_that_was_found_valid_has_a_bucket_of_its_own(world: World) -> None:
    prefix = world.keys["viewer"][4:12]
    here = {"cf-connecting-ip": "2001:db8:1:2:3:4:5:6"}
    world.ask("GET", "/v1/signals", f"edk_{prefix}_" + "x" * 43, headers=here)
    world.ask("GET", "/v1/signals", "viewer", headers=here)
    world.ask("GET", "/v1/signals", "viewer", headers=here)
    world.ask("POST", "/v1/halt", "viewer", headers=here)
    world.ask("GET", "/v1/signals", None, headers={"cf-connecting-ip": "::nonsense::"})
    address = "ip:2001:db8:1:2::"
    assert world.limiter.keys == [address, address, f"key:{prefix}", f"halt:key:{prefix}", "ip:unknown"]


def test_a_limiter_that_is_down_stops_nobody(world: World) -> None:
    world.limiter.allowed = StorageUnavailable("down")
    assert world.ask("GET", "/v1/signals", "viewer").status_code == 200


def test_d1_down_is_503_to_everybody(world: World) -> None:
    world.db.down = True
    for path in ("/v1/signals", "/v1/desks/main", "/v1/nothing", "/v1/signals?limit=0"):
        answered = world.ask("GET", path, "viewer")
        problem(answered, 503, "storage_unavailable")
        assert answered.headers["retry-after"]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Retryable("x"), 503, "try_again"),
        (VenueUnavailable("x", retry_after_s=7.0), 503, "venue_unavailable"),
        (StorageUnavailable("x"), 503, "storage_unavailable"),
        (StorageUnavailable("x", code="peer_unavailable"), 503, "peer_unavailable"),
        (Refused("x"), 422, "refused"),
        (Refused("x", code="max_order_notional"), 422, "max_order_notional"),
        (Invalid("x"), 422, "invalid"),
        (NotFound("x"), 404, "not_found"),
        (NotFound("x", code="desk_not_open"), 404, "desk_not_open"),
        (Unauthorized("x"), 401, "unauthorized"),
        (Forbidden("x"), 403, "forbidden"),
        (Conflict("x"), 409, "conflict"),
        (TooLarge("x"), 413, "too_large"),
        (RateLimited("x"), 429, "rate_limited"),
        (Halt("x"), 500, "halt"),
        (DeskError("x"), 500, "desk_error"),
        (DeskError("x", code="peer_failed"), 500, "peer_failed"),
        (RuntimeError("a secret inside"), 500, "internal"),
        (KeyError("a secret inside"), 500, "internal"),
    ],
)
def test_every_failure_of_a_desk_is_a_problem(world: World, error: Exception, status: int, code: str) -> None:
    world.desks.answers["main", "view"] = error
    for _ in range(2):  # the second time the desk is asked along with the key
        answered = world.ask("GET", "/v1/desks/main", "viewer")
        assert "secret" not in problem(answered, status, code)["detail"]
    if isinstance(error, VenueUnavailable):
        assert answered.headers["retry-after"] == "7"


def test_a_refusal_from_a_desk_to_a_revoked_key_is_not_told(world: World) -> None:
    world.desks.answers["main", "view"] = NotFound("x", code="desk_not_open")
    world.ask("GET", "/v1/desks/main", "viewer")
    world.db.do("UPDATE keys SET revoked_ms = 1 WHERE role = 'viewer'")
    problem(world.ask("GET", "/v1/desks/main", "viewer"), 401, "unauthorized")


def test_one_line_a_request_and_never_the_key(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    answered = world.ask("GET", "/v1/desks/main?x=1", "viewer")
    (line,) = [record for record in caplog.records if record.getMessage() == "request"]
    said: dict[str, Any] = vars(line)
    assert (said["method"], said["route"], said["status"]) == ("GET", "/v1/desks/{desk}", answered.status_code)
    assert said["request_id"] == answered.headers["x-request-id"]
    assert said["prefix"] == world.keys["viewer"][4:12]
    assert isinstance(said["ms"], int)
    assert world.keys["viewer"][13:] not in str(said)


def test_a_bug_is_logged_with_its_request_id(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.desks.answers["main", "view"] = RuntimeError("a secret inside")
    answered = world.ask("GET", "/v1/desks/main", "viewer")
    logged = [record for record in caplog.records if record.getMessage() == "request_failed"]
    assert [vars(record)["request_id"] for record in logged] == [answered.json()["request_id"]]
    assert logged[0].exc_info


def test_a_row_that_cannot_be_judged_lets_nothing_through(world: World) -> None:
    world.db.do("UPDATE keys SET desks = 'not json' WHERE role = 'viewer'")
    response = world.ask("GET", "/v1/nothing", "viewer")
    problem(response, 500, "internal")


def test_openapi_knows_every_route_and_role(world: World) -> None:
    from router.app import all_routes

    document = world.ask("GET", "/openapi.json", "viewer").json()
    assert document == world.ask("GET", "/openapi.json", "viewer").json()
    for route in all_routes():
        operation = document["paths"][route.path][route.method.lower()]
        assert operation["x-role"] == route.role.value
    text = json.dumps(document)
    names = set(document["components"]["schemas"])
    referred = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert referred <= names
    order = document["components"]["schemas"]["Ticket"]
    assert order["properties"]["qty"] == {
        "examples": ["12.5"],
        "format": "decimal",
        "title": "Qty",
        "type": "string",
    }


def test_settings_that_were_refused_serve_nobody() -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(dict(message))

    async def receive() -> Any:
        return {"type": "http.request"}

    run(misconfigured({"type": "http"}, receive, send))
    assert sent[0]["status"] == 500
    assert json.loads(sent[1]["body"])["code"] == "misconfigured"


def test_other_protocols_are_left_alone(world: World) -> None:
    async def never(*_: Any) -> Any:
        raise AssertionError

    async def start() -> None:
        await world.app({"type": "lifespan"}, never, never)

    run(start())
