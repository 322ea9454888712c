"""The judge of the kills finds every fault that is planted in what it is given, and nothing where there is none."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.chaos.evidence import Evidence, Row
from tests.chaos.judge import RULES, judge
from tests.chaos.told import Halt, Told

FIRST, SECOND = "order-1", "order-2"
HALTED_MS = 5000


def chained(*events: tuple[str, Row]) -> list[Row]:
    """Rows of a journal, each a second after the one before."""
    rows, before = [], "0" * 64
    for seq, (kind, body) in enumerate(events, 1):
        row = {"seq": seq, "v": 1, "at_ms": seq * 1000, "kind": kind, "body": json.dumps(body)}
        text = f"{seq}\n1\n{row['at_ms']}\n{kind}\n{before}\n{row['body']}"
        before = hashlib.sha256(text.encode()).hexdigest()
        rows.append(row | {"hash": before})
    return rows


def there(**changes: Any) -> Row:
    """A fill as the sandbox tells it."""
    fill = {"fill_id": "f1", "client_id": FIRST, "symbol": "AAA", "side": "buy", "qty": "10", "price": "100.5"}
    return fill | {"fee": "1.005", "fee_asset": "USD", "ts_ms": 7} | changes


def here(**changes: Any) -> Row:
    """The same one as the desk's journal tells it."""
    fill = {"fill_id": "f1", "client_id": FIRST, "instrument": "us:AAA", "side": "buy", "qty": "10", "price": "100.50"}
    return {"fill": fill | {"fee": {"amount": "1.005", "asset": "USD"}, "ts_ms": 7} | changes}


def events() -> list[tuple[str, Row]]:
    return [
        ("order_intended", {"order": {"client_id": FIRST}}),
        ("order_sent", {"client_id": FIRST}),
        ("order_filled", here()),
        ("order_intended", {"order": {"client_id": SECOND}}),
        ("halted", {"by": "chaos", "reason": "a drill"}),
    ]


def sent(n: int, client_id: str, wall_ms: int, **body: Any) -> Row:
    about = {"n": n, "wall_ms": wall_ms, "kind": "request", "endpoint": "place", "query": "", "fault": ""}
    return about | {"body": json.dumps({"client_id": client_id, "qty": "10"} | body)}


def asked(n: int, client_id: str, fault: str = "") -> list[Row]:
    """A question, and the answer that there is no such order."""
    request = {"n": n, "wall_ms": 0, "kind": "request", "endpoint": "order", "body": "", "fault": fault}
    answer = {"n": n + 1, "kind": "answer", "to": n, "status": 404, "code": "order_not_found"}
    return [request | {"query": f"client_id={client_id}"}, answer]


def placed(n: int, client_id: str) -> Row:
    return {"n": n, "kind": "placed", "order": {"client_id": client_id}}


def whole() -> Evidence:
    """A desk that bought ten, and was halted while a second order was still to be sent."""
    e = Evidence("desk-1", Told(orders={"key": FIRST}, halts=[Halt(HALTED_MS)]), cash="10000")
    e.saw([sent(1, FIRST, 2000), placed(2, FIRST), {"n": 3, "kind": "filled", "fill": there()}])
    e.journal = chained(*events())
    e.log = [{"seq": row["seq"], "hash": row["hash"]} for row in e.journal]
    e.fills = [{"seq": 3, "fill_id": "f1"}]
    first = {"status": "filled", "filled_qty": "10"}
    e.orders = [
        {"client_id": FIRST, "body": json.dumps(first)},
        {"client_id": SECOND, "body": json.dumps({"status": "cancelled", "filled_qty": "0"})},
    ]
    e.account = {"balances": {"USD": "8993.995"}, "positions": {"AAA": "10", "BBB": "0"}}
    e.account["orders"] = [first | {"client_id": FIRST}]
    e.view = {"seq": 5, "cash": "8993.9950", "unresolved": 0, "status": "halted"}
    e.positions = [{"instrument": "us:AAA", "qty": "10"}]
    return e


def rewritten(e: Evidence, *told: tuple[str, Row]) -> None:
    """Another history, whole in itself."""
    e.journal = chained(*told)
    e.log = [{"seq": row["seq"], "hash": row["hash"]} for row in e.journal]
    e.view["seq"] = len(told)


def test_where_everything_held_nothing_is_found() -> None:
    assert judge(whole()) == []


def test_an_order_that_was_denied_may_be_sent_again() -> None:
    e = whole()
    e.venue[:1] = [sent(-4, FIRST, 1000), *asked(-3, FIRST), sent(1, FIRST, 2000)]
    assert judge(e) == []


def test_exits_may_be_sent_while_halted_and_entries_that_left_before_may_arrive() -> None:
    e = whole()
    rewritten(e, *events(), ("order_intended", {"order": {"client_id": "exit"}}))
    e.saw([sent(10, "exit", HALTED_MS + 9000, reduce_only=True)])
    e.venue[0]["wall_ms"] = HALTED_MS + 1
    assert judge(e) == []


def sent_twice(e: Evidence) -> None:
    e.saw([sent(10, FIRST, 2500)])


def denied_unreadably(e: Evidence) -> None:
    e.saw([*asked(10, FIRST, fault="truncated"), sent(12, FIRST, 2500)])


def denied_too_early(e: Evidence) -> None:
    e.venue[:0] = asked(-3, FIRST)
    e.saw([sent(10, FIRST, 2500)])


def another_body(e: Evidence) -> None:
    e.saw([*asked(10, FIRST), sent(12, FIRST, 2500, qty="11")])


def accepted_twice(e: Evidence) -> None:
    e.saw([placed(10, FIRST)])


def accepted_without_intent(e: Evidence) -> None:
    e.saw([placed(10, "somebody")])


def intended_twice(e: Evidence) -> None:
    rewritten(e, *events(), events()[0])


def fill_lost(e: Evidence) -> None:
    e.saw([{"n": 10, "kind": "filled", "fill": there(fill_id="f2")}])


def fill_doubled(e: Evidence) -> None:
    rewritten(e, *events(), events()[2])


def fill_invented(e: Evidence) -> None:
    rewritten(e, *events(), ("order_filled", here(fill_id="f9")))


def fill_found_instead(e: Evidence) -> None:
    rewritten(e, *events(), ("fill_found", {"fill_id": "f9"}))


def fee_changed(e: Evidence) -> None:
    e.venue[-1]["fill"]["fee"] = "1.0050001"


def fill_not_in_table(e: Evidence) -> None:
    e.fills = []


def told_and_gone(e: Evidence) -> None:
    e.told.orders["other"] = "order-3"


def told_otherwise(e: Evidence) -> None:
    e.told.order("key", SECOND)


def halt_broken(e: Evidence) -> None:
    e.saw([sent(10, SECOND, HALTED_MS + 1)])


def halt_broken_after_all(e: Evidence) -> None:
    e.venue[0]["wall_ms"] = HALTED_MS + 60_000


def halt_forgotten(e: Evidence) -> None:
    e.view["status"] = "active"


def halted_itself(e: Evidence) -> None:
    rewritten(e, *events(), ("halted", {"by": "desk", "reason": "overfilled"}))


def differs(e: Evidence) -> None:
    e.view["unresolved"] = 1


def history_changed(e: Evidence) -> None:
    e.journal[1]["body"] = json.dumps({"client_id": SECOND})


def history_with_a_hole(e: Evidence) -> None:
    del e.journal[3]


def history_short(e: Evidence) -> None:
    del e.journal[-1]


def cash_off(e: Evidence) -> None:
    e.view["cash"] = "8993.9950001"


def cash_off_there(e: Evidence) -> None:
    e.account["balances"]["USD"] = "8994"


def position_off(e: Evidence) -> None:
    e.positions = []


def position_off_there(e: Evidence) -> None:
    e.account["positions"]["BBB"] = "1"


def still_open_here(e: Evidence) -> None:
    e.orders[0]["body"] = json.dumps({"status": "acknowledged", "filled_qty": "10"})


def filled_less_here(e: Evidence) -> None:
    e.orders[0]["body"] = json.dumps({"status": "filled", "filled_qty": "9"})


def lost_there(e: Evidence) -> None:
    e.orders[1]["body"] = json.dumps({"status": "acknowledged", "filled_qty": "0"})


def foreign_there(e: Evidence) -> None:
    e.account["orders"].append({"client_id": "stranger", "status": "open", "filled_qty": "0"})


PLANTED: dict[Callable[[Evidence], None], str] = {
    sent_twice: "never_sent_blindly",
    denied_unreadably: "never_sent_blindly",
    denied_too_early: "never_sent_blindly",
    another_body: "one_body_each",
    accepted_twice: "placed_once",
    accepted_without_intent: "placed_once",
    intended_twice: "placed_once",
    fill_lost: "fills_once",
    fill_doubled: "fills_once",
    fill_invented: "fills_once",
    fill_found_instead: "fills_once",
    fee_changed: "fills_once",
    fill_not_in_table: "fills_table",
    told_and_gone: "told_orders_kept",
    told_otherwise: "told_orders_kept",
    halt_broken: "halts_held",
    halt_broken_after_all: "halts_held",
    halt_forgotten: "halts_held",
    halted_itself: "nothing_strange",
    differs: "nothing_strange",
    history_changed: "chain",
    history_with_a_hole: "chain",
    history_short: "history_is_log",
    cash_off: "ledger_agrees",
    cash_off_there: "ledger_agrees",
    position_off: "ledger_agrees",
    position_off_there: "ledger_agrees",
    still_open_here: "orders_agree",
    filled_less_here: "orders_agree",
    lost_there: "orders_agree",
    foreign_there: "orders_agree",
}


@pytest.mark.parametrize(("plant", "rule"), PLANTED.items(), ids=[plant.__name__ for plant in PLANTED])
def test_a_planted_fault_is_found_by_its_rule(plant: Callable[[Evidence], None], rule: str) -> None:
    e = whole()
    plant(e)
    assert any(f" {rule}: " in wrong for wrong in judge(e)), judge(e)


def test_every_rule_is_shown_to_find_something() -> None:
    assert set(PLANTED.values()) == set(RULES)
