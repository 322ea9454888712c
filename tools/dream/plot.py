"""docs/dream.svg: what the panel says, price after price, of a market whose nature changes; nothing in it moves."""

from __future__ import annotations

import random
from collections.abc import Sequence
from html import escape
from itertools import accumulate
from pathlib import Path
from typing import Final, NamedTuple

from brain.dream.kernel import Kernel
from brain.dream.panel import panel
from tools.dream.series import KINDS, prices
from tools.paths import ROOT

PATH: Final[Path] = ROOT / "docs" / "dream.svg"
STRETCHES: Final = ("white noise", "returns of AR(1), 0.9", "fractional noise, H 0.3", "logistic map")
LENGTH, LOOK, STEP = 512, 256, 16
"""Prices of a stretch, of what the panel is shown, and between two looks."""
WIDTH, LEFT, RIGHT, TOP, HIGH, GAP = 960, 16, 16, 44, 150, 22
REGIMES: Final = {"trending": "#2463a8", "mean_reverting": "#17834b", "noisy": "#c9d0d6", "chaotic": "#c0392b"}
"""From the bottom to the top, with their colours."""


class Look(NamedTuple):
    """What the panel said after `at` prices."""

    at: int
    shares: tuple[float, ...]


def market(seed: int) -> list[float]:
    """The stretches one after the other, from 100."""
    chance = random.Random(seed)  # noqa: S311 - made-up series
    return prices([step for name in STRETCHES for step in KINDS[name](chance, LENGTH)])


def looks(series: Sequence[float], kernel: Kernel) -> list[Look]:
    """The shares of the regimes, each of the last `LOOK` prices."""
    found = []
    for at in range(LOOK, len(series) + 1, STEP):
        shares = panel(series[at - LOOK : at], kernel).verdict.shares
        found.append(Look(at, tuple(shares[name] for name in REGIMES)))
    return found


def drawn(series: Sequence[float], said: Sequence[Look]) -> str:
    """The price above, the shares of the regimes below, both over the same prices."""
    count, floor = len(series), TOP + 2 * HIGH + GAP
    low, high = min(series), max(series)

    def x(at: float) -> float:
        return LEFT + at / count * (WIDTH - LEFT - RIGHT)

    line = [(x(at), TOP + (high - price) / (high - low) * HIGH) for at, price in enumerate(series)]
    parts = [f'<polyline points="{_points(line)}" fill="none" stroke="#1c2733" stroke-width="1"/>']
    heights = [[0.0, *accumulate(look.shares)] for look in said]
    for place, colour in enumerate(REGIMES.values()):
        upper = [(x(look.at), floor - each[place + 1] * HIGH) for look, each in zip(said, heights, strict=True)]
        lower = [(x(look.at), floor - each[place] * HIGH) for look, each in zip(said, heights, strict=True)]
        parts.append(f'<polygon points="{_points([*upper, *lower[::-1]])}" fill="{colour}"/>')
    for place, name in enumerate(STRETCHES):
        at = x(1 + place * LENGTH)
        parts.append(
            f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{TOP - 14}" y2="{floor}" stroke="#66727f" stroke-dasharray="3 3"/>'
        )
        parts.append(_text(at + 4, TOP - 4, name))
    parts.append(_text(LEFT, TOP + HIGH + GAP - 6, f"what the panel says of the last {LOOK} prices:"))
    for place, (name, colour) in enumerate(REGIMES.items()):
        at = LEFT + 270 + 130 * place
        parts.append(f'<rect x="{at}" y="{TOP + HIGH + GAP - 15}" width="10" height="10" fill="{colour}"/>')
        parts.append(_text(at + 15, TOP + HIGH + GAP - 6, name.replace("_", " ")))
    return _svg(parts, floor + 12)


def _points(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _text(x: float, y: float, said: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="12" fill="#1c2733">{escape(said)}</text>'


def _svg(parts: Sequence[str], height: float) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="system-ui, sans-serif">'
    )
    return "\n".join([head, f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>', *parts, "</svg>\n"])
