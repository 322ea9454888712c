"""The same thing five times at once happens once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from tests.flow.recompute import check_archive, check_ledger
from tests.runtime.accounts import Account, wall_ms
from tests.system import System, until
from tools.dev.player import CRON
from tools.replay import Market

FIVE = range(5)


def test_one_post_five_times_at_once_is_one_order_and_one_answer(account: Account) -> None:
    account.bar("100")
    ticket = {"instrument": "us:AAA", "side": "buy", "kind": "market", "qty": "10"}
    with ThreadPoolExecutor(len(FIVE)) as pool:
        answers = list(pool.map(lambda _: account.post("/orders", ticket, "once"), FIVE))
    assert {answer.status_code for answer in answers} == {httpx.codes.CREATED}
    ids = {answer.json()["order"]["client_id"] for answer in answers}
    assert len(ids) == 1
    assert len({answer.text for answer in answers}) == 1
    assert [order["client_id"] for order in account.orders()] == list(ids)
    account.bar("101")
    assert len(account.events("order_filled")) == 1
    assert len(account.events("order_intended")) == 1
    check_ledger(account.system, account.name, account.cash)


def test_the_same_key_with_another_body_is_a_conflict_and_changes_nothing(account: Account) -> None:
    account.bar("100")
    account.place("buy", "10", "mine")
    before = account.view()["seq"]
    other = {"instrument": "us:AAA", "side": "buy", "kind": "market", "qty": "11"}
    answer = account.post("/orders", other, "mine")
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_conflict")
    assert account.view()["seq"] == before


def test_one_cancel_five_times_at_once_cancels_once(account: Account) -> None:
    account.bar("100")
    order = account.place("buy", "10", kind="limit", limit_price="90")
    with ThreadPoolExecutor(len(FIVE)) as pool:
        answers = list(pool.map(lambda n: account.post(f"/orders/{order['client_id']}/cancel", {}, f"c{n % 2}"), FIVE))
    assert {answer.status_code for answer in answers} == {httpx.codes.OK}
    assert len(account.events("order_cancel_requested")) == len(account.events("order_cancelled")) == 1


def test_one_proposal_five_times_at_once_is_one_order(account: Account) -> None:
    account.bar("100")
    proposal = account.proposal("100")
    with ThreadPoolExecutor(len(FIVE)) as pool:
        results = [found[0] for found in pool.map(lambda _: account.propose(proposal), FIVE)]
    assert sorted(each["outcome"] for each in results) == ["duplicate"] * 4 + ["intended"]
    assert len({each["client_id"] for each in results}) == 1
    assert len(account.orders()) == 1


def test_one_cron_tick_fired_five_times_at_once_runs_once(system: System, markets: list[Market]) -> None:
    before = _runs(system)
    for venue in system.player.venues:
        system.replay.step(venue)
    at_ms = wall_ms()
    with ThreadPoolExecutor(len(FIVE)) as pool:
        outcomes = list(pool.map(lambda _: system.stack.scheduled("cron", CRON, at_ms), FIVE))
    assert outcomes == ["ok"] * len(FIVE)
    fresh = _runs(system) - before
    assert sorted((job, scope) for _, job, scope in fresh) == [
        ("ingest", "fx"),
        ("ingest", "us"),
        ("monitor", ""),
        ("scan", "drill"),
        ("scan", "fx"),
        ("scan", "hand"),
        ("scan", "stocks"),
    ]
    for market in markets:
        check_archive(system, market, "1d" if market.venue == "us" else "1h")


def _runs(system: System) -> set[tuple[str, str, str]]:
    sql = "SELECT id, job, scope FROM job_runs WHERE job IN ('monitor', 'ingest', 'scan') AND state = 'done'"
    return {(row["id"], row["job"], row["scope"]) for row in system.stack.d1(sql)}


def test_one_queue_message_five_times_runs_once(system: System) -> None:
    message = {"v": 1, "id": f"five-{wall_ms()}", "job": "report", "scope": "stocks", "requested_by": "cron"}
    with ThreadPoolExecutor(len(FIVE)) as pool:
        list(pool.map(lambda _: system.stack.enqueue({**message, "queued_ms": 1}), FIVE))
    sql = "SELECT state, started_ms FROM job_runs WHERE id = ?"
    first = until(lambda: [row for row in system.stack.d1(sql, [message["id"]]) if row["state"] == "done"])
    # a later message is consumed after the five, so that all of them have been through by then
    later = {**message, "id": f"{message['id']}-after", "queued_ms": 2}
    system.stack.enqueue(later)
    until(lambda: [row for row in system.stack.d1(sql, [later["id"]]) if row["state"] == "done"])
    assert system.stack.d1(sql, [message["id"]]) == first


def test_signals_delivered_again_make_no_new_order(system: System) -> None:
    until(lambda: _ticked_with_an_order(system))
    system.drained("stocks")
    before = _trades(system)
    count = len(system.stack.d1("SELECT id FROM signals WHERE desk = 'stocks' AND outcome = 'intended'"))
    assert count
    # what a crash between the desk's answer and D1 leaves behind
    newest = "SELECT max(bar_close_ms) FROM signals WHERE desk = 'stocks' AND outcome = 'intended'"
    system.stack.d1(
        f"UPDATE signals SET outcome = 'pending', code = NULL, client_id = NULL WHERE desk = 'stocks'"
        f" AND outcome = 'intended' AND bar_close_ms = ({newest})"
    )
    system.player.fire()
    told = system.stack.d1(
        "SELECT outcome, client_id FROM signals WHERE desk = 'stocks' AND outcome IN ('pending', 'duplicate')"
    )
    assert told
    assert {each["outcome"] for each in told} == {"duplicate"}
    assert {each["client_id"] for each in told} <= {order["client_id"] for order in before["orders"]}
    assert _trades(system) == before


def _ticked_with_an_order(system: System) -> bool:
    """Plays on until the newest bar has led to an order."""
    system.tick()
    newest = system.replay.clock("us").market_ms
    sql = "SELECT id FROM signals WHERE desk = 'stocks' AND outcome = 'intended' AND bar_close_ms = ?"
    return bool(system.stack.d1(sql, [newest]))


def _trades(system: System) -> dict[str, list[dict[str, Any]]]:
    return {name: system.items(f"/v1/desks/stocks/{name}") for name in ("orders", "fills")}
