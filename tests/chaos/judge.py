"""The rules that must hold whatever was killed and when. The sandbox's journal is believed, the desk is not."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

from tests.chaos.evidence import Evidence, Row

UNREAD = frozenset({"timeout_after", "error_after", "reset_after", "truncated", "garbage", "late"})
"""Faults after which the desk cannot have read the answer."""
IN_FLIGHT_MS = 5000
"""An entry stored as sent before a halt may still be on its way for this long."""
OPEN_THERE = frozenset({"open", "partly_filled"})
CLOSED_HERE = frozenset({"filled", "cancelled", "rejected", "expired"})


def one_body_each(e: Evidence) -> Iterator[str]:
    """No client id is ever sent with two bodies."""
    bodies: dict[str, str] = {}
    for row, body in _places(e):
        told = json.dumps(body, sort_keys=True)
        if bodies.setdefault(body["client_id"], told) != told:
            yield f"order {body['client_id']} was sent with another body at {row['n']}: {told}"


def placed_once(e: Evidence) -> Iterator[str]:
    """An order is accepted once for its intent, and none without one."""
    intended = Counter(event["order"]["client_id"] for event in e.events("order_intended"))
    for client_id, count in intended.items():
        if count > 1:
            yield f"order {client_id} was intended {count} times"
    for client_id, count in Counter(row["order"]["client_id"] for row in e.kinds("placed")).items():
        if count > 1:
            yield f"order {client_id} was accepted {count} times"
        if client_id not in intended:
            yield f"order {client_id} was accepted and never intended"


def never_sent_blindly(e: Evidence) -> Iterator[str]:
    """Between two sendings of an order the sandbox answered, readably, that it does not know it."""
    asked: dict[int, str] = {}
    sent: dict[str, int] = {}
    denied: dict[str, int] = {}
    for row in e.venue:
        if row["kind"] == "request" and row["endpoint"] in ("order", "cancel") and row["fault"] not in UNREAD:
            asked[row["n"]] = parse_qs(row["query"]).get("client_id", [""])[0]
        elif row["kind"] == "answer" and row["to"] in asked and row["code"] == "order_not_found":
            denied[asked[row["to"]]] = row["to"]
        elif row["kind"] == "request" and row["endpoint"] == "place":
            client_id = json.loads(row["body"])["client_id"]
            if client_id in sent and denied.get(client_id, 0) < sent[client_id]:
                yield f"order {client_id} was sent at {sent[client_id]} and, not having been denied, again at {row['n']}"
            sent[client_id] = row["n"]


def fills_once(e: Evidence) -> Iterator[str]:
    """Every fill of the sandbox is booked, once, as it was; and no other."""
    theirs = {row["fill"]["fill_id"]: _fill(row["fill"]) for row in e.kinds("filled")}
    booked = [event["fill"] for event in e.events("order_filled")]
    ours = {fill["fill_id"]: _ours(fill) for fill in booked}
    for fill_id, count in Counter(fill["fill_id"] for fill in booked).items():
        if count > 1:
            yield f"fill {fill_id} is booked {count} times"
    yield from _unequal("fill", theirs, ours)
    for event in e.events("fill_found"):
        yield f"fill {event['fill_id']} was taken for one of no order of ours"


def fills_table(e: Evidence) -> Iterator[str]:
    """D1's table of fills holds what its journal tells."""
    told = [(event["seq"], event["fill"]["fill_id"]) for event in e.events("order_filled")]
    rows = [(row["seq"], row["fill_id"]) for row in e.fills]
    if sorted(told) != sorted(rows):
        yield f"the journal tells of {len(told)} fills, the table of {len(rows)}: {set(told) ^ set(rows)}"


def told_orders_kept(e: Evidence) -> Iterator[str]:
    """What a caller was told of exists, and the same request always meant the same order."""
    yield from e.told.broken_words
    known = {event["order"]["client_id"] for event in e.events("order_intended")}
    for key, client_id in e.told.orders.items():
        if client_id not in known:
            yield f"a caller was told of order {client_id} (key {key}), and it is gone"


def halts_held(e: Evidence) -> Iterator[str]:
    """After a halt was acknowledged no entry reaches the sandbox, until somebody sets out to resume."""
    halted = [event["seq"] for event in e.events("halted")]
    sent: dict[str, int] = {event["client_id"]: event["seq"] for event in e.events("order_sent")}
    at = {row["seq"]: row["at_ms"] for row in e.journal}
    if any(halt.until_ms is None for halt in e.told.halts) and e.view["status"] != "halted":
        yield f"a caller was told of a halt that nobody ended, and the desk is {e.view['status']}"
    for row, body in _places(e):
        halt = next((each for each in e.told.halts if each.holds(row["wall_ms"])), None)
        if halt is None or body.get("reduce_only"):
            continue
        # the newest halt event that the acknowledgement can speak of
        since = max((seq for seq in halted if at[seq] <= halt.from_ms), default=0)
        left_before = sent.get(body["client_id"], since + 1) < since
        late_ms = row["wall_ms"] - halt.from_ms
        if not left_before or late_ms > IN_FLIGHT_MS:
            yield f"order {body['client_id']} was sent {late_ms} ms after a halt was acknowledged"


def nothing_strange(e: Evidence) -> Iterator[str]:
    """The desk is alone at its account: it has no reason to halt itself, and what differed must have come to agree."""
    for event in e.events("halted"):
        if event["by"] != "chaos":
            yield f"the desk halted itself: {event['reason']}"
    if e.view["unresolved"]:
        yield f"{e.view['unresolved']} differences stand open"


def chain(e: Evidence) -> Iterator[str]:
    """The history in D1 is one unbroken chain from the first event."""
    before = "0" * 64
    for number, row in enumerate(e.journal, 1):
        text = f"{row['seq']}\n{row['v']}\n{row['at_ms']}\n{row['kind']}\n{before}\n{row['body']}"
        if row["seq"] != number or hashlib.sha256(text.encode()).hexdigest() != row["hash"]:
            yield f"event {row['seq']} does not follow at place {number}"
            return
        before = row["hash"]


def history_is_log(e: Evidence) -> Iterator[str]:
    """D1 holds the log of the object, all of it."""
    ours = {row["seq"]: row["hash"] for row in e.log}
    theirs = {row["seq"]: row["hash"] for row in e.journal}
    yield from _unequal("event", ours, theirs)
    if len(ours) != e.view["seq"]:
        yield f"the desk is at {e.view['seq']}, its log at {len(ours)}"


def ledger_agrees(e: Evidence) -> Iterator[str]:
    """Cash and positions are the sandbox's, and what its fills come to, to the last decimal."""
    cash = Decimal(e.cash)
    held: defaultdict[str, Decimal] = defaultdict(Decimal)
    for fill in (row["fill"] for row in e.kinds("filled")):
        sign = 1 if fill["side"] == "buy" else -1
        cash -= sign * Decimal(fill["qty"]) * Decimal(fill["price"]) + Decimal(fill["fee"])
        held[fill["symbol"]] += sign * Decimal(fill["qty"])
    theirs = {symbol: Decimal(qty) for symbol, qty in e.account["positions"].items() if Decimal(qty)}
    ours = {each["instrument"].partition(":")[2]: Decimal(each["qty"]) for each in e.positions}
    yield from _unequal("position", theirs, {symbol: qty for symbol, qty in ours.items() if qty})
    yield from _unequal("position by the fills", theirs, {symbol: qty for symbol, qty in held.items() if qty})
    said = (Decimal(e.account["balances"]["USD"]), Decimal(e.view["cash"]), cash)
    if len(set(said)) != 1:
        yield f"cash: the sandbox has {said[0]}, the desk {said[1]}, the fills come to {said[2]}"


def orders_agree(e: Evidence) -> Iterator[str]:
    """Each order stands here as it stands there."""
    ours = {row["client_id"]: json.loads(row["body"]) for row in e.orders}
    theirs = {order["client_id"]: order for order in e.account["orders"]}
    for client_id, order in ours.items():
        there = theirs.get(client_id)
        is_open = order["status"] not in CLOSED_HERE
        if there is None:
            if is_open and order["status"] != "created":
                yield f"order {client_id} is {order['status']} here and not known there"
            continue
        if is_open != (there["status"] in OPEN_THERE):
            yield f"order {client_id} is {order['status']} here and {there['status']} there"
        if Decimal(order["filled_qty"]) != Decimal(there["filled_qty"]):
            yield f"order {client_id} filled {order['filled_qty']} here and {there['filled_qty']} there"
    for client_id in theirs.keys() - ours.keys():
        yield f"order {client_id} is there and not here"


RULES: dict[str, Callable[[Evidence], Iterator[str]]] = {
    rule.__name__: rule
    for rule in (
        one_body_each,
        placed_once,
        never_sent_blindly,
        fills_once,
        fills_table,
        told_orders_kept,
        halts_held,
        nothing_strange,
        chain,
        history_is_log,
        ledger_agrees,
        orders_agree,
    )
}


def judge(e: Evidence) -> list[str]:
    """All that is broken, each with its rule; empty where everything held."""
    return [f"{e.desk}: {name}: {wrong}" for name, rule in RULES.items() for wrong in rule(e)]


def _places(e: Evidence) -> Iterator[tuple[Row, Row]]:
    """Every order as it reached the sandbox, with what was in it, taken up or not."""
    for row in e.kinds("request"):
        if row["endpoint"] == "place":
            yield row, json.loads(row["body"])


def _fill(fill: Row) -> Row:
    names = ("client_id", "symbol", "side", "ts_ms", "fee_asset")
    return {name: fill[name] for name in names} | {name: Decimal(fill[name]) for name in ("qty", "price", "fee")}


def _ours(fill: Row) -> Row:
    """The desk's own wire form in the sandbox's words."""
    fee = fill["fee"]
    return _fill(
        {**fill, "symbol": fill["instrument"].partition(":")[2], "fee": fee["amount"], "fee_asset": fee["asset"]}
    )


def _unequal(what: str, wanted: dict[Any, Any], found: dict[Any, Any]) -> Iterator[str]:
    for name in wanted.keys() - found.keys():
        yield f"{what} {name} is missing"
    for name in found.keys() - wanted.keys():
        yield f"{what} {name} is one too many"
    for name in wanted.keys() & found.keys():
        if wanted[name] != found[name]:
            yield f"{what} {name} is {found[name]}, and should be {wanted[name]}"
