"""What nobody should send: each is refused with a code, changes nothing, and leaves the worker alive."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.runtime.accounts import Account
from tests.system import System

TICKET = {"instrument": "us:AAA", "side": "buy", "kind": "market", "qty": "1"}
SQL = "x'; DROP TABLE orders; --"


@pytest.fixture
def trader(account: Account) -> Iterator[httpx.Client]:
    """A client with the trader's key; afterwards the desk has not moved and the service is well."""
    account.bar("100")
    before = account.view()["seq"]
    with account.system.client("trader") as client:
        yield client
        assert client.get("/livez").status_code == httpx.codes.OK
    assert not account.events("order_intended")
    assert account.view()["seq"] - before == len(account.events("order_refused"))
    tables = {row["name"] for row in account.system.stack.d1("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert tables >= {"orders", "fills", "journal", "signals", "keys", "job_runs", "instruments"}


def send(client: httpx.Client, account: Account, content: bytes | str, **headers: str) -> httpx.Response:
    about = {"Content-Type": "application/json", "Idempotency-Key": "bad-input"} | headers
    return client.post(f"/v1/desks/{account.name}/orders", content=content, headers=about)


def problem(answer: httpx.Response) -> str:
    """The code, once everything that a problem needs is there."""
    assert answer.headers["content-type"].startswith("application/problem+json"), answer.text[:300]
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["request_id"] == answer.headers["x-request-id"]
    return str(body["code"])


MALFORMED = {
    "nothing": "",
    "not json": "{qty: 1}",
    "half": json.dumps(TICKET)[:-5],
    "two values": json.dumps(TICKET) * 2,
    "a field twice": '{"instrument": "us:AAA", "side": "buy", "side": "sell", "kind": "market", "qty": "1"}',
    "not utf-8": b'{"instrument": "\xff\xfe"}',
    "nan": '{"instrument": "us:AAA", "side": "buy", "kind": "market", "qty": NaN}',
    "infinity": '{"instrument": "us:AAA", "side": "buy", "kind": "market", "qty": Infinity}',
    "deep": "[" * 60_000,
    "deep objects": '{"a":' * 10_000,
    "deep and closed": "[" * 30_000 + "]" * 30_000,
}


@pytest.mark.parametrize("content", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_json_is_refused(trader: httpx.Client, account: Account, content: str) -> None:
    answer = send(trader, account, content)
    assert answer.status_code in (400, 422), answer.text[:300]
    assert problem(answer) in ("malformed_json", "bad_request", "invalid")


ABSURD: dict[str, dict[str, Any]] = {
    "nan": {"qty": "NaN"},
    "infinity": {"qty": "Infinity"},
    "1e400": {"qty": "1e400"},
    "1e400 as a number": {"qty": 10**400},
    "a float": {"qty": 1.5},
    "negative": {"qty": "-1"},
    "zero": {"qty": "0"},
    "negative price": {"kind": "limit", "limit_price": "-5"},
    "too many digits": {"qty": "1." + "0" * 40 + "1"},
    "a thousand digits": {"qty": "9" * 1000},
    "other digits": {"qty": "١٢"},
    "a wrong type": {"qty": ["1"]},
    "null": {"qty": None},
    "a bool": {"qty": True},
    "an unknown field": {"quantity": "1"},
    "an unknown side": {"side": "short"},
    "an unknown kind": {"kind": "stop"},
    "no price": {"kind": "limit"},
    "not an instrument": {"instrument": "AAA"},
    "reduce_only as text": {"reduce_only": "yes"},
}


@pytest.mark.parametrize("changes", ABSURD.values(), ids=ABSURD.keys())
def test_absurd_fields_are_refused(trader: httpx.Client, account: Account, changes: dict[str, Any]) -> None:
    answer = send(trader, account, json.dumps(TICKET | changes))
    assert answer.status_code in (400, 422), answer.text[:300]
    assert problem(answer) in ("invalid", "malformed_json")


REFUSED = {
    "unknown symbol": ({"instrument": "us:NOBODY"}, "unknown_instrument"),
    "another venue": ({"instrument": "fx:EURUSD"}, "unknown_instrument"),
    "more than is meant": ({"qty": "10000000000000"}, "qty_absurd"),
    "more than the limit": ({"qty": "501"}, "max_order_notional"),
    "half a lot": ({"qty": "1.5"}, "lot"),
    "off the tick": ({"kind": "limit", "limit_price": "99.999"}, "tick"),
    "a price nobody means": ({"kind": "limit", "limit_price": "1000000"}, "price_absurd"),
    "nothing to sell": ({"side": "sell"}, "short_not_allowed"),
    "nothing to reduce": ({"side": "sell", "reduce_only": True}, "no_position"),
    "a stop above": ({"stop_price": "101"}, "stop_absurd"),
}


@pytest.mark.parametrize(("changes", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_gates_refuse_with_their_code(
    trader: httpx.Client, account: Account, changes: dict[str, Any], code: str
) -> None:
    answer = send(trader, account, json.dumps(TICKET | changes))
    assert (answer.status_code, problem(answer)) == (422, code), answer.text


@pytest.mark.parametrize("field", ["instrument", "side", "kind", "qty", "limit_price", "stop_price", "target_price"])
def test_sql_in_a_body_is_only_text(trader: httpx.Client, account: Account, field: str) -> None:
    answer = send(trader, account, json.dumps(TICKET | {field: SQL}))
    assert (answer.status_code, problem(answer)) == (422, "invalid")


def test_sql_in_an_idempotency_key_is_only_text(trader: httpx.Client, account: Account) -> None:
    answer = send(trader, account, json.dumps(TICKET), **{"Idempotency-Key": SQL})
    assert (answer.status_code, problem(answer)) == (422, "invalid")


def test_sql_in_a_reason_is_only_text(account: Account) -> None:
    account.post("/halt", {"reason": SQL})
    assert account.view()["halt_reason"] == SQL
    account.system.drained(account.name)
    account.rpc("resume_request", by="edk_admin", reason=SQL)


LISTS = {
    "/v1/instruments": ("venue", "symbol", "cursor", "limit"),
    "/v1/candles": ("venue", "symbol", "interval", "from_ms", "to_ms", "cursor", "limit"),
    "/v1/signals": ("desk", "venue", "symbol", "strategy", "outcome", "cursor", "limit"),
    "/v1/books": ("venue", "cursor", "limit"),
    "/v1/books/us/AAPL": ("depth",),
    "/v1/jobs": ("job", "state", "cursor", "limit"),
    "/v1/keys": ("cursor", "limit"),
    "/v1/desks": ("cursor", "limit"),
    "/v1/desks/stocks/orders": ("state", "cursor", "limit"),
    "/v1/desks/stocks/positions": ("cursor", "limit"),
    "/v1/desks/stocks/fills": ("cursor", "limit"),
    "/v1/desks/stocks/journal": ("cursor", "limit"),
}
PAIRS = [(path, name) for path, names in LISTS.items() for name in names]


@pytest.mark.parametrize(("path", "name"), PAIRS, ids=[f"{path}?{name}" for path, name in PAIRS])
def test_sql_in_a_parameter_is_only_text(system: System, path: str, name: str) -> None:
    needed = {"venue": "us", "symbol": "AAPL", "interval": "1d"} if path == "/v1/candles" else {}
    with system.client() as client:
        for text in (SQL, "1 OR 1=1", "' UNION SELECT hash FROM keys --", "%00", "\u0000", "𝟙" * 300):
            answer = client.get(path, params=needed | {name: text})
            assert answer.status_code in (200, 400, 404, 422), f"{text}: {answer.text[:300]}"
            if answer.status_code == httpx.codes.OK:
                assert answer.json()["items"] == []
        assert client.get(path, params=needed).status_code == httpx.codes.OK
        assert client.get(path, params={**needed, "surprise": "1"}).status_code == 422


@pytest.mark.parametrize(
    "path",
    ["/v1/desks/{}", "/v1/desks/{}/orders", "/v1/books/{}/AAPL", "/v1/books/us/{}", "/v1/desks/stocks/orders/{}"],
)
@pytest.mark.parametrize(
    "text", ["x%27%3B%20DROP%20TABLE%20orders", "..%2f..%2f", "%00", "A" * 5000, "stocks%0d%0aX-Evil: 1"]
)
def test_nonsense_in_a_path_is_not_found(system: System, path: str, text: str) -> None:
    with system.client() as client:
        answer = client.get(path.format(text))
    assert answer.status_code in (403, 404, 414, 422), answer.text[:300]
    assert "x-evil" not in answer.headers


def test_a_ten_megabyte_body_is_refused_and_the_worker_lives(trader: httpx.Client, account: Account) -> None:
    body = json.dumps(TICKET | {"instrument": "A" * 10_000_000})
    answer = send(trader, account, body)
    assert (answer.status_code, problem(answer)) == (413, "too_large")

    def chunks() -> Iterator[bytes]:
        for _ in range(160):
            yield b"[" * 65_536

    streamed = trader.post(
        f"/v1/desks/{account.name}/orders", content=chunks(), headers={"Idempotency-Key": "streamed"}
    )
    assert streamed.status_code == 413
    assert account.system.get("/v1/health")["status"]


def test_a_body_in_another_type_is_refused(trader: httpx.Client, account: Account) -> None:
    answer = send(trader, account, json.dumps(TICKET), **{"Content-Type": "text/plain"})
    assert (answer.status_code, problem(answer)) == (415, "unsupported_media_type")


def test_a_post_without_an_idempotency_key_is_refused(trader: httpx.Client, account: Account) -> None:
    answer = trader.post(f"/v1/desks/{account.name}/orders", json=TICKET)
    assert (answer.status_code, problem(answer)) == (422, "idempotency_key_required")


def test_forged_keys_open_nothing(system: System) -> None:
    good = system.keys["viewer"]
    head, prefix, secret = good.split("_", 2)
    flipped = secret[:-1] + ("A" if secret[-1] != "A" else "B")
    forged = [
        "x",
        head,
        f"{head}_{prefix}_{flipped}",
        f"{head}_{prefix}_{secret[:-1]}",
        f"{head}_{prefix}_{secret}x",
        f"{head}_00000000_{secret}",
        good.swapcase(),
        SQL,
        "edk_" + "A" * 10_000,
        f"{head}_{prefix}_' OR '1'='1",
    ]
    for key in forged:
        answer = httpx.get(f"{system.stack.url}/v1/desks", headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code in (401, 431), key[:60]
    for header in (f"Basic {good}", good, f"Bearer {good} {good}"):
        assert httpx.get(f"{system.stack.url}/v1/desks", headers={"Authorization": header}).status_code == 401
    assert system.get("/v1/desks")["items"]


def new_key(system: System, role: str, desks: list[str], label: str) -> str:
    answer = system.post("/v1/keys", {"role": role, "desks": desks, "label": label}, f"make-{label}", "admin")
    assert answer.status_code == httpx.codes.CREATED, answer.text
    key: str = answer.json()["key"]
    return key


def test_a_revoked_key_is_dead_at_the_next_request(system: System) -> None:
    key = new_key(system, "trader", ["*"], "to-be-revoked")
    with system.client(key=key) as client:
        assert client.get("/v1/desks/stocks").status_code == httpx.codes.OK
        prefix = key.split("_")[1]
        assert system.post(f"/v1/keys/{prefix}/revoke", {}, "revoke-it", "admin").status_code == httpx.codes.OK
        for path in ("/v1/desks/stocks", "/v1/signals", "/openapi.json"):
            assert client.get(path).status_code == httpx.codes.UNAUTHORIZED
        halted = client.post("/v1/desks/stocks/halt", json={"reason": "revenge"})
        assert halted.status_code == httpx.codes.UNAUTHORIZED
    assert system.get("/v1/desks/stocks")["status"] == "active"


def test_a_key_for_one_desk_cannot_touch_another(account: Account) -> None:
    system = account.system
    key = new_key(system, "trader", [account.name], f"only-{account.name}")
    with system.client(key=key) as client:
        assert client.get(f"/v1/desks/{account.name}").status_code == httpx.codes.OK
        for path in ("", "/orders", "/positions", "/fills", "/journal"):
            assert client.get(f"/v1/desks/stocks{path}").status_code == httpx.codes.FORBIDDEN
            assert client.get(f"/v1/desks/no-such-desk{path}").status_code == httpx.codes.FORBIDDEN
        answer = client.post("/v1/desks/stocks/halt", json={"reason": "not mine"})
        assert answer.status_code == httpx.codes.FORBIDDEN
        assert {item["desk"] for item in client.get("/v1/signals").json()["items"]} <= {account.name}
        assert client.get("/v1/keys").status_code == httpx.codes.FORBIDDEN
    assert system.get("/v1/desks/stocks")["status"] == "active"
