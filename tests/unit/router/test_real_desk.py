"""The routes against the real desk: what it takes, what it answers, and that OpenAPI says so."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from router.answer_schemas import ANSWERS
from shared.desk.shell import Desk
from shared.errors import DeskError, from_wire
from shared.venues.paper import PaperVenue
from tests.unit.desk.bench import candle, opening
from tests.unit.desk.native_sql import NativeAlarm, NativeSql
from tests.unit.router.native import World, problem

MAIN = "/v1/desks/main"
AAA = {"instrument": "us:AAA", "side": "buy", "kind": "market", "qty": "10"}
UNKNOWN = f"{9:032x}"


class RealDesk:
    """`shared.desk` behind JSON, as the object is."""

    def __init__(self, world: World) -> None:
        sql = NativeSql()
        tokens = (f"token-{number}" for number in range(99))
        self.desk = Desk(
            sql, NativeAlarm(), world.db, world.clock, PaperVenue(sql), name="main", token=lambda: next(tokens)
        )

    async def call(self, method: str, body: Mapping[str, Any]) -> dict[str, Any]:
        await asyncio.sleep(0)
        target = self.desk if hasattr(self.desk, method) else self.desk.read
        try:
            value: dict[str, Any] = json.loads(json.dumps(await getattr(target, method)(json.loads(json.dumps(body)))))
        except DeskError as error:
            raise from_wire(json.loads(json.dumps(error.wire()))) from None
        return value


class Place(World):
    """One open desk named `main`, with a price for each of its symbols."""

    def __init__(self) -> None:
        super().__init__()
        self.real = RealDesk(self)
        self.desks.named = lambda name: self.real  # type: ignore[method-assign,assignment,return-value]
        self.desk("main")
        self.days = 0
        self.tell("open", **opening(desk="main", protections={"max_drawdown": {"limit_bps": 500}}))
        self.day("100")
        asyncio.run(self.real.desk.engine.looking.look())

    def tell(self, method: str, **body: Any) -> dict[str, Any]:
        return asyncio.run(self.real.call(method, body))

    def day(self, open_: str, close: str = "") -> None:
        """The next bar of every symbol."""
        self.tell("bars", candles=[candle(symbol, self.days, open_, close=close) for symbol in ("AAA", "BBB")])
        self.days += 1

    def done(self, method: str, path: str, body: Any = None, key: str = "admin", status: int = 200) -> dict[str, Any]:
        """What a request is answered, which holds all that OpenAPI promises of it."""
        headers = {"idempotency-key": f"key-{self.clock.now_ms()}-{len(self.limiter.keys)}"} if method != "GET" else {}
        answered: httpx.Response = self.ask(
            method, path, key, headers=headers, **({} if body is None else {"json": body})
        )
        assert answered.status_code == status, answered.text
        found: dict[str, Any] = answered.json()
        return found

    def held(self) -> str:
        """A position in AAA; the entry's id."""
        order: dict[str, Any] = self.done("POST", f"{MAIN}/orders", AAA, "trader", 201)["order"]
        self.day("100")
        return str(order["client_id"])


@pytest.fixture
def place() -> Place:
    return Place()


def promised(method: str, path: str, answer: dict[str, Any]) -> None:
    schema = ANSWERS[method, path]
    required = schema.get("anyOf", [schema])[0]["required"]
    assert set(required) <= set(answer), f"{method} {path} lacks {set(required) - set(answer)}"


def test_an_order_with_every_term_goes_through_and_is_replaced(place: Place) -> None:
    ticket = {
        "instrument": "us:AAA",
        "side": "buy",
        "kind": "limit",
        "qty": "10",
        "limit_price": "90",
        "post_only": True,
    }
    ticket |= {"time_in_force": "gtd", "good_till_ms": 4_000_000_000_000, "trail_distance": "5"}
    order = place.done("POST", f"{MAIN}/orders", ticket, "trader", 201)["order"]
    assert {name: order[name] for name in ticket} == ticket
    path = f"{MAIN}/orders/{order['client_id']}"
    found = place.done("PATCH", path, {"qty": "12", "limit_price": "91"}, "trader")
    promised("PATCH", "/v1/desks/{desk}/orders/{client_id}", found)
    assert (found["order"]["qty"], found["order"]["limit_price"]) == ("12", "91")
    assert found["order"]["replaces"] == order["client_id"]
    assert place.done("GET", path)["order"]["status"] == "cancelled"
    missing = place.ask("PATCH", f"{MAIN}/orders/{UNKNOWN}", "trader", json={"qty": "1"})
    problem(missing, 404, "order_not_found")


def test_levels_of_a_position_are_moved(place: Place) -> None:
    place.held()
    path = f"{MAIN}/positions/us:AAA/levels"
    levels = {"stop_price": "95", "target_price": "120", "trail_distance": None}
    found = place.done("PUT", path, levels, "trader")
    promised("PUT", "/v1/desks/{desk}/positions/{instrument}/levels", found)
    assert found == {"instrument": "us:AAA", **levels}
    (position,) = place.done("GET", f"{MAIN}/positions")["items"]
    assert (position["stop_price"], position["target_price"]) == ("95", "120")
    wrong = place.ask("PUT", path, "trader", json=levels | {"stop_price": "130"})
    problem(wrong, 422, "stop_absurd")


def test_only_an_unknown_order_is_resolved(place: Place) -> None:
    client_id = place.held()
    verdict = {"placed": False, "reason": "never there"}
    answer = place.ask("POST", f"{MAIN}/orders/{client_id}/resolve", json=verdict)
    assert (answer.status_code, answer.headers["content-type"]) == (409, "application/problem+json")


def test_a_breaker_halts_and_its_protections_say_why(place: Place) -> None:
    promised("GET", "/v1/desks/{desk}/protections", place.done("GET", f"{MAIN}/protections"))
    place.done("POST", f"{MAIN}/orders", AAA | {"qty": "90"}, "trader", 201)
    place.day("100")
    place.day("100", close="20")
    said = place.done("GET", f"{MAIN}/protections", key="viewer")
    assert (said["status"], said["halt_code"]) == ("halted", "max_drawdown")
    assert said["drawdown_bps"] >= 500
    assert {each["name"]: each["configured"] for each in said["protections"]}["max_drawdown"] is True
    assert place.tell("tick", quiet=False)["codes"] == ["max_drawdown"]
    problem(place.ask("POST", f"{MAIN}/orders", "trader", json=AAA), 422, "halted")
    history = place.done("GET", f"{MAIN}/protections?history=1")["items"]
    assert [each["body"]["code"] for each in history if each["kind"] == "halted"] == ["max_drawdown"]


def test_a_halt_that_flattens_sells_what_is_held(place: Place) -> None:
    place.held()
    place.done("POST", f"{MAIN}/halt", {"reason": "enough", "flatten": True}, "trader")
    (order,) = place.done("GET", f"{MAIN}/orders?state=open")["items"]
    assert (order["side"], order["qty"], order["cause"]) == ("sell", "10", "flatten")
    place.day("100")
    assert place.done("GET", f"{MAIN}/positions")["items"] == []


def test_the_reconciliation_of_a_paper_desk_is_clean(place: Place) -> None:
    found = place.done("GET", f"{MAIN}/reconciliation", key="viewer")
    promised("GET", "/v1/desks/{desk}/reconciliation", found)
    assert (found["clean"], found["differences"]) == (True, [])
    assert place.done("GET", f"{MAIN}/reconciliation?history=1")["items"] == []
    answer = place.ask("POST", f"{MAIN}/reconciliation/{UNKNOWN}/accept", json={"reason": "why not"})
    problem(answer, 404, "difference_not_found")


def test_the_live_gate_of_a_paper_desk_is_shut_and_says_what_is_missing(place: Place) -> None:
    found = place.done("GET", f"{MAIN}/live-gate", key="viewer")
    promised("GET", "/v1/desks/{desk}/live-gate", found)
    assert (found["mode"], found["open"]) == ("paper", False)
    failing = [item for item in found["items"] if not item["ok"]]
    assert failing
    assert all(item["remedy"] for item in failing)
    asked = place.ask("POST", f"{MAIN}/live-gate/arm", json={"reason": "let me", "hours": 1})
    assert asked.status_code in (200, 409), asked.text
    promised("POST", "/v1/desks/{desk}/live-gate/disarm", place.done("POST", f"{MAIN}/live-gate/disarm", {}, "trader"))
