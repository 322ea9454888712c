"""D1 fails for a while: desks trade and halt on their own storage, and history drains in order afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.flow.recompute import check_archive, check_chain, check_ledger
from tests.runtime.accounts import Account
from tests.system import System
from tools.replay import Market


@contextmanager
def without(system: System, table: str) -> Iterator[None]:
    """Every statement on the table fails, as one does on a database that is not there."""
    system.stack.d1(f"ALTER TABLE {table} RENAME TO {table}_away")
    try:
        yield
    finally:
        system.stack.d1(f"ALTER TABLE {table}_away RENAME TO {table}")


def as_of(account: Account) -> int:
    rows = account.system.stack.d1("SELECT as_of_seq FROM desks WHERE desk = ?", [account.name])
    return int(rows[0]["as_of_seq"]) if rows else 0


def test_a_desk_trades_and_halts_without_d1_and_its_outbox_drains_in_order(account: Account) -> None:
    account.bar("100")
    account.system.drained(account.name)
    before = as_of(account)
    with without(account.system, "journal"):
        for number in range(30):
            account.place("buy", "2", f"buy-{number}")
            account.bar("101")
            account.place("sell", "1", f"sell-{number}")
        account.bar("102")
        assert account.rpc("tick")["outbox_lag"] > 100
        assert account.post("/halt", {"reason": "the history is behind"}).status_code == httpx.codes.OK
        account.evict()
        view = account.view()
        assert (view["status"], view["outbox_seq"]) == ("halted", before)
        assert as_of(account) == before, "history must not claim what it does not have"
    account.system.drained(account.name)
    rows = check_chain(account.system, account.name)
    assert len(rows) == account.view()["seq"]
    assert [row["hash"] for row in rows] == [row["hash"] for row in account.sql("SELECT hash FROM events ORDER BY seq")]
    check_ledger(account.system, account.name, account.cash)


def test_orders_and_fills_that_d1_missed_arrive_too(account: Account) -> None:
    account.bar("100")
    with without(account.system, "fills"):
        account.place("buy", "10")
        account.bar("101")
        account.rpc("tick")
        assert account.view()["outbox_seq"] < account.view()["seq"]
    account.rpc("tick")
    account.system.drained(account.name)
    assert len(account.system.items(f"/v1/desks/{account.name}/fills")) == 1
    check_ledger(account.system, account.name, account.cash)


def test_without_watermarks_nothing_is_archived_and_nothing_is_lost(system: System, markets: list[Market]) -> None:
    system.tick()
    before = system.stack.d1("SELECT count(*) AS count FROM archive_objects")[0]["count"]
    with without(system, "watermarks"):
        system.tick(4)
        assert system.stack.d1("SELECT count(*) AS count FROM archive_objects")[0]["count"] == before
    system.tick()
    for market in markets:
        check_archive(system, market, "1d" if market.venue == "us" else "1h")
    for desk in ("stocks", "fx", "hand"):
        check_ledger(system, desk, "100000")


def test_without_job_runs_ticks_do_nothing_and_the_next_ones_catch_up(system: System, markets: list[Market]) -> None:
    system.tick()
    with without(system, "job_runs"):
        system.tick(3)
    system.tick()
    for market in markets:
        check_archive(system, market, "1d" if market.venue == "us" else "1h")


def test_without_the_key_table_nobody_gets_in_but_a_known_key_can_halt(account: Account) -> None:
    system = account.system
    account.bar("100")
    account.place("buy", "1")  # the trader's key has been seen valid
    with without(system, "keys"), system.client("trader") as client:
        assert client.get(f"/v1/desks/{account.name}").status_code == httpx.codes.SERVICE_UNAVAILABLE
        assert client.post(f"/v1/desks/{account.name}/halt", json={"reason": "no keys"}).status_code == httpx.codes.OK
    assert account.view()["status"] == "halted"


def test_without_a_signal_table_scans_fail_and_no_signal_is_lost(system: System) -> None:
    system.tick()
    with without(system, "signals"):
        system.tick(2)
    system.tick()
    system.drained("stocks")
    newest = system.replay.clock("us").market_ms
    state = system.stack.d1("SELECT as_of_ms FROM brain_state WHERE scope = 'stocks'")[0]
    assert state["as_of_ms"] == newest
    assert system.stack.d1("SELECT id FROM signals WHERE outcome = 'pending'") == []
    check_ledger(system, "stocks", "100000")
