"""Kills one after the other: start, let all come to rest, judge, load, kill."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.chaos import fleet, moments, outage
from tests.chaos.caller import INSTRUMENTS, Caller, CutError
from tests.chaos.evidence import CASH, Evidence
from tests.chaos.judge import judge
from tests.chaos.load import Load, script
from tests.chaos.tally import Tally
from tests.sandbox.harness import sandbox
from tools.stack import Stack

SETTLE_S = 90.0
POLL_S = 0.1
TICK_EVERY = 10
PATIENT = ("acknowledged", "partly_filled")
STANDING = 30
PAGE = 2000
GATHERINGS = 5
D1_LOCKED = 0.3
"""In so many rounds D1 takes nothing until after the kill."""


@dataclass
class Account:
    """One desk, its callers, what is known of it, and the file that its sandbox writes."""

    caller: Caller
    evidence: Evidence
    journal: Path


@dataclass(frozen=True)
class Plan:
    kills: int
    seed: int
    desks: int = 3


def _said(_: Tally) -> None:
    return None


def campaign(folder: Path, plan: Plan, tell: Callable[[Tally], None] = _said) -> Tally:
    """All of it; stops at the first rule that is broken. `folder` keeps whatever was stored, `tell` hears of every kill."""
    tally = Tally(plan.seed)
    chance = random.Random(f"chaos {plan.seed}")
    with _running(folder, plan) as (stack, accounts):
        while tally.kills < plan.kills and not tally.wrongs:
            moment = moments.drawn(chance) if tally.kills else "anywhen"
            _start(stack, accounts, tally)
            if moment != "waking":
                _rest(stack, accounts, tally)
            if not tally.wrongs:
                _until_killed(stack, accounts, tally, moment, chance)
                tell(tally)
        if not tally.wrongs:
            _start(stack, accounts, tally)
            _rest(stack, accounts, tally)
            _last(stack, accounts, tally)
    return tally


@contextmanager
def _running(folder: Path, plan: Plan) -> Iterator[tuple[Stack, list[Account]]]:
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as up:
        accounts = []
        for number in range(1, plan.desks + 1):
            journal = folder / f"sandbox-{number}.ndjson"
            journal.touch()
            setup = {
                "seed": plan.seed + number,
                "depth": 30,
                "page_size": 100,
                "cash": {"USD": CASH},
                "instruments": INSTRUMENTS,
            }
            caller = Caller(number, up.enter_context(sandbox(setup=setup, journal=journal)))
            accounts.append(Account(caller, Evidence(caller.name, caller.told), journal))
        stack = fleet.fleet(folder, [each.caller.venue for each in accounts], LOG_LEVEL="WARNING")
        try:
            yield stack, accounts
        finally:
            stack.kill()


def _start(stack: Stack, accounts: Sequence[Account], tally: Tally) -> None:
    began = time.monotonic()
    stack.start()
    tally.starts_s.append(time.monotonic() - began)
    for account in accounts:
        account.caller.url = stack.url
    if len(tally.starts_s) == 1:
        fleet.migrate(stack)
        for account in accounts:
            account.caller.open()


def _until_killed(stack: Stack, accounts: Sequence[Account], tally: Tally, moment: str, chance: random.Random) -> None:
    for account in accounts:
        account.caller.venue.faults(*script(*moments.RULES.get(moment, ())))
    watched, locked = chance.choice(accounts), chance.random() < D1_LOCKED
    with outage.locked(stack) if locked else nullcontext():
        load = Load([account.caller for account in accounts], f"{tally.seed} {tally.kills}")
        hit = moments.wait(moment, chance, watched.journal)
        if moment == "halted":
            hit = _halt(accounts)
        stack.kill()
    load.stop()
    for account in accounts:
        account.caller.venue.faults()
    tally.moments[moment] += 1
    tally.missed += not hit
    tally.locked += locked
    tally.asked.update(load.asked)
    tally.trouble += load.trouble


def _halt(accounts: Sequence[Account]) -> bool:
    try:
        for account in accounts:
            account.caller.halt()
    except CutError:
        return False
    return True


# --- coming to rest ---


def _rest(stack: Stack, accounts: Sequence[Account], tally: Tally) -> None:
    """Waits until every desk agrees with its sandbox, judges, and makes each ready for more."""
    began = time.monotonic()
    for account in accounts:
        if waiting := _settled(stack, account.caller, began + SETTLE_S):
            tally.wrongs.append(f"{account.caller.name}: does not come to rest within {SETTLE_S:.0f} s: {waiting}")
            return
    tally.settles_s.append(time.monotonic() - began)
    for account in accounts:
        at_rest(stack, account.caller, account.evidence)
        tally.wrongs += judge(account.evidence)
    tally.checks += 1
    if not tally.wrongs:
        for account in accounts:
            _ready(account.caller)


def _settled(stack: Stack, caller: Caller, deadline: float) -> str:
    """What is still waited for at the deadline; empty where all is at rest. The cron's tick comes now and then."""
    waiting, turn = "", 0
    while time.monotonic() < deadline:
        try:
            if turn % TICK_EVERY == TICK_EVERY - 1:
                caller.ask("tick")
            waiting = _unsettled(stack, caller)
        except CutError as cut:
            waiting = str(cut)
        if not waiting:
            return ""
        turn += 1
        time.sleep(POLL_S)
    return waiting


def _unsettled(stack: Stack, caller: Caller) -> str:
    found = caller.ask("reconciliation")
    if not found["clean"]:
        return f"the ledger is not known to agree: {found['failing']} {found['differences']}"
    orders = caller.ask("orders")
    restless = [f"{each['client_id']} {each['status']}" for each in orders["items"] if each["status"] not in PATIENT]
    if restless:
        return f"orders are under way: {restless[:5]}"
    rows = _d1(stack, "SELECT as_of_seq FROM desks WHERE desk = ?", caller.name)
    as_of = rows[0]["as_of_seq"] if rows else 0
    return "" if as_of == orders["seq"] else f"D1 has {as_of} events of {orders['seq']}"


def _ready(caller: Caller) -> None:
    """Active, told the prices, and with few orders that rest. The cron's minute comes: without it every desk halts in time."""
    caller.ask("tick")
    if caller.ask("view")["status"] == "halted":
        caller.resume()
    caller.prices |= caller.venue.account()["prices"]
    caller.quotes()
    caller.look()
    for number, order in enumerate(caller.ask("orders")["items"][STANDING:]):
        caller.ask("cancel", client_id=order["client_id"], by="chaos", idempotency_key=f"{time.time_ns()}-{number}")


# --- evidence ---


def at_rest(stack: Stack, caller: Caller, e: Evidence) -> None:
    """Gathers, anew where the desk moved meanwhile: one of its timers may be due at any time."""
    for _ in range(GATHERINGS):
        _settled(stack, caller, time.monotonic() + SETTLE_S)
        gather(stack, caller, e)
        if caller.ask("orders")["seq"] == e.view["seq"] == len(e.journal):
            return


def gather(stack: Stack, caller: Caller, e: Evidence) -> None:
    """Everything that is new since the last time; what may change is read whole."""
    e.saw(caller.venue.read("journal", after=e.venue_read)["rows"])
    e.account = caller.venue.account()
    e.view, e.positions = caller.ask("view"), caller.ask("positions")["items"]
    e.journal += _after(stack, "SELECT * FROM journal", e, e.journal)
    e.fills += _after(stack, "SELECT seq, fill_id FROM fills", e, e.fills)
    e.orders = _d1(stack, "SELECT client_id, body FROM orders WHERE desk = ?", e.desk)
    after = e.log[-1]["seq"] if e.log else 0
    sql = "SELECT seq, hash FROM events WHERE seq > ? ORDER BY seq"
    e.log += stack.object_sql(fleet.worker_name(caller.number), "Desk", e.desk, sql, after)


def _after(stack: Stack, select: str, e: Evidence, known: list[dict[str, object]]) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    while True:
        after = (found or known or [{"seq": 0}])[-1]["seq"]
        page = _d1(stack, f"{select} WHERE desk = ? AND seq > ? ORDER BY seq LIMIT {PAGE}", e.desk, after)
        found += page
        if len(page) < PAGE:
            return found


def _d1(stack: Stack, sql: str, *params: object) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = stack.call("d1", worker=fleet.worker_name(1), sql=sql, params=list(params))
    return rows


def _last(stack: Stack, accounts: Sequence[Account], tally: Tally) -> None:
    """All of it once more from the first row, and the desk's own word on its chain."""
    for account in accounts:
        caller, e = account.caller, account.evidence
        whole = Evidence(e.desk, e.told)
        at_rest(stack, caller, whole)
        tally.wrongs += judge(whole)
        checked = caller.ask("verify")["checked"]
        if checked != len(whole.journal):
            tally.wrongs.append(f"{e.desk}: verify checked {checked} events of {len(whole.journal)}")
        tally.wrongs += _kept_words(caller)
        tally.add(whole)
    tally.checks += 1


def _kept_words(caller: Caller) -> Iterator[str]:
    """The newest requests once more: whatever was answered is answered again."""
    with httpx.Client() as client:
        for key in [key for key in caller.told.orders if key in caller.told.tickets][-20:]:
            caller.again(key, client)
    yield from (f"{caller.name}: {wrong}" for wrong in caller.told.broken_words)
