"""What `make dev` shows holds all that there is to know at a glance, with and without a terminal."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from tools.dev.status import Status, market_time, money, state_of

pytestmark = pytest.mark.native

# 2024-03-05 14:30 UTC
CLOCK_MS = 1_709_649_000_000


def status(*, stale: bool = False, state: str = "active", trouble: str = "", **more: Any) -> Status:
    desk: dict[str, Any] = {
        "desk": "stocks",
        "venue": "us",
        "status": state,
        "equity": "101234.5",
        "cash": "40321.25",
        "currency": "USD",
        "open_positions": 7,
        "open_orders": 3,
        **more,
    }
    return Status(
        clocks={"us": CLOCK_MS},
        totals={"candles": 12345, "scans": 61, "signals": 52, "orders": 43, "fills": 34},
        desks=[desk],
        books={"us": {"instrument": "us:AAPL", "age_ms": 1250, "stale": stale}},
        trouble=trouble,
    )


def drawn(shown: Status) -> str:
    out = StringIO()
    Console(file=out, width=80, color_system=None).print(shown.table())
    return out.getvalue()


def test_the_line_holds_everything() -> None:
    assert status().line() == (
        "us 2024-03-05 14:30 | candles 12345 scans 61 signals 52 orders 43 fills 34"
        " | [stocks active equity 101234.5 USD positions 7 book 1.2 s]"
    )


def test_the_table_holds_everything() -> None:
    title, clocks, *rest = drawn(status()).splitlines()
    assert " ".join(title.split()) == "candles 12,345 scans 61 signals 52 orders 43 fills 34"
    assert clocks.strip() == "us 2024-03-05 14:30"
    body = "\n".join(rest)
    for column in ("desk", "state", "equity", "cash", "held", "orders", "book"):
        assert column in body
    (row,) = [line for line in rest if "stocks" in line]
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    assert cells == ["stocks", "active", "101,234.50 USD", "40,321.25", "7", "3", "1.2 s"]


def test_nothing_is_cut_or_split_at_80_columns() -> None:
    rich = {"status": "reducing", "reductions": {"volatility": {}, "venue_down": {}}, "cash": "8765432.10"}
    shown = status(trouble="the API did not answer: [Errno 111] refused")
    shown.clocks["fx"] = CLOCK_MS
    shown.desks.append(shown.desks[0] | {"desk": "fx", "equity": "8765432.1", "currency": "USDT"} | rich)
    lines = drawn(shown).splitlines()
    assert max(map(len, lines)) <= 80
    assert "…" not in "".join(lines)
    assert len([line for line in lines if line.startswith("│")]) == len(shown.desks)
    told = " ".join(" ".join(lines).split())
    for words in ("8,765,432.10 USDT", "fx: reducing (venue_down, volatility)", "did not answer: [Errno 111] refused"):
        assert words in told


def test_a_stale_book_is_called_so() -> None:
    shown = status(stale=True)
    assert "book stale]" in shown.line()
    assert "stale" in drawn(shown)
    assert "1.2 s" not in shown.line() + drawn(shown)


def test_a_halted_desk_is_called_so() -> None:
    shown = status(state="halted")
    assert "[stocks halted " in shown.line()
    assert "halted" in drawn(shown)
    assert "active" not in shown.line() + drawn(shown)


@pytest.mark.parametrize(
    ("state", "more", "words", "colour"),
    [
        ("active", {"halt_code": "", "reductions": {}}, "active", "green"),
        (
            "reducing",
            {"reductions": {"venue_down": {}, "daily_loss": {}}},
            "reducing (daily_loss, venue_down)",
            "yellow",
        ),
        ("halted", {"halt_code": "max_drawdown", "reductions": {"x": {}}}, "halted (max_drawdown)", "red"),
        ("halted", {"halt_code": ""}, "halted", "red"),
    ],
)
def test_why_a_desk_is_not_active_is_told_in_words_and_colour(
    state: str, more: dict[str, Any], words: str, colour: str
) -> None:
    shown = status(state=state, **more)
    assert f"[stocks {words} equity" in shown.line()
    assert words in drawn(shown)
    assert state_of(shown.desks[0]) == (words, colour)


def test_trouble_is_told() -> None:
    shown = status(trouble="the API did not answer: refused")
    assert shown.line().endswith(" | the API did not answer: refused")
    assert "the API did not answer: refused" in drawn(shown)


def test_what_is_not_known_yet_is_a_dash() -> None:
    shown = status()
    shown.books, shown.clocks = {}, {}
    assert "book -]" in shown.line()
    (row,) = [line for line in drawn(shown).splitlines() if "stocks" in line]
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    assert cells[-1] == "-"
    assert Status().line() == ""


def test_market_time_and_money() -> None:
    assert market_time(CLOCK_MS + 59_999) == "2024-03-05 14:30"
    assert market_time(0) == "-"
    assert money("-1234567.891") == "-1,234,567.89"
    assert money(None) == "-"
