"""SIGKILL to all of the workers at the worst moments; started again, the desk goes on as if nothing had been."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest

from tests.flow.recompute import check_archive, check_ledger
from tests.runtime.accounts import Account
from tests.system import System, until
from tools.failure import ToolError
from tools.replay import CandleFault, Market

TICKET = {"instrument": "us:AAA", "side": "buy", "kind": "market", "qty": "10"}
DESKS = ("stocks", "fx", "hand")


def check(system: System, markets: list[Market]) -> None:
    """Some bars later everything is whole: the archive, the ledgers, each order once, nothing left pending."""
    system.leases_run_out()
    system.tick(3)
    for market in markets:
        check_archive(system, market, "1d" if market.venue == "us" else "1h")
    for desk in DESKS:
        check_ledger(system, desk, "100000")
        orders = system.items(f"/v1/desks/{desk}/orders")
        assert len({order["client_id"] for order in orders}) == len(orders)
    assert system.stack.d1("SELECT id FROM signals WHERE outcome = 'pending'") == []


def test_killed_between_intent_and_fill_there_is_one_order_and_one_fill_and_a_halt_holds(system: System) -> None:
    by_hand, by_brain, halted = (Account(system, f"killed-{name}") for name in ("hand", "brain", "halted"))
    for account in (by_hand, by_brain, halted):
        account.bar("100")
    proposal = by_brain.proposal("100")
    order = by_hand.place("buy", "10", "before")
    intended = by_brain.propose(proposal)[0]
    halted.place("buy", "5", kind="limit", limit_price="90")
    halted.post("/halt", {"reason": "stop"})
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
    view = halted.view()
    assert (view["status"], view["halt_reason"], view["open_orders"]) == ("halted", "stop", 0)
    refused = halted.post("/orders", TICKET)
    assert (refused.status_code, refused.json()["code"]) == (422, "halted")


def test_killed_while_orders_are_placed_and_bars_are_played_nothing_is_lost_or_doubled(
    system: System, markets: list[Market]
) -> None:
    account = Account(system, "killed-placing")
    account.bar("100")
    answered: dict[str, str] = {}
    before = system.replay.clock("us").bar

    def place(key: str) -> None:
        try:
            answer = account.post("/orders", {**TICKET, "qty": "1"}, key)
        except httpx.HTTPError:
            return  # the power was cut before it was answered
        answered[key] = answer.json()["order"]["client_id"]

    def play() -> None:
        try:
            system.tick(40)
        except ToolError:
            return  # killed

    keys = [f"key-{number}" for number in range(60)]
    with ThreadPoolExecutor(4) as pool:
        pool.submit(play)
        for key in keys:
            pool.submit(place, key)
        until(lambda: len(answered) >= 5 and system.replay.clock("us").bar > before + 1)
        system.stack.kill()
    system.stack.start()
    assert len(answered) < len(keys), "nothing was under way when it was killed"
    again = {key: account.place("buy", "1", key)["client_id"] for key in keys}
    assert {key: again[key] for key in answered} == answered
    account.bar("101")
    assert [order["status"] for order in account.orders()] == ["filled"] * len(keys)
    assert len(account.events("order_filled")) == len(keys)
    check_ledger(system, account.name, account.cash)
    check(system, markets)


def test_killed_while_the_venue_does_not_answer_the_bars_come_afterwards(system: System, markets: list[Market]) -> None:
    system.replay.faults.candles(CandleFault.HANG)

    def play() -> None:
        with pytest.raises(ToolError):
            system.tick()

    with ThreadPoolExecutor(1) as pool:
        playing = pool.submit(play)
        until(lambda: not system.replay.faults.pending)
        system.stack.kill()
    playing.result()
    system.stack.start()
    check(system, markets)


@contextmanager
def broken_off(system: System, when: str) -> Iterator[None]:
    """Whatever does this to D1 fails, so that a tick ends there: what came before it has happened."""
    system.stack.d1(f"CREATE TRIGGER broken_off BEFORE {when} BEGIN SELECT RAISE(ABORT, 'broken off here'); END")
    yield
    system.stack.d1("DROP TRIGGER broken_off")


MOMENTS = {
    "after the object in R2, before the index": ("INSERT ON archive_objects", False),
    "after the desk has the bars, before the brain's state": ("UPDATE ON brain_state", True),
    "after the desk has the orders, before the outcomes": ("UPDATE OF outcome ON signals", True),
}
"""What fails, and whether the workers are killed there too: a job keeps nothing in memory, a desk does."""


@pytest.mark.parametrize(("when", "killed"), MOMENTS.values(), ids=MOMENTS.keys())
def test_broken_off_and_killed_at_a_moment_nothing_is_lost_or_doubled(
    system: System, markets: list[Market], when: str, killed: bool
) -> None:
    before = broken(system)
    with broken_off(system, when):
        for _ in range(200):
            system.tick()
            if broken(system) > before:
                break
        assert broken(system) > before, "the moment never came"
        if killed:
            system.stack.kill()
            system.stack.start()
    check(system, markets)


def broken(system: System) -> int:
    """How many runs have been broken off."""
    sql = "SELECT count(*) AS count FROM job_runs WHERE state = 'failed' AND job IN ('ingest', 'scan')"
    return int(system.stack.d1(sql)[0]["count"])
