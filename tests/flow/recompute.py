"""The books kept a second time, by other code: what the history says against what the desk says."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from tests.system import System, until
from tools.replay import Market

Row = tuple[int, Decimal, Decimal, Decimal, Decimal, Decimal]
"""Open time, open, high, low, close, volume."""
GENESIS = "0" * 64


def recorded(market: Market, interval: str, market_ms: int, from_ms: int = 0) -> dict[str, list[Row]]:
    """Every bar of the recording that has closed by `market_ms`, by symbol."""
    found = {}
    for symbol in sorted(symbol for symbol, length in market.series if length == interval):
        rows = [_row(bar) for bar in market.closed((symbol, interval), market_ms, from_ms, None, 1_000_000)]
        if rows:
            found[symbol] = rows
    return found


def _row(bar: Iterable[Any]) -> Row:
    open_time_ms, *numbers = bar
    opened, high, low, close, volume = map(Decimal, numbers)
    return (int(open_time_ms), opened, high, low, close, volume)


def archived(system: System, venue: str, interval: str) -> dict[str, list[Row]]:
    """Every row of every object that the index names, by symbol in the order of time; a double stays double.

    Compaction may take an object away between index and read: then all is read again. One that is missing for good fails.
    """
    return until(lambda: _archived(system, venue, interval))


def _archived(system: System, venue: str, interval: str) -> dict[str, list[Row]] | None:
    found: dict[str, list[Row]] = {}
    for index in index_rows(system, venue, interval):
        body = system.stack.r2_get(index["key"])
        if body is None:
            return None
        lines = [json.loads(line) for line in gzip.decompress(body).splitlines()]
        assert (len(lines), len(body)) == (index["rows"], index["bytes"]), index["key"]
        assert min(line[1] for line in lines) == index["from_ms"], index["key"]
        assert max(line[1] for line in lines) == index["to_ms"], index["key"]
        for symbol, *bar in lines:
            found.setdefault(symbol, []).append(_row(bar))
    return {symbol: sorted(rows) for symbol, rows in sorted(found.items())}


def index_rows(system: System, venue: str, interval: str) -> list[dict[str, Any]]:
    return system.stack.d1(
        "SELECT * FROM archive_objects WHERE venue = ? AND interval = ? ORDER BY key", [venue, interval]
    )


def check_archive(system: System, market: Market, interval: str) -> dict[str, list[Row]]:
    """The archive holds exactly what was recorded since its first bar, each bar once; the rows."""
    found = archived(system, market.venue, interval)
    first_ms = min(rows[0][0] for rows in found.values())
    wanted = recorded(market, interval, system.replay.clock(market.venue).market_ms, first_ms)
    assert found.keys() == wanted.keys()
    for symbol, rows in wanted.items():
        assert found[symbol] == rows, f"{market.venue}:{symbol}: {difference(found[symbol], rows)}"
    marks = system.stack.d1("SELECT * FROM watermarks WHERE venue = ? AND interval = ?", [market.venue, interval])
    assert {m["symbol"]: (m["first_open_time_ms"], m["open_time_ms"]) for m in marks} == {
        symbol: (rows[0][0], rows[-1][0]) for symbol, rows in wanted.items()
    }
    return found


def difference(found: list[Row], wanted: list[Row]) -> str:
    double = [at for at, count in Counter(row[0] for row in found).items() if count > 1]
    times = {row[0] for row in found}
    lacking = [row[0] for row in wanted if row[0] not in times]
    return f"{len(found)} rows for {len(wanted)}; double: {double[:5]}; lacking: {lacking[:5]}"


def check_chain(system: System, desk: str) -> list[dict[str, Any]]:
    """The journal in D1 is one unbroken chain from the first event to `as_of_seq`; its rows."""
    rows = system.stack.d1("SELECT * FROM journal WHERE desk = ? ORDER BY seq", [desk])
    before = GENESIS
    for number, row in enumerate(rows, 1):
        assert row["seq"] == number, f"{desk}: {row['seq']} stands where {number} should"
        text = f"{row['seq']}\n{row['v']}\n{row['at_ms']}\n{row['kind']}\n{before}\n{row['body']}"
        assert hashlib.sha256(text.encode()).hexdigest() == row["hash"], f"{desk}: event {number} does not follow"
        before = row["hash"]
    as_of = system.stack.d1("SELECT as_of_seq FROM desks WHERE desk = ?", [desk])[0]["as_of_seq"]
    assert as_of == len(rows)
    return rows


def check_ledger(system: System, desk: str, cash: str) -> None:
    """Cash, positions, equity, profit and fees of the desk, recomputed from the fills that the API tells, to the last decimal."""
    system.drained(desk)
    fills = system.items(f"/v1/desks/{desk}/fills")
    view = system.get(f"/v1/desks/{desk}")
    assert len({fill["fill_id"] for fill in fills}) == len(fills)
    held: Counter[str] = Counter()
    quantities: dict[str, Decimal] = {}
    left, fees = Decimal(cash), Decimal(0)
    for fill in fills:
        sign = {"buy": 1, "sell": -1}[fill["side"]]
        qty, fee = sign * Decimal(fill["qty"]), Decimal(fill["fee"]["amount"])
        assert fill["fee"]["asset"] == view["currency"]
        left -= qty * Decimal(fill["price"]) + fee
        fees += fee
        quantities[fill["instrument"]] = quantities.get(fill["instrument"], Decimal(0)) + qty
        held[fill["client_id"]] += 1
    positions = {each["instrument"]: each for each in system.items(f"/v1/desks/{desk}/positions")}
    assert {name: qty for name, qty in quantities.items() if qty} == {
        name: Decimal(each["qty"]) for name, each in positions.items()
    }
    worth = sum((Decimal(each["qty"]) * Decimal(each["mark"]) for each in positions.values()), Decimal(0))
    cost = sum((Decimal(each["cost"]) for each in positions.values()), Decimal(0))
    assert Decimal(view["cash"]) == left
    assert Decimal(view["fees"]) == fees
    assert Decimal(view["equity"]) == left + worth
    assert Decimal(view["unrealised"]) == worth - cost
    assert Decimal(view["cash"]) + cost == Decimal(cash) + Decimal(view["realised"]) - fees
    check_fills_of_orders(system, desk, fills)


def check_fills_of_orders(system: System, desk: str, fills: list[dict[str, Any]]) -> None:
    """Each order is filled by what its fills add up to, and the journal tells of the same fills."""
    filled: dict[str, Decimal] = {}
    value: dict[str, Decimal] = {}
    for fill in fills:
        name, qty = fill["client_id"], Decimal(fill["qty"])
        filled[name] = filled.get(name, Decimal(0)) + qty
        value[name] = value.get(name, Decimal(0)) + qty * Decimal(fill["price"])
    orders = {order["client_id"]: order for order in system.items(f"/v1/desks/{desk}/orders")}
    assert filled.keys() <= orders.keys()
    for name, order in orders.items():
        assert Decimal(order["filled_qty"]) == filled.get(name, Decimal(0))
        assert Decimal(order["filled_value"]) == value.get(name, Decimal(0))
        assert (order["status"] == "filled") == (order["filled_qty"] == order["qty"])
    journal = [row for row in check_chain(system, desk) if row["kind"] == "order_filled"]
    told = [json.loads(row["body"])["fill"] for row in journal]
    assert sorted(told, key=_id) == sorted(({k: v for k, v in fill.items() if k != "seq"} for fill in fills), key=_id)


def _id(fill: dict[str, Any]) -> str:
    return str(fill["fill_id"])
