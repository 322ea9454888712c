"""What a month costs: operations of simulated minutes, scaled to days, times the price list.

python -m bench.cost            shows both tables
python -m bench.cost --write    and puts them into docs/cost.md, between the markers
"""

from __future__ import annotations

import argparse
import math

from bench import market, prices
from bench.minute import Ticks
from bench.report import Row
from shared.book.shard import SYMBOLS_A_SHARD
from tools.failure import ToolError, run_main, say
from tools.paths import ROOT

MINUTES = 1_440
SECONDS = 86_400
PAGE = ROOT / "docs" / "cost.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
BILLED_AS = {
    "object_alarms": ("object_requests", 1.0),
    "socket_messages": ("object_requests", 1 / 20),
    "d1_queries": None,
    "rpc_calls": None,
    "fetches": None,
    "r2_deletes": None,
}
"""Operations under another name on the bill: an alarm is a request to its object, so are twenty messages of a socket;
queries, calls over a service binding, outgoing fetches and R2 deletes are free."""


def a_day(ticks: Ticks) -> dict[str, float]:
    """Operations of one day, by the names of the price list."""
    counted = {name: n * MINUTES for name, n in ticks.per_tick.items()}
    for name, n in ticks.per_second.items():
        counted[name] = counted.get(name, 0.0) + n * SECONDS
    found: dict[str, float] = {}
    for name, n in counted.items():
        billed = BILLED_AS.get(name, (name, 1.0))
        if billed is not None:
            found[billed[0]] = found.get(billed[0], 0.0) + n * billed[1]
    for name, n in daily(ticks).items():
        found[name] = found.get(name, 0.0) + n
    return found


def daily(ticks: Ticks) -> dict[str, float]:
    """What the ticks do not show: the trigger itself, CPU, objects that stay in memory, and work of each minute or day."""
    books = math.ceil(ticks.symbols / SYMBOLS_A_SHARD)
    desk_s = MINUTES * sum(ticks.job_ms(job) for job in ("monitor", "scan")) / 1000
    return {
        "requests": MINUTES,
        "cpu_ms": ticks.cpu_ms * MINUTES,  # what passes besides is an object's, billed by the second
        "object_gb_s": (books * SECONDS + desk_s) * prices.OBJECT_GB,
        "r2_class_a": books * MINUTES,  # a book's ticks go to R2 once a minute: rarer than the simulated ones
        "r2_class_b": MINUTES,  # the day's compaction reads every object of the day
    }


def dollars(ticks: Ticks) -> float:
    """A month."""
    return prices.total(prices.charges(a_day(ticks)))


def measure(quick: bool) -> list[Row]:
    """One row for each size of market."""
    rows = []
    for symbols in (market.FEW, market.MANY):
        ticks = market.played(symbols, quick)
        rows.append(Row(f"cost of {symbols} symbols, one-minute bars", f"${dollars(ticks):.2f} a month"))
    return rows


def table(few: Ticks, many: Ticks) -> str:
    """Markdown: a line for each price, both sizes side by side."""
    lines = [
        "| operation | included a month | $ a million more "
        f"| {few.symbols} symbols: a month | $ | {many.symbols} symbols: a month | $ |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    sides = [prices.charges(a_day(few)), prices.charges(a_day(many))]
    for left, right in zip(*sides, strict=True):
        price = left.price
        shown = f"| {price.title} | {price.included:,.0f} | {price.dollars:g} "
        lines.append(shown + "".join(f"| {each.a_month:,.0f} | {each.dollars:.2f} " for each in (left, right)) + "|")
    lines.append(f"| Workers Paid | | | | {prices.PLAN_DOLLARS:.2f} | | {prices.PLAN_DOLLARS:.2f} |")
    totals = [prices.total(side) for side in sides]
    lines.append(f"| **together** | | | | **{totals[0]:.2f}** | | **{totals[1]:.2f}** |")
    return "\n".join([*lines, "", *ticks_table(few, many)])


def ticks_table(few: Ticks, many: Ticks) -> list[str]:
    """Markdown: what was counted."""
    lines = [
        f"| counted | {few.symbols}: a tick | a second besides | {many.symbols}: a tick | a second besides |",
        "|---|---:|---:|---:|---:|",
    ]
    names = sorted({*few.per_tick, *few.per_second, *many.per_tick, *many.per_second})
    for name in names:
        cells = [each.get(name, 0.0) for ticks in (few, many) for each in (ticks.per_tick, ticks.per_second)]
        lines.append(f"| `{name}` " + "".join(f"| {cell:,.2f} " for cell in cells) + "|")
    cpu = (few.cpu_ms, few.idle_cpu_ms, many.cpu_ms, many.idle_cpu_ms)
    lines.append("| CPU ms " + "".join(f"| {cell:,.1f} " for cell in cpu) + "|")
    return lines


def write(text: str) -> None:
    """Between the markers of the page; ToolError when they are not there."""
    page = PAGE.read_text()
    if BEGIN not in page or END not in page:
        raise ToolError(f"{PAGE.relative_to(ROOT)} has lost its markers {BEGIN} and {END}")
    head, rest = page.split(BEGIN, 1)
    PAGE.write_text(f"{head}{BEGIN}\n{text}\n{END}{rest.split(END, 1)[1]}")


def main() -> int:
    """Plays both markets and shows, or writes, the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.cost", description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/cost.md")
    parser.add_argument("--quick", action="store_true", help="fewer ticks")
    options = parser.parse_args()
    text = table(*(market.played(symbols, options.quick) for symbols in (market.FEW, market.MANY)))
    say(text)
    if options.write:
        write(text)
    return 0


if __name__ == "__main__":
    run_main(main)
