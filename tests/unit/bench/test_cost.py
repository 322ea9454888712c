"""Operations times prices, by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import cost, prices
from bench.minute import Ticks
from tools.failure import ToolError

pytestmark = pytest.mark.native


def dollars_of(a_day: dict[str, float], name: str) -> float:
    found = {each.price: each for each in prices.charges(a_day)}
    return found[prices.PRICES[name]].dollars


@pytest.mark.parametrize(
    ("name", "a_day", "dollars"),
    [
        ("kv_writes", 50_000, 2.5),  # 1.5 million a month, half a million beyond, $5 a million
        ("cpu_ms", 1_000_000, 0.0),  # just what is included
        ("cpu_ms", 2_000_000, 0.6),  # 30 million beyond, $0.02 a million
        ("requests", 1_000_000, 6.0),  # 20 million beyond, $0.30 a million
        ("object_gb_s", 2 * 86_400 * 0.128, 3.2944),  # two objects all month: 663,552, of which 263,552 beyond
        ("d1_rows_written", 2_000_000, 10.0),  # 10 million beyond, $1 a million
    ],
)
def test_what_is_beyond_the_included_is_charged(name: str, a_day: float, dollars: float) -> None:
    assert dollars_of({name: a_day}, name) == pytest.approx(dollars)


def test_a_month_is_thirty_days_and_what_was_not_counted_is_none() -> None:
    found = {each.price.title: each.a_month for each in prices.charges({"kv_reads": 7})}
    assert len(found) == len(prices.PRICES)
    assert found.pop("KV reads") == 210
    assert set(found.values()) == {0.0}


def test_an_operation_without_a_price_is_refused() -> None:
    with pytest.raises(KeyError, match="teleports"):
        prices.charges({"kv_reads": 1, "teleports": 1})


def test_the_plan_is_in_the_total() -> None:
    assert prices.total([]) == 5.0
    assert prices.total(prices.charges({"kv_writes": 50_000, "requests": 1_000_000})) == pytest.approx(5 + 2.5 + 6)


def ticks(symbols: int = 250) -> Ticks:
    return Ticks(
        symbols,
        jobs_ms={"monitor": [300.0, 100.0, 200.0], "scan": [500.0], "ingest": [9_000.0]},
        per_tick={
            "object_requests": 2,
            "object_alarms": 1,
            "socket_messages": 20,
            "d1_queries": 5,
            "rpc_calls": 1,
            "fetches": 3,
            "r2_deletes": 4,
            "r2_class_a": 1,
            "kv_reads": 1,
        },
        per_second={"object_requests": 0.5, "socket_messages": 2},
        cpu_ms=100.0,
        idle_cpu_ms=7.0,
    )


def test_a_day_by_hand() -> None:
    assert cost.a_day(ticks()) == pytest.approx(
        {
            # (2 + 1 alarm + 20 messages / 20) x 1,440 ticks, and (0.5 + 2 / 20) x 86,400 s
            "object_requests": 5_760 + 51_840,
            "r2_class_a": 1_440 + 2 * 1_440,  # a tick's own, and a minute's object of either book
            "r2_class_b": 1_440,
            "kv_reads": 1_440,
            "requests": 1_440,
            "cpu_ms": 144_000,
            # two books all day, and the desk for 0.2 + 0.5 s of each tick
            "object_gb_s": (172_800 + 1_008) * 0.128,
        }
    )


def test_a_month_by_hand() -> None:
    requests = (1_728_000 - 1_000_000) * 0.15 / 1_000_000  # 57,600 a day
    memory = (667_422.72 - 400_000) * 12.5 / 1_000_000  # 22,247.424 a day
    assert cost.dollars(ticks()) == pytest.approx(5 + requests + memory) == pytest.approx(8.451984)


@pytest.mark.parametrize(("symbols", "books"), [(1, 1), (200, 1), (201, 2), (400, 2), (401, 3)])
def test_two_hundred_symbols_share_a_book(symbols: int, books: int) -> None:
    assert cost.daily(Ticks(symbols))["object_gb_s"] == pytest.approx(books * 86_400 * 0.128)
    assert cost.daily(Ticks(symbols))["r2_class_a"] == books * 1_440


def test_the_table_ends_with_both_totals() -> None:
    few, many = Ticks(20), ticks()
    assert "| **together** | | | | **5.00** | | **8.45** |" in cost.table(few, many).splitlines()


def test_the_table_is_written_between_the_markers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "cost.md"
    page.write_text(f"before\n{cost.BEGIN}\nold\n{cost.END}\nafter\n")
    monkeypatch.setattr(cost, "PAGE", page)
    cost.write("new")
    assert page.read_text() == f"before\n{cost.BEGIN}\nnew\n{cost.END}\nafter\n"
    page.write_text("no markers")
    monkeypatch.setattr(cost, "ROOT", tmp_path)
    with pytest.raises(ToolError, match="markers"):
        cost.write("new")
