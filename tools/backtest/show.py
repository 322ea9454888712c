"""A report on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from brain.backtest.page import Section
from brain.backtest.words import NOTHING, REFUSED_HEAD, TRADE_HEAD, metric_rows, refused_row, trade_row

ENDS = 5
"""Trades shown of the first, and of the last."""
NARROW = 100
LEFT_OUT = ("fees", "bars")
"""Of the trades, on a console narrower than that; the page has them."""
SHORT = 12
"""Cells up to so long are never broken."""


def report(console: Console, title: str, told: Mapping[str, Any], studies: Sequence[Section]) -> None:
    """All of it."""
    _metrics(console, title, told["metrics"])
    trades = told["trades"]
    rows: list[Sequence[str]] = [trade_row(trade) for trade in trades]
    if len(rows) > 2 * ENDS:
        left_out = len(rows) - 2 * ENDS + told["trades_left_out"]
        rows = [*rows[:ENDS], ("…", f"{left_out:,} more", *[""] * (len(TRADE_HEAD) - 2)), *rows[-ENDS:]]
    if rows:
        kept = [at for at, name in enumerate(TRADE_HEAD) if console.width >= NARROW or name not in LEFT_OUT]
        narrow = [[row[at] for at in kept] for row in rows]
        section(console, Section("Trades", [TRADE_HEAD[at] for at in kept], narrow))
    if told["refused"]:
        section(console, Section("Refused", REFUSED_HEAD, [refused_row(each) for each in told["refused"]]))
    for each in studies:
        section(console, each)
    for name in ("halted", "carry"):
        if told[name]:
            console.print(f"{name}: {escape(str(told[name]))}", highlight=False)
    if told["open_symbols"]:
        console.print(f"still held: {', '.join(told['open_symbols'])}", highlight=False)
    console.print(f"fingerprint {told['fingerprint']}", highlight=False, soft_wrap=True)


def _metrics(console: Console, title: str, metrics: Mapping[str, Any] | None) -> None:
    """Two columns of numbers."""
    console.print(f"[bold]{escape(title)}[/]", highlight=False)
    table = Table(box=None, show_header=False)
    for place in range(4):
        table.add_column(justify="right" if place % 2 else "left", style="bold" if place % 2 else "")
    rows = [(label, value if value != NOTHING else f"{NOTHING} ") for label, value, _ in metric_rows(metrics)]
    half = -(-len(rows) // 2)
    for at in range(half):
        right = rows[half + at] if half + at < len(rows) else ("", "")
        table.add_row(*rows[at], f"  {right[0]}", right[1])
    console.print(table)
    console.print()


def section(console: Console, shown: Section) -> None:
    """One table, and what is to be said about it."""
    if shown.rows:
        table = Table(
            title=escape(shown.title),
            title_justify="left",
            title_style="bold",
            box=None,
            header_style="dim",
            padding=(0, 1) if console.width >= NARROW else (0, 1, 0, 0),
        )
        last = len(shown.head) - 1
        for at, name in enumerate(shown.head):
            cells = [row[at] for row in shown.rows]
            # the last one may be a sentence
            is_number = cells[0][:1].isdigit() or (cells[0][:1] == "-" and at != last)
            table.add_column(
                escape(name), justify="right" if is_number else "left", no_wrap=max(map(len, cells)) <= SHORT
            )
        for row in shown.rows:
            table.add_row(*map(escape, row))
        console.print(table)
    else:
        console.print(f"[bold]{escape(shown.title)}[/]")
    if shown.note:
        console.print(escape(shown.note), highlight=False)
    console.print()
