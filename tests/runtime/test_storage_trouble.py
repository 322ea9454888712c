"""D1 slow or locked, R2 or KV away: desks trade and halt all the same, and afterwards nothing is missing and nothing is double."""

from __future__ import annotations

import json

import httpx

from tests.chaos import outage
from tests.flow.recompute import check_archive, check_chain, check_ledger
from tests.runtime.accounts import Account, rpc
from tests.system import System, until
from tools.replay import Market

DESKS = ("stocks", "fx", "hand")


def check(system: System, markets: list[Market]) -> None:
    for market in markets:
        check_archive(system, market, "1d" if market.venue == "us" else "1h")
    for desk in DESKS:
        check_ledger(system, desk, "100000")


def history_of(account: Account) -> None:
    """D1 holds the object's log, each event once and in order, and the ledger follows from it."""
    account.system.drained(account.name)
    rows = check_chain(account.system, account.name)
    log = account.sql("SELECT seq, hash FROM events ORDER BY seq")
    assert [(row["seq"], row["hash"]) for row in rows] == [(row["seq"], row["hash"]) for row in log]
    check_ledger(account.system, account.name, account.cash)


def trade(account: Account, orders: int = 5) -> dict[str, str]:
    """Buys and fills; the ids of the orders that the desk told of, by key."""
    told = {}
    for number in range(orders):
        key = f"{account.name}-{number}"
        ticket = {"instrument": "us:AAA", "side": "buy", "kind": "market", "qty": "1"}
        answer = account.rpc("place", order=ticket, by="edk_test", idempotency_key=key)
        told[key] = answer["order"]["client_id"]
        account.bar("100")
    return told


def kept(account: Account, told: dict[str, str]) -> None:
    """Every order that was told of is filled, once, and its key still means it."""
    assert len(account.orders()) == len(told)
    for key, client_id in told.items():
        assert account.rpc("order", client_id=client_id)["order"]["status"] == "filled"
        ticket = {"instrument": "us:AAA", "side": "buy", "kind": "market", "qty": "1"}
        again = account.rpc("place", order=ticket, by="edk_test", idempotency_key=key)
        assert again["order"]["client_id"] == client_id
    assert len(account.events("order_filled")) == len(told)


def test_a_locked_d1_stops_no_order_and_no_halt(account: Account) -> None:
    account.bar("100")
    account.system.drained(account.name)
    before = account.view()["outbox_seq"]
    with outage.locked(account.system.stack):
        told = trade(account)
        assert account.rpc("tick")["outbox_lag"] > 0
        assert account.rpc("halt", by="edk_test", reason="D1 is locked")["status"] == "halted"
        assert account.view()["outbox_seq"] == before, "history must not claim what it does not have"
    account.rpc("tick")
    history_of(account)
    kept(account, told)
    assert account.view()["status"] == "halted"


def test_a_slow_d1_only_makes_history_late(account: Account) -> None:
    account.bar("100")
    with outage.slow(account.system.stack, "journal", 3_000_000):
        told = trade(account)
        assert account.rpc("halt", by="edk_test", reason="D1 is slow")["status"] == "halted"
    history_of(account)
    kept(account, told)


def test_evicted_while_d1_is_locked_the_outbox_goes_on_where_it_was(account: Account) -> None:
    account.bar("100")
    account.system.drained(account.name)
    with outage.locked(account.system.stack):
        told = trade(account)
        account.evict()
        assert account.view()["outbox_seq"] < account.view()["seq"]
    account.rpc("tick")
    history_of(account)
    kept(account, told)


def test_without_r2_nothing_is_archived_desks_trade_and_every_bar_comes_afterwards(
    system: System, markets: list[Market], account: Account
) -> None:
    system.tick()
    account.bar("100")
    before = system.stack.d1("SELECT count(*) AS count FROM archive_objects")[0]["count"]
    with outage.away(system.stack, "r2"):
        system.tick(3)
        told = trade(account)
        assert system.stack.d1("SELECT count(*) AS count FROM archive_objects")[0]["count"] == before
        assert account.post("/halt", {"reason": "no archive"}).status_code == httpx.codes.OK
    system.tick()
    check(system, markets)
    history_of(account)
    kept(account, told)


def test_without_r2_the_book_keeps_its_ticks_until_it_is_back(system: System) -> None:
    system.tick()
    with outage.away(system.stack, "r2"):
        system.tick(2)
        waiting = rpc(system, "book", "us:0", "books", {})["ticks_buffered"]
        assert waiting > 0
    written = 0

    def all_written() -> bool:
        nonlocal written
        written += rpc(system, "book", "us:0", "flush", {})["ticks"]
        return rpc(system, "book", "us:0", "books", {})["ticks_buffered"] == 0

    until(all_written)
    assert written >= waiting


def test_without_kv_bars_are_archived_scanned_and_read_all_the_same(system: System, markets: list[Market]) -> None:
    system.tick()
    with outage.away(system.stack, "kv"):
        system.tick(2)
        runs = system.stack.d1("SELECT counts FROM job_runs WHERE job = 'ingest' ORDER BY queued_ms DESC LIMIT 2")
        assert any(json.loads(run["counts"]).get("hot_failed") for run in runs)
        newest_ms = system.replay.clock("us").market_ms
        states = system.stack.d1("SELECT as_of_ms FROM brain_state WHERE scope = 'stocks'")
        assert states[0]["as_of_ms"] == newest_ms
    system.tick()
    check(system, markets)
    page = system.get("/v1/candles", venue="us", symbol="AAPL", interval="1d", limit=5)
    assert len(page["items"]) == 5
