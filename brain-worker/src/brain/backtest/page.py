"""A report as one HTML text: plots and tables, without a script and without anything from outside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, Final, NamedTuple

from brain.backtest import plot
from brain.backtest.report import thinned
from brain.backtest.words import NOTHING, REFUSED_HEAD, TRADE_HEAD, metric_rows, refused_row, trade_row, when
from brain.bar import Bar
from brain.bars import Bars

SHOWN_TRADES: Final = 200
STYLE: Final = """
:root { color-scheme: light dark; --ink: #1c2733; --soft: #66727f; --grid: #e3e7eb; --page: #fff; --line: #2463a8;
  --good: #17834b; --bad: #c0392b }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e9ee; --soft: #98a4b0; --grid: #2c343c; --page: #14191e;
  --line: #6aa9ec; --good: #46c483; --bad: #f0766a } }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--page); max-width: 1000px;
  margin: 2rem auto; padding: 0 1rem }
svg { width: 100%; height: auto; margin: .4rem 0 }
.line { fill: none; stroke: var(--line); stroke-width: 1.3 } .area { fill: var(--bad); opacity: .25 }
.drawdown .line { stroke: var(--bad) } .price .line { stroke: var(--soft); stroke-width: 1 }
.grid { stroke: var(--grid) } .tick { font-size: 11px; fill: var(--soft) }
.name { font-size: 13px; font-weight: 600; fill: var(--ink) }
.buy { fill: var(--good) } .sell { fill: var(--bad) }
line.won { stroke: var(--good) } line.lost { stroke: var(--bad) }
table { border-collapse: collapse; margin: .6rem 0; font-variant-numeric: tabular-nums; display: block; overflow-x: auto }
th, td { text-align: left; padding: .15rem .8rem .15rem 0; border-bottom: 1px solid var(--grid); font-size: 13px }
td.n { text-align: right } .soft { color: var(--soft) } code { overflow-wrap: anywhere }
.doubts { color: var(--bad) } .metrics { columns: 2 } @media (max-width: 700px) { .metrics { columns: 1 } }
""".strip()


class Prices(NamedTuple):
    """A symbol's closes: thinned, so that they can be drawn."""

    symbol: str
    times_ms: Sequence[int]
    closes: Sequence[float]


def prices_of(symbol: str, bars: Sequence[Bar], interval_ms: int) -> Prices:
    """Of its bars, in their order."""
    columns = Bars.of(bars)
    closes = columns.close
    kept = thinned(closes)
    return Prices(symbol, [columns.open_time_ms[at] + interval_ms for at in kept], [closes[at] for at in kept])


class Section(NamedTuple):
    """One more table, such as that of a search; its rows are as wide as its head."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


def page(
    title: str,
    about: Iterable[tuple[str, str]],
    told: Mapping[str, Any],
    prices: Iterable[Prices],
    sections: Iterable[Section] = (),
) -> str:
    """`about` says what was run (`brain.backtest.about`), `told` is a report as `brain.backtest.report` makes it; every symbol of
    `prices` gets a plot of its own."""
    curve, trades = told["curve"], told["trades"]
    drawn = [plot.on_price(each.symbol, each.times_ms, each.closes, trades) for each in prices]
    body = [
        f"<h1>{escape(title)}</h1>",
        _about(about),
        _doubts(told["doubts"]),
        _summary(told),
        plot.equity(curve),
        plot.drawdown(curve),
        *drawn,
        _metrics(told["metrics"]),
        _trades(told),
        *(_section(each) for each in sections),
        _section(Section("Refused", REFUSED_HEAD, [refused_row(each) for each in told["refused"]])),
        f'<p class="soft">Fingerprint of the closed trades: <code>{escape(told["fingerprint"])}</code></p>',
    ]
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8"/>',
            '<meta name="viewport" content="width=device-width, initial-scale=1"/>',
            f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>",
            *body,
            "</body></html>\n",
        ]
    )


def _about(rows: Iterable[tuple[str, str]]) -> str:
    cells = "".join(f'<tr><td class="soft">{escape(label)}</td><td>{escape(text)}</td></tr>' for label, text in rows)
    return f'<table class="about">{cells}</table>'


def _doubts(doubts: Sequence[str]) -> str:
    """Before the numbers that they are about."""
    if not doubts:
        return ""
    return f'<h2>Doubts</h2><ul class="doubts">{"".join(f"<li>{escape(each)}</li>" for each in doubts)}</ul>'


def _summary(told: Mapping[str, Any]) -> str:
    times = told["curve"]["t"]
    said = [f"{when(times[0])} to {when(times[-1])} UTC" if times else "no bars"]
    said.append(f"{told['proposals']} proposals")
    if told["open_symbols"]:
        said.append(f"still held: {', '.join(told['open_symbols'])}")
    if told["halted"]:
        said.append(f"halted: {told['halted']}")
    return f'<p class="soft">{escape("; ".join(said))}</p>'


def _metrics(metrics: Mapping[str, Any] | None) -> str:
    rows = []
    for label, value, why in metric_rows(metrics):
        shown = f'{value} <span class="soft">{escape(why)}</span>' if value == NOTHING and why else escape(value)
        rows.append(f'<tr><td>{escape(label)}</td><td class="n">{shown}</td></tr>')
    return f'<h2>Numbers</h2><div class="metrics"><table>{"".join(rows)}</table></div>'


def _trades(told: Mapping[str, Any]) -> str:
    trades = told["trades"]
    shown, all_ = trades[:SHOWN_TRADES], len(trades) + told["trades_left_out"]
    note = f"The first {len(shown)} of {all_}." if len(shown) < all_ else ""
    return _section(Section("Trades", TRADE_HEAD, [trade_row(trade) for trade in shown], note))


def _section(section: Section) -> str:
    note = f'<p class="soft">{escape(section.note)}</p>' if section.note else ""
    if not section.rows:
        return f"<h2>{escape(section.title)}</h2>{note}<p>None.</p>"
    head = "".join(f"<th>{escape(name)}</th>" for name in section.head)
    rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in section.rows)
    return f"<h2>{escape(section.title)}</h2>{note}<table><tr>{head}</tr>{rows}</table>"
