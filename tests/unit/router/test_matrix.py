"""Every route with every role: a route that is added without a line here fails."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from router.app import all_routes
from shared.apikey import Role
from shared.archive import keys
from tests.unit.router.native import World, problem
from tests.unit.router.test_backtests import ORDER as BACKTEST

CLIENT_ID = "0" * 32
ORDER = {"instrument": "us:AAPL", "side": "buy", "kind": "market", "qty": "1"}
PLOT = "/v1/backtests/{backtest}/runs/{number}/plot"
VIEW = {"desk": "main", "seq": 3}
READS = {"view", "orders", "positions", "reconciliation", "live_gate"}

# route: lowest role, a real path, a body, the answer's status
MATRIX: dict[tuple[str, str], tuple[str, str, Any, int]] = {
    ("GET", "/openapi.json"): ("viewer", "/openapi.json", None, 200),
    ("GET", "/v1/health"): ("viewer", "/v1/health", None, 200),
    ("GET", "/v1/instruments"): ("viewer", "/v1/instruments", None, 200),
    ("GET", "/v1/candles"): ("viewer", "/v1/candles?venue=us&symbol=AAPL&interval=1d", None, 200),
    ("GET", "/v1/signals"): ("viewer", "/v1/signals", None, 200),
    ("GET", "/v1/books"): ("viewer", "/v1/books", None, 200),
    ("GET", "/v1/books/{venue}/{symbol}"): ("viewer", "/v1/books/us/AAPL", None, 200),
    ("GET", "/v1/alerts"): ("viewer", "/v1/alerts", None, 200),
    ("POST", "/v1/alerts/test"): ("admin", "/v1/alerts/test", {"severity": "info"}, 202),
    ("GET", "/v1/jobs"): ("viewer", "/v1/jobs", None, 200),
    ("POST", "/v1/scan"): ("trader", "/v1/scan", {"desk": "main"}, 202),
    ("GET", "/v1/strategies"): ("viewer", "/v1/strategies", None, 200),
    ("POST", "/v1/backtests"): ("trader", "/v1/backtests", BACKTEST, 202),
    ("GET", "/v1/backtests"): ("viewer", "/v1/backtests", None, 200),
    ("GET", "/v1/backtests/{backtest}"): ("viewer", f"/v1/backtests/{CLIENT_ID}", None, 200),
    ("GET", "/v1/backtests/{backtest}/runs/{number}"): ("viewer", f"/v1/backtests/{CLIENT_ID}/runs/1", None, 200),
    ("GET", PLOT): ("viewer", f"/v1/backtests/{CLIENT_ID}/runs/1/plot", None, 200),
    ("POST", "/v1/backtests/{backtest}/cancel"): ("trader", f"/v1/backtests/{CLIENT_ID}/cancel", None, 200),
    ("GET", "/v1/keys"): ("admin", "/v1/keys", None, 200),
    ("POST", "/v1/keys"): ("admin", "/v1/keys", {"role": "viewer", "desks": ["main"], "label": "x"}, 201),
    ("POST", "/v1/keys/{prefix}/revoke"): ("admin", "/v1/keys/{victim}/revoke", {}, 200),
    ("GET", "/v1/desks"): ("viewer", "/v1/desks", None, 200),
    ("GET", "/v1/desks/{desk}"): ("viewer", "/v1/desks/main", None, 200),
    ("GET", "/v1/desks/{desk}/orders"): ("viewer", "/v1/desks/main/orders", None, 200),
    ("GET", "/v1/desks/{desk}/orders/{client_id}"): ("viewer", f"/v1/desks/main/orders/{CLIENT_ID}", None, 200),
    ("POST", "/v1/desks/{desk}/orders"): ("trader", "/v1/desks/main/orders", ORDER, 201),
    ("POST", "/v1/desks/{desk}/orders/{client_id}/cancel"): (
        "trader",
        f"/v1/desks/main/orders/{CLIENT_ID}/cancel",
        None,
        200,
    ),
    ("PATCH", "/v1/desks/{desk}/orders/{client_id}"): (
        "trader",
        f"/v1/desks/main/orders/{CLIENT_ID}",
        {"qty": "2"},
        200,
    ),
    ("POST", "/v1/desks/{desk}/orders/{client_id}/resolve"): (
        "admin",
        f"/v1/desks/main/orders/{CLIENT_ID}/resolve",
        {"placed": False, "reason": "the venue says no"},
        200,
    ),
    ("PUT", "/v1/desks/{desk}/positions/{instrument}/levels"): (
        "trader",
        "/v1/desks/main/positions/us:AAPL/levels",
        {"stop_price": "9", "target_price": None, "trail_distance": None},
        200,
    ),
    ("GET", "/v1/desks/{desk}/protections"): ("viewer", "/v1/desks/main/protections", None, 200),
    ("GET", "/v1/desks/{desk}/reconciliation"): ("viewer", "/v1/desks/main/reconciliation", None, 200),
    ("POST", "/v1/desks/{desk}/reconciliation/{difference}/accept"): (
        "admin",
        f"/v1/desks/main/reconciliation/{CLIENT_ID}/accept",
        {"reason": "checked"},
        200,
    ),
    ("GET", "/v1/desks/{desk}/live-gate"): ("viewer", "/v1/desks/main/live-gate", None, 200),
    ("POST", "/v1/desks/{desk}/live-gate/arm"): (
        "admin",
        "/v1/desks/main/live-gate/arm",
        {"reason": "rehearsed", "hours": 8},
        200,
    ),
    ("POST", "/v1/desks/{desk}/live-gate/arm/confirm"): (
        "admin",
        "/v1/desks/main/live-gate/arm/confirm",
        {"confirm": "token"},
        200,
    ),
    ("POST", "/v1/desks/{desk}/live-gate/disarm"): ("trader", "/v1/desks/main/live-gate/disarm", None, 200),
    ("GET", "/v1/desks/{desk}/positions"): ("viewer", "/v1/desks/main/positions", None, 200),
    ("GET", "/v1/desks/{desk}/fills"): ("viewer", "/v1/desks/main/fills", None, 200),
    ("GET", "/v1/desks/{desk}/journal"): ("viewer", "/v1/desks/main/journal", None, 200),
    ("POST", "/v1/desks/{desk}/halt"): ("trader", "/v1/desks/main/halt", {"reason": "test"}, 200),
    ("POST", "/v1/desks/{desk}/resume"): ("admin", "/v1/desks/main/resume", {"reason": "test"}, 200),
    ("POST", "/v1/halt"): ("trader", "/v1/halt", {"reason": "test"}, 200),
}


@pytest.fixture
def furnished(world: World) -> World:
    world.desk("main", 2)
    world.instrument("AAPL")
    world.db.do(
        f"INSERT INTO backtests (id, owner, request, runs, created_ms) VALUES ('{CLIENT_ID}', 'x', '{{}}', 1, 1)"
    )
    world.db.do(
        f"INSERT INTO backtest_runs (backtest, number, params, state) VALUES ('{CLIENT_ID}', 1, '{{}}', 'done')"
    )
    for name in (keys.backtest_key(CLIENT_ID, "1"), keys.page_key(CLIENT_ID, 1)):
        world.archive.held[name] = gzip.compress(b"{}")
    answers: dict[str, dict[str, Any]] = {
        "view": VIEW,
        "orders": {"items": [], "seq": 3},
        "order": {"order": {"client_id": CLIENT_ID}},
        "place": {"order": {"client_id": CLIENT_ID}},
        "cancel": {"order": {"client_id": CLIENT_ID}},
        "positions": {"items": [], "seq": 3},
        "halt": {"status": "halted", "since_ms": 1},
        "resume_request": {"confirm": "token", "expires_ms": 2},
        "replace": {"order": {"client_id": CLIENT_ID}},
        "resolve": {"order": {"client_id": CLIENT_ID}},
        "set_levels": {"instrument": "us:AAPL"},
        "reconciliation": {"looked_ms": None, "clean": False, "failing": None, "differences": [], "venue_silent_ms": 0},
        "accept": {"seq": 4},
        "live_gate": {"mode": "paper", "open": False, "items": [], "armed_until_ms": 0},
        "arm_request": {"confirm": "token", "expires_ms": 2},
        "arm_confirm": {"armed_until_ms": 3},
        "disarm": {"seq": 4},
    }
    for method, value in answers.items():
        world.desks.answers["main", method] = value
    world.books.answers["us:0", "books"] = {"items": [], "connected": True, "ticks_buffered": 0}
    world.books.answers["us:0", "book"] = {"instrument": "us:AAPL"}
    return world


def ask(world: World, route: tuple[str, str], key: str | None) -> Any:
    _, path, body, _ = MATRIX[route]
    path = path.replace("{victim}", world.key("viewer")[4:12])
    return world.ask(route[0], path, key, **({} if body is None else {"json": body}))


def test_every_route_stands_in_the_matrix() -> None:
    assert {(route.method, route.path) for route in all_routes()} == set(MATRIX)


def test_the_declared_roles_are_those_of_the_matrix() -> None:
    assert {(route.method, route.path): route.role.value for route in all_routes()} == {
        route: line[0] for route, line in MATRIX.items()
    }


@pytest.mark.parametrize("route", MATRIX, ids=" ".join)
@pytest.mark.parametrize("role", list(Role))
def test_a_role_may_what_it_covers_and_nothing_else(furnished: World, route: tuple[str, str], role: Role) -> None:
    response = ask(furnished, route, role.value)
    if role.covers(Role(MATRIX[route][0])):
        assert response.status_code == MATRIX[route][3], response.text
        kind = "text/html; charset=utf-8" if route[1] == PLOT else "application/json"
        assert response.headers["content-type"] == kind
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["x-request-id"]
    else:
        problem(response, 403, "forbidden")
        assert not [method for _, method, _ in furnished.desks.asked if method not in READS]


@pytest.mark.parametrize("route", MATRIX, ids=" ".join)
def test_without_a_key_there_is_nothing_but_401(furnished: World, route: tuple[str, str]) -> None:
    problem(ask(furnished, route, None), 401, "unauthorized")
    assert not furnished.desks.asked
    assert not furnished.books.asked
    assert not furnished.brain.asked
    assert furnished.db.round_trips == 0


@pytest.mark.parametrize("route", MATRIX, ids=" ".join)
def test_a_forged_key_wakes_nothing(furnished: World, route: tuple[str, str]) -> None:
    real = furnished.keys["admin"]
    forged = real[:-1] + ("A" if real[-1] != "A" else "B")
    problem(ask(furnished, route, forged), 401, "unauthorized")
    problem(ask(furnished, route, "edk_00000000_" + "x" * 43), 401, "unauthorized")
    assert not furnished.desks.asked
    assert not furnished.books.asked
    assert not furnished.brain.asked
    assert not furnished.jobs.sent


@pytest.mark.parametrize("route", [route for route in MATRIX if "{desk}" in route[1]], ids=" ".join)
def test_a_key_of_another_desk_sees_no_difference_between_desks_that_are_and_are_not(
    furnished: World, route: tuple[str, str]
) -> None:
    elsewhere = furnished.key("admin", ["other"])
    method, (_, path, body, _) = route[0], MATRIX[route]
    more = {} if body is None else {"json": body}
    there = problem(furnished.ask(method, path, elsewhere, **more), 403, "forbidden")
    absent = problem(furnished.ask(method, path.replace("/main", "/nowhere"), elsewhere, **more), 403, "forbidden")
    assert {**there, "request_id": ""} == {**absent, "request_id": ""}
    assert not furnished.desks.asked
