"""The paper venue's tables: in memory they say what SQLite says, as far back as they remember."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model import Fill, Money, OrderStatus, Side, ids
from shared.venues.matching import Working
from shared.venues.paper_tables import MemoryTables, PaperTables, Tables
from tests.unit.desk.native_sql import NativeSql
from tests.unit.venues.test_paper import order


def named(number: int, status: OrderStatus) -> Working:
    made = Working.of_order(order(Side.BUY, "1", name=f"n{number}"))
    return made.model_copy(update={"client_id": ids.digest("tables", number), "status": status})


def fill(number: int, of: int) -> Fill:
    return Fill(
        fill_id=ids.digest("fill", number),
        client_id=ids.digest("tables", of),
        instrument="us:AAA",
        side=Side.BUY,
        qty=Decimal(1),
        price=Decimal(100),
        fee=Money(amount=Decimal(0), asset="USD"),
        ts_ms=number,
    )


STATUSES = st.sampled_from([OrderStatus.ACKNOWLEDGED, OrderStatus.PARTLY_FILLED, OrderStatus.FILLED])


@given(
    orders=st.lists(st.tuples(st.integers(0, 4), STATUSES), max_size=20),
    fills=st.lists(st.integers(0, 4), max_size=12),
    row=st.integers(0, 14),
)
def test_memory_says_what_sqlite_says(orders: list[tuple[int, OrderStatus]], fills: list[int], row: int) -> None:
    both: list[Tables] = [MemoryTables(), PaperTables(NativeSql())]
    for tables in both:
        for number, status in orders:
            tables.keep(named(number, status))
        for number, of in enumerate(fills):
            tables.keep_fill(fill(number, of))
    memory, sqlite = both
    for number in range(5):
        name = ids.digest("tables", number)
        assert memory.order(name) == sqlite.order(name)
        assert memory.fills_of(name) == sqlite.fills_of(name)
    assert {each.client_id for each in memory.open_orders()} == {each.client_id for each in sqlite.open_orders()}
    assert memory.fills_since(3) == sqlite.fills_since(3)
    assert memory.fills_after(row) == sqlite.fills_after(row)


@pytest.mark.parametrize("tables", [MemoryTables(), PaperTables(NativeSql())], ids=["memory", "sqlite"])
def test_a_fill_is_kept_once(tables: Tables) -> None:
    tables.keep_fill(fill(1, 1))
    with pytest.raises(Exception, match=r"fill|UNIQUE"):
        tables.keep_fill(fill(1, 1))


def test_memory_forgets_what_is_old_and_counts_on() -> None:
    tables = MemoryTables(kept=3)
    for number in range(20):
        tables.keep(named(number, OrderStatus.ACKNOWLEDGED))
        tables.keep_fill(fill(number, number))
        tables.keep(named(number, OrderStatus.FILLED))
    assert tables.order(ids.digest("tables", 16)) is None
    assert tables.order(ids.digest("tables", 17)) is not None
    assert [row for row, _ in tables.fills_after(18)] == [19, 20]
    assert [each.ts_ms for _, each in tables.fills_after(18)] == [18, 19]
    assert tables.open_orders() == []
