from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.errors import Invalid
from tests.unit.router.native import World, problem

ORDERS = "/v1/desks/main/orders"
ORDER: dict[str, Any] = {"instrument": "us:AAPL", "side": "buy", "kind": "market", "qty": "1"}
SQL = "'; DROP TABLE keys; --"
JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"",
        b"[" * 100_000,
        b'{"a":' * 60_000,
        b"\xff\xfe",
        b'{"qty": 1e}',
        b"nul",
        b"{}{}",
        b'"' + b"\\u00" * 9,
        b'{"qty":' + b"9" * 5000 + b"}",
    ],
    ids=["open", "empty", "deep-list", "deep-object", "not-utf-8", "number", "word", "two", "escape", "long-number"],
)
def test_malformed_json(world: World, body: bytes) -> None:
    response = world.ask("POST", ORDERS, "trader", content=body, headers=JSON)
    if body:
        assert response.status_code in (400, 413)
        problem(response, response.status_code, {400: "malformed_json", 413: "too_large"}[response.status_code])
    else:
        problem(response, 422, "invalid")
    assert not world.desks.asked


def test_a_field_given_twice_is_not_guessed_at(world: World) -> None:
    body = b'{"instrument":"us:AAPL","side":"buy","kind":"market","qty":"1","qty":"100"}'
    said = problem(world.ask("POST", ORDERS, "trader", content=body, headers=JSON), 400, "malformed_json")
    assert "qty" in said["detail"]
    assert not world.desks.asked


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("qty", "NaN"),
        ("qty", "Infinity"),
        ("qty", "1e400"),
        ("qty", '"1e400"'),
        ("qty", '"NaN"'),
        ("qty", '"-1"'),
        ("qty", '"0"'),
        ("qty", "1"),
        ("qty", "0.1"),
        ("qty", "null"),
        ("qty", "[]"),
        ("qty", "true"),
        ("qty", '"' + "9" * 500 + '"'),
        ("limit_price", '"-5"'),
        ("stop_price", '"nan"'),
        ("side", '"both"'),
        ("side", "1"),
        ("kind", '"iceberg"'),
        ("time_in_force", '"day"'),
        ("good_till_ms", '"soon"'),
        ("trigger_price", '"-5"'),
        ("trail_distance", '"0"'),
        ("post_only", '"yes"'),
        ("instrument", '"AAPL"'),
        ("instrument", '"us:"'),
        ("reduce_only", '"yes"'),
        ("unknown", "1"),
    ],
)
def test_absurd_values_are_refused_by_field(world: World, field: str, text: str) -> None:
    fields = {**{name: f'"{value}"' for name, value in ORDER.items()}, field: text}
    body = "{" + ",".join(f'"{name}":{value}' for name, value in fields.items()) + "}"
    response = world.ask("POST", ORDERS, "trader", content=body.encode(), headers=JSON)
    said = problem(response, 422, "invalid")
    assert [error["field"] for error in said["errors"]] == [field]
    assert all({"field", "value", "rule"} == error.keys() - {"remedy"} and error["rule"] for error in said["errors"])
    assert not world.desks.asked


def test_a_limit_order_needs_its_price(world: World) -> None:
    said = problem(world.ask("POST", ORDERS, "trader", json={**ORDER, "kind": "limit"}), 422, "invalid")
    assert "limit_price" in said["detail"]


@pytest.mark.parametrize("field", ["instrument", "side", "kind", "qty", "limit_price", "stop_price", "target_price"])
def test_sql_in_every_text_of_an_order(world: World, field: str) -> None:
    problem(world.ask("POST", ORDERS, "trader", json={**ORDER, field: SQL}), 422, "invalid")
    assert world.ask("GET", "/v1/keys").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/v1/signals?{}=",
        "/v1/signals?desk=",
        "/v1/signals?venue=",
        "/v1/signals?symbol=",
        "/v1/signals?strategy=",
        "/v1/signals?outcome=",
        "/v1/signals?cursor=",
        "/v1/signals?limit=",
        "/v1/instruments?venue=",
        "/v1/instruments?symbol=",
        "/v1/jobs?job=",
        "/v1/jobs?state=",
        "/v1/candles?venue=us&symbol=AAPL&interval=",
        "/v1/candles?interval=1d&symbol=AAPL&venue=",
        "/v1/candles?interval=1d&venue=us&symbol=",
        "/v1/candles?interval=1d&venue=us&symbol=AAPL&from_ms=",
        "/v1/desks/main/orders?state=",
        "/v1/desks/",
        "/v1/desks/main/orders/",
        "/v1/books/us/",
        "/v1/books/us/AAPL?depth=",
        "/v1/books?venue=",
        "/v1/keys?cursor=",
    ],
)
def test_sql_in_every_text_of_a_query(world: World, path: str) -> None:
    said = problem(world.ask("GET", path + SQL.replace("'", "%27").replace(" ", "%20")), 422, "invalid")
    assert said["errors"]
    assert world.db.do("SELECT COUNT(*) AS n FROM keys") == [{"n": 3}]
    assert not world.desks.asked


@pytest.mark.parametrize("text", [SQL, "x\n", "", "a" * 201])
def test_a_reason_is_a_plain_sentence(world: World, text: str) -> None:
    world.desks.answers["main", "halt"] = {"status": "halted", "since_ms": 1}
    response = world.ask("POST", "/v1/desks/main/halt", "trader", json={"reason": text})
    if text == SQL:
        # a sentence like any other: it is only ever bound
        assert response.status_code == 200
        assert world.desks.asked[0][2]["reason"] == SQL
    else:
        problem(response, 422, "invalid")


@pytest.mark.parametrize("limit", ["0", "501", "-1", "1.5", "NaN", "1e400", "", "9" * 500])
def test_a_page_has_its_limits(world: World, limit: str) -> None:
    said = problem(world.ask("GET", f"/v1/signals?limit={limit}"), 422, "invalid")
    assert said["errors"][0]["field"] == "limit"


def test_an_unknown_query_field_is_named(world: World) -> None:
    said = problem(world.ask("GET", "/v1/signals?limt=5"), 422, "invalid")
    assert said["errors"][0]["field"] == "limt"


@pytest.mark.parametrize("cursor", ["x", "e30", "WyJqb2JzIiwxLCJhIl0", "W10", "a" * 401, "WyJzaWduYWxzIiwtMSwiYSJd"])
def test_a_cursor_that_was_never_given_out(world: World, cursor: str) -> None:
    problem(world.ask("GET", f"/v1/signals?cursor={cursor}"), 422, "invalid")


def test_a_body_of_10_mb_by_its_declared_length(world: World) -> None:
    problem(world.ask("POST", ORDERS, "trader", content=b"x" * 10_000_000, headers=JSON), 413, "too_large")
    assert not world.desks.asked


def test_a_body_that_does_not_say_how_long_it_is(world: World) -> None:
    seen = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal seen
        for _ in range(10_000):
            seen += 1024
            yield b" " * 1024

    problem(world.ask("POST", ORDERS, "trader", content=endless(), headers=JSON), 413, "too_large")
    assert seen <= 2 * 65_536


def test_a_body_too_large_tells_a_stranger_nothing(world: World) -> None:
    problem(world.ask("POST", ORDERS, None, content=b"x" * 10_000_000, headers=JSON), 401, "unauthorized")
    forged = "edk_00000000_" + "x" * 43
    problem(world.ask("POST", ORDERS, forged, content=b"x" * 10_000_000, headers=JSON), 401, "unauthorized")


@pytest.mark.parametrize("length", ["-1", "abc", "1,1"])
def test_a_length_that_is_no_number(world: World, length: str) -> None:
    problem(world.ask("GET", "/v1/signals", headers={"content-length": length}), 422, "invalid")


def test_another_media_type(world: World) -> None:
    response = world.ask("POST", ORDERS, "trader", content=b"a=1", headers={"content-type": "text/plain"})
    problem(response, 415, "unsupported_media_type")


@pytest.mark.parametrize("key", ["", "a b", "x" * 65, SQL, "%C3%A9"])
def test_an_idempotency_key_has_a_form(world: World, key: str) -> None:
    said = problem(world.ask("POST", ORDERS, "trader", json=ORDER, headers={"idempotency-key": key}), 422, "invalid")
    assert said["errors"][0]["field"] == "idempotency-key"


@pytest.mark.parametrize(
    "path", [ORDERS, "/v1/scan", "/v1/keys", "/v1/desks/main/resume", ORDERS + "/" + "0" * 32 + "/cancel"]
)
def test_what_changes_something_needs_an_idempotency_key(world: World, path: str) -> None:
    problem(world.ask("POST", path, "admin", json={}, idempotent=False), 422, "idempotency_key_required")
    assert not world.desks.asked


def test_unknown_symbol_is_the_desks_to_refuse(world: World) -> None:
    world.desks.answers["main", "place"] = Invalid.field("instrument", "us:NOPE", "is not one of this desk's")
    said = problem(world.ask("POST", ORDERS, "trader", json={**ORDER, "instrument": "us:NOPE"}), 422, "invalid")
    assert said["errors"][0]["field"] == "instrument"


@pytest.mark.parametrize("path", ["/v1/candles?venue=us&symbol=NOPE&interval=1d", "/v1/books/us/NOPE"])
def test_unknown_symbol_over_the_market_routes(world: World, path: str) -> None:
    problem(world.ask("GET", path), 404, "unknown_instrument")
