"""SIGKILL to all of the workers at the worst moments; started again, the desk goes on as if nothing had been."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.flow.recompute import check_archive, check_ledger
from tests.runtime.accounts import Account
from tests.system import System
from tools.failure import ToolError
from tools.replay import CandleFault, Market

TICKET = {"instrument": "us:AAA", "side": "buy", "kind": "market", "qty": "10"}


def test_killed_between_intent_and_fill_there_is_one_order_and_one_fill(system: System) -> None:
    by_hand, by_brain = Account(system, "killed-hand"), Account(system, "killed-brain")
    by_hand.bar("100")
    by_brain.bar("100")
    proposal = by_brain.proposal("100")
    order = by_hand.place("buy", "10", "before")
    intended = by_brain.propose(proposal)[0]
    system.crash()
    assert by_hand.place("buy", "10", "before") == order
    assert by_brain.propose(proposal)[0]["outcome"] == "duplicate"
    for account in (by_hand, by_brain):
        account.bar("101")
        account.bar("102")
        assert len(account.orders()) == 1
        assert len(account.events("order_intended")) == len(account.events("order_filled")) == 1
        assert account.orders()[0]["status"] == "filled"
        check_ledger(system, account.name, account.cash)
        assert account.rpc("verify")["checked"] == account.view()["seq"]
    assert intended["client_id"] == by_brain.orders()[0]["client_id"]
    assert by_hand.orders()[0]["client_id"] == order["client_id"]


def test_killed_while_orders_are_being_placed_each_that_was_answered_is_there_once(system: System) -> None:
    account = Account(system, "killed-placing")
    account.bar("100")
    answered: dict[str, str] = {}
    some = threading.Event()

    def place(key: str) -> None:
        try:
            answer = account.post("/orders", {**TICKET, "qty": "1"}, key)
        except httpx.HTTPError:
            return  # the power was cut before it was answered
        answered[key] = answer.json()["order"]["client_id"]
        if len(answered) >= 5:
            some.set()

    keys = [f"key-{number}" for number in range(40)]
    with ThreadPoolExecutor(4) as pool:
        for key in keys:
            pool.submit(place, key)
        assert some.wait(30)
        system.stack.kill()
    system.stack.start()
    assert len(answered) < len(keys), "nothing was under way when it was killed"
    again = {key: account.place("buy", "1", key)["client_id"] for key in keys}
    assert {key: again[key] for key in answered} == answered
    account.bar("101")
    assert [order["status"] for order in account.orders()] == ["filled"] * len(keys)
    assert len(account.events("order_filled")) == len(keys)
    check_ledger(system, account.name, account.cash)


def hanging(system: System) -> bool:
    """The venue has been asked for candles, and does not answer."""
    return not system.replay.faults.pending


def just_archived(system: System) -> bool:
    """The newest bar of a venue stands in the archive, and no desk of it has seen it yet."""
    sql = """SELECT 1 FROM brain_state JOIN desks ON desk = scope JOIN watermarks USING (venue)
        WHERE desk = 'stocks' AND open_time_ms + 86400000 > as_of_ms"""
    return bool(system.stack.d1(sql))


def desk_moved(system: System) -> bool:
    """Something stands in the desk's own log that history does not have yet."""
    seq = system.stack.object_sql("desk", "Desk", "stocks", "SELECT max(seq) AS seq FROM events")[0]["seq"]
    return bool(seq > system.stack.d1("SELECT as_of_seq FROM desks WHERE desk = 'stocks'")[0]["as_of_seq"])


@pytest.mark.parametrize("moment", [hanging, just_archived, desk_moved], ids=lambda moment: moment.__name__)
def test_killed_during_a_tick_nothing_is_lost_or_doubled(
    system: System, markets: list[Market], moment: Callable[[System], bool]
) -> None:
    if moment is hanging:
        system.replay.faults.candles(CandleFault.HANG)

    def play() -> None:
        for _ in range(1 if moment is hanging else 60):
            try:
                system.tick()
            except ToolError:
                return  # killed

    with ThreadPoolExecutor(1) as pool:
        playing = pool.submit(play)
        while not (moment(system) or playing.done()):
            pass  # as quick as it can ask
        assert not playing.done(), "it was over before the moment came"
        system.stack.kill()
    system.replay.faults.clear()
    system.stack.start()
    system.leases_run_out()
    system.tick(3)
    for market in markets:
        check_archive(system, market, "1d" if market.venue == "us" else "1h")
    for desk in ("stocks", "fx", "hand"):
        check_ledger(system, desk, "100000")
        orders = system.items(f"/v1/desks/{desk}/orders")
        assert len({order["client_id"] for order in orders}) == len(orders)
    assert system.stack.d1("SELECT id FROM signals WHERE outcome = 'pending'") == []


def test_a_halt_survives_a_kill(system: System) -> None:
    account = Account(system, "killed-halted")
    account.bar("100")
    account.place("buy", "5", kind="limit", limit_price="90")
    account.post("/halt", {"reason": "stop"})
    system.crash()
    view = account.view()
    assert (view["status"], view["halt_reason"], view["open_orders"]) == ("halted", "stop", 0)
    refused = account.post("/orders", TICKET)
    assert (refused.status_code, refused.json()["code"]) == (422, "halted")
