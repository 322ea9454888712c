"""An object is taken out of memory between every two steps of an order's life, and nothing that counts is different."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from tests.flow.recompute import check_ledger
from tests.runtime.accounts import Account, RpcFailed
from tests.system import System, until

Step = Callable[[Account], object]
WALL_TIMES = ("intended_ms", "expires_ms", "at_ms", "since_ms", "opened_ms", "confirm_hash")


def open_order(account: Account) -> str:
    found: str = account.rpc("orders")["items"][0]["client_id"]
    return found


def resume(account: Account) -> object:
    step_one = account.rpc("resume_request", by="edk_admin", reason="looked into it")
    account.evict()
    return account.rpc("resume_confirm", by="edk_admin", confirm=step_one["confirm"])


LIFE: tuple[Step, ...] = (
    lambda desk: desk.bar("100"),
    lambda desk: desk.place("buy", "10", "entry", stop_price="90", target_price="130"),
    lambda desk: desk.place("buy", "10", "entry", stop_price="90", target_price="130"),  # told again
    lambda desk: desk.bar("101", volume="40"),  # a tenth of the volume: 4 of 10
    lambda desk: desk.bar("102", "103"),
    lambda desk: desk.rpc("heartbeat", quotes=[desk.quote("103", "103.02")]),
    lambda desk: desk.place("buy", "5", "limit", kind="limit", limit_price="95"),
    lambda desk: desk.post(f"/orders/{open_order(desk)}/cancel", {}, "cancel").json(),
    lambda desk: desk.propose(desk.proposal("103")),  # refused: already in position
    lambda desk: desk.propose(desk.proposal("103")),
    lambda desk: desk.propose(desk.proposal("103", "BBB")),
    lambda desk: desk.propose(desk.proposal("103", "BBB")),
    lambda desk: desk.bar("104"),
    lambda desk: desk.rpc(
        "trigger", level=desk.rpc("heartbeat", quotes=[])["levels"][0], quote=desk.quote("89", "89.02")
    ),
    lambda desk: desk.rpc("heartbeat", quotes=[desk.quote("88", "88.02")]),  # the exit is under way: nothing more
    lambda desk: desk.bar("88"),
    lambda desk: desk.rpc("halt", by="edk_trader", reason="that was a stop"),
    lambda desk: desk.propose(desk.proposal("88")),  # refused: halted
    resume,
    lambda desk: desk.propose(desk.proposal("88", "BBB", action="exit")),
    lambda desk: desk.bar("87"),
    lambda desk: desk.propose(desk.proposal("87")),
    lambda desk: desk.bar("88"),
)


def live(account: Account, between: Callable[[Account], None]) -> list[str]:
    """Every step of the life; what each answered, without wall times and with ids numbered."""
    told = []
    for step in LIFE:
        try:
            found = step(account)
        except RpcFailed as failure:
            found = failure.code
        told.append(plain(account, found))
        between(account)
    return told


def plain(account: Account, found: object) -> str:
    """As JSON, without the desk's name, wall times and tokens; ids as in the log of the desk, by first appearance."""
    order: dict[str, int] = {}
    for row in account.sql("SELECT body FROM events ORDER BY seq"):
        for name in re.findall(r"\b[0-9a-f]{32}\b", row["body"]):
            order.setdefault(name, len(order))
    text = json.dumps(found, sort_keys=True)
    text = re.sub(r"\b[0-9a-f]{32}\b", lambda match: f"#{order.get(match[0])}", text)
    text = re.sub(r"paper-[0-9a-f]{16}", "paper", text)
    text = re.sub(rf'"({"|".join(WALL_TIMES)}|confirm)": ("[^"]*"|\d+)', "", text)
    return text.replace(account.name, "desk")


def test_an_eviction_between_every_two_steps_of_an_orders_life_changes_nothing(system: System) -> None:
    steady, evicted = Account(system, "steady"), Account(system, "evicted")
    wanted = live(steady, lambda _: None)
    found = live(evicted, Account.evict)
    for number, (one, other) in enumerate(zip(wanted, found, strict=True)):
        assert other == one, f"step {number}"
    assert [plain(evicted, event) for event in evicted.events()] == [plain(steady, event) for event in steady.events()]
    names = (
        "cash",
        "equity",
        "realised",
        "unrealised",
        "fees",
        "open_positions",
        "open_orders",
        "seq",
        "status",
        "market_ms",
    )
    assert {name: evicted.view()[name] for name in names} == {name: steady.view()[name] for name in names}
    # it was a life worth living: a partial fill, a stop, refusals, a cancel, a halt and its end
    kinds = {event["kind"] for event in steady.events()}
    assert kinds >= {"order_filled", "level_triggered", "proposal_refused", "order_cancelled", "halted", "resumed"}
    assert len(steady.events("order_filled")) == 6
    for account in (steady, evicted):
        check_ledger(system, account.name, account.cash)
        assert account.rpc("verify")["checked"] == account.view()["seq"]


def test_an_evicted_desk_brings_its_history_to_d1_by_itself(account: Account) -> None:
    account.bar("100")
    account.place("buy", "10")
    account.evict()  # before the outbox's alarm: nobody calls the desk any more but its own alarm
    seq = account.sql("SELECT max(seq) AS seq FROM events")[0]["seq"]

    def arrived() -> bool:
        rows = account.system.stack.d1("SELECT as_of_seq FROM desks WHERE desk = ?", [account.name])
        return bool(rows) and rows[0]["as_of_seq"] == seq

    until(arrived)


def test_every_brake_outlives_an_eviction(account: Account) -> None:
    account.bar("100")
    account.rpc("halt", by="edk_trader", reason="stop")
    account.evict()
    ticket = {"instrument": "us:AAA", "side": "buy", "kind": "market", "qty": "1"}
    answer: Any = account.post("/orders", ticket)
    assert (answer.status_code, answer.json()["code"]) == (422, "halted")
