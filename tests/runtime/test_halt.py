"""The brake: anybody who may trade pulls it with one call, only an admin lets it go again, and in two steps."""

from __future__ import annotations

import httpx

from tests.runtime.accounts import Account
from tests.system import System

TICKET = {"instrument": "us:AAA", "side": "buy", "kind": "market", "qty": "1"}


def test_a_trader_halts_with_one_call_and_a_viewer_cannot(account: Account) -> None:
    account.bar("100")
    assert account.post("/halt", {"reason": "no"}, role="viewer").status_code == httpx.codes.FORBIDDEN
    assert account.view()["status"] == "active"
    answer = account.post("/halt", {"reason": "something looks wrong"})
    assert (answer.status_code, answer.json()["status"]) == (200, "halted")
    view = account.view()
    assert (view["status"], view["halt_reason"]) == ("halted", "something looks wrong")
    again = account.post("/halt", {"reason": "once more"})
    assert (again.status_code, again.json()["since_ms"]) == (200, answer.json()["since_ms"])


def test_a_halt_needs_neither_body_nor_idempotency_key(account: Account) -> None:
    with account.system.client("trader") as client:
        answer = client.post(f"/v1/desks/{account.name}/halt", json={})
    assert answer.status_code == httpx.codes.OK, answer.text
    assert account.view()["status"] == "halted"


def test_a_halted_desk_refuses_entries_cancels_what_is_open_and_lets_exits_through(account: Account) -> None:
    account.bar("100")
    account.place("buy", "10")
    account.bar("101")
    resting = [account.place("buy", "1", kind="limit", limit_price=price)["client_id"] for price in ("90", "91")]
    account.post("/halt", {"reason": "stop"})
    assert account.rpc("orders")["items"] == []
    assert {o["status"] for o in account.orders() if o["client_id"] in resting} == {"cancelled"}
    refused = account.post("/orders", TICKET)
    assert (refused.status_code, refused.json()["code"]) == (422, "halted")
    assert account.propose(account.proposal("101", "BBB"))[0]["code"] == "halted"
    account.place("sell", "10", reduce_only=True)
    account.bar("80")
    assert account.view()["open_positions"] == 0
    assert [event["body"]["fill"]["side"] for event in account.events("order_filled")] == ["buy", "sell"]


def test_resuming_takes_an_admin_two_steps_and_the_right_token(account: Account) -> None:
    account.bar("100")
    account.post("/halt", {"reason": "stop"})
    assert account.post("/resume", {"reason": "fine again"}).status_code == httpx.codes.FORBIDDEN
    without = account.post("/resume", {"confirm": "x" * 20}, role="admin")
    assert (without.status_code, without.json()["code"]) == (409, "no_resume_request")
    asked = account.post("/resume", {"reason": "fine again"}, role="admin").json()
    wrong = account.post("/resume", {"confirm": "x" * len(asked["confirm"])}, role="admin")
    assert (wrong.status_code, wrong.json()["code"]) == (403, "confirm_wrong")
    assert account.view()["status"] == "halted"
    done = account.post("/resume", {"confirm": asked["confirm"]}, role="admin")
    assert (done.status_code, done.json()["status"]) == (200, "active")
    account.place("buy", "1")
    kinds = [event["kind"] for event in account.events()]
    assert [kind for kind in kinds if "resum" in kind or kind == "halted"] == ["halted", "resume_requested", "resumed"]


def test_a_halt_between_the_two_steps_undoes_the_first(account: Account) -> None:
    account.post("/halt", {"reason": "stop"})
    asked = account.post("/resume", {"reason": "fine again"}, role="admin").json()
    account.post("/halt", {"reason": "no, wait"})
    late = account.post("/resume", {"confirm": asked["confirm"]}, role="admin")
    assert late.status_code == httpx.codes.CONFLICT
    assert account.view()["status"] == "halted"


def test_halting_everything_reaches_every_desk(system: System) -> None:
    answer = system.post("/v1/halt", {"reason": "all of it"}, "halt-all")
    assert answer.status_code == httpx.codes.OK, answer.text
    items = {item["desk"]: item["status"] for item in answer.json()["items"]}
    assert items.keys() >= {"stocks", "fx", "hand"}
    assert set(items.values()) == {"halted"}
    try:
        system.tick(2)
        for desk in ("stocks", "fx", "hand"):
            assert system.get(f"/v1/desks/{desk}")["status"] == "halted"
    finally:
        for desk in ("stocks", "fx", "hand"):
            resume(system, desk)
    assert system.get("/v1/desks/stocks")["status"] == "active"


def resume(system: System, desk: str) -> None:
    path, key = f"/v1/desks/{desk}/resume", f"resume-{desk}"
    asked = system.post(path, {"reason": "the test is over"}, key, "admin").json()
    assert system.post(path, {"confirm": asked["confirm"]}, f"{key}-2", "admin").status_code == httpx.codes.OK
