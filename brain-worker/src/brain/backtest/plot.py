"""Plots as SVG texts: equity, drawdown, trades on the price. Nothing in them moves, and nothing is fetched."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from itertools import accumulate
from typing import Any, Final, NamedTuple

from brain.backtest.words import DAY_MS, money, when

WIDTH, HEIGHT = 960, 260
LEFT, RIGHT, TOP, BOTTOM = 76, 12, 26, 22
MAX_MARKS: Final = 1000
STEPS: Final = (1.0, 2.0, 5.0, 10.0)
TIME_TICKS: Final = 6


class Mark(NamedTuple):
    """Something at a point: `kind` is its class in the style sheet, `text` what is shown on hovering."""

    at_ms: int
    value: float
    kind: str
    text: str


class Scale(NamedTuple):
    """From time and value to places in the picture."""

    from_ms: int
    to_ms: int
    low: float
    high: float

    def x(self, at_ms: float) -> float:
        """Places from the left; times beyond the ends are drawn at the ends."""
        share = (min(max(at_ms, self.from_ms), self.to_ms) - self.from_ms) / (self.to_ms - self.from_ms)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """Places from the top."""
        return TOP + (self.high - value) / (self.high - self.low) * (HEIGHT - TOP - BOTTOM)


def scale(times_ms: Sequence[int], values: Iterable[float]) -> Scale:
    """Around all of it; something to divide by even where there is one point, or none."""
    kept = [value for value in values if math.isfinite(value)]
    low, high = (min(kept), max(kept)) if kept else (0.0, 1.0)
    if not high > low:
        low, high = low - abs(low) * 0.01 - 1e-9, high + abs(high) * 0.01 + 1e-9
    first, last = (times_ms[0], times_ms[-1]) if times_ms else (0, 1)
    return Scale(first, max(last, first + 1), low, high)


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers within, at most about `most`: 1, 2 or 5 times a power of ten apart."""
    rough = (high - low) / most
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * each for each in STEPS if unit * each >= rough * 0.999999)
    first = math.ceil(low / step - 1e-9)
    return [at * step for at in range(first, math.floor(high / step + 1e-9) + 1)]


def equity(curve: Mapping[str, Any]) -> str:
    """The account at each close of a report's curve."""
    return _chart("Equity", curve["t"], curve["equity"], "equity")


def drawdown(curve: Mapping[str, Any]) -> str:
    """How far below its highest the account stood, in percent of that."""
    values: Sequence[float] = curve["equity"]
    peaks = accumulate(values, max)
    depths = [(value / peak - 1.0) * 100.0 if peak > 0 else 0.0 for value, peak in zip(values, peaks, strict=True)]
    return _chart("Drawdown in %", curve["t"], depths, "drawdown", base=0.0)


def on_price(symbol: str, times_ms: Sequence[int], closes: Sequence[float], trades: Sequence[Mapping[str, Any]]) -> str:
    """The symbol's trades on its closes: up where it was bought, down where it was sold, joined by a line.

    `times_ms` and `closes` have the same length; the first `MAX_MARKS` trades are drawn.
    """
    of_it = [trade for trade in trades if trade["symbol"] == symbol]
    drawn = of_it[:MAX_MARKS]
    title = f"{symbol}: {len(of_it)} trades" + (f", the first {MAX_MARKS} drawn" if len(drawn) < len(of_it) else "")
    return _chart(title, times_ms, closes, "price", trades=drawn)


def _chart(
    title: str,
    times_ms: Sequence[int],
    values: Sequence[float],
    kind: str,
    base: float | None = None,
    trades: Sequence[Mapping[str, Any]] = (),
) -> str:
    prices = [trade[name] for trade in trades for name in ("entry_price", "exit_price")]
    place = scale(times_ms, [*values, *prices])
    parts = [
        f'<svg class="{kind}" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" xmlns="http://www.w3.org/2000/svg">',
        f"<title>{escape(title)}</title>",
        *_grid(place),
        f'<text class="name" x="{LEFT}" y="16">{escape(title)}</text>',
        *_line(place, times_ms, values, base),
        *(part for trade in trades for part in _trade(place, trade)),
        "</svg>",
    ]
    return "\n".join(parts)


def _grid(place: Scale) -> list[str]:
    found = []
    for value in ticks(place.low, place.high):
        y = place.y(value)
        found.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        found.append(f'<text class="tick" x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:,.10g}</text>')
    span = place.to_ms - place.from_ms
    pattern = "%Y-%m-%d" if span > 3 * DAY_MS else "%m-%d %H:%M"
    for at in range(TIME_TICKS):
        at_ms = place.from_ms + span * at // (TIME_TICKS - 1)
        label = datetime.fromtimestamp(at_ms // 1000, UTC).strftime(pattern)
        anchor = "start" if at == 0 else "end" if at == TIME_TICKS - 1 else "middle"
        x = place.x(at_ms)
        found.append(f'<text class="tick" x="{x:.1f}" y="{HEIGHT - 6}" text-anchor="{anchor}">{label}</text>')
    return found


def _line(place: Scale, times_ms: Sequence[int], values: Sequence[float], base: float | None) -> list[str]:
    points = [
        f"{place.x(at_ms):.1f},{place.y(value):.1f}"
        for at_ms, value in zip(times_ms, values, strict=True)
        if math.isfinite(value)
    ]
    if not points:
        return []
    if len(points) == 1:
        x, y = points[0].split(",")
        return [f'<circle class="line" cx="{x}" cy="{y}" r="2"/>']
    found = [f'<polyline class="line" points="{" ".join(points)}"/>']
    if base is not None:
        floor, first, last = f"{place.y(base):.1f}", points[0].split(",")[0], points[-1].split(",")[0]
        around = f"{first},{floor} {' '.join(points)} {last},{floor}"
        found.insert(0, f'<polygon class="area" points="{around}"/>')
    return found


def _trade(place: Scale, trade: Mapping[str, Any]) -> list[str]:
    won = "won" if trade["pnl"] > 0 else "lost"
    x, y = place.x(trade["entry_ms"]), place.y(trade["entry_price"])
    to_x, to_y = place.x(trade["exit_ms"]), place.y(trade["exit_price"])
    bought = f"bought {trade['qty']:g} at {trade['entry_price']:.8g}, {when(trade['entry_ms'])}"
    sold = f"sold at {trade['exit_price']:.8g}, {when(trade['exit_ms'])}: {money(trade['pnl'])} ({trade['reason']})"
    return [
        f'<line class="{won}" x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}"/>',
        _arrow("buy", x, y, 7.0, bought),
        _arrow("sell", to_x, to_y, -7.0, sold),
    ]


def _arrow(kind: str, x: float, y: float, tall: float, text: str) -> str:
    points = f"{x:.1f},{y:.1f} {x - 4:.1f},{y + tall:.1f} {x + 4:.1f},{y + tall:.1f}"
    return f'<polygon class="{kind}" points="{points}"><title>{escape(text)}</title></polygon>'
