"""Calibrate the DreamEngine: the bands of white noise that its verdict is held against, how often that is right; and draw it."""

from __future__ import annotations

import argparse
import math
import random
from collections import Counter
from pathlib import Path
from typing import Final

from brain.dream.kernel import Kernel
from brain.dream.panel import measured, panel
from brain.dream.params import DEFAULT
from brain.dream.returns import normal_scores
from tools.dream import plot
from tools.dream.node_kernel import node_kernel
from tools.dream.series import KINDS, prices
from tools.failure import run_main, say
from tools.paths import source_folder

POINTS: Final = (128, 256, 512, 1024)
PATH: Final = source_folder("brain") / "brain" / "dream" / "bands.py"
HEAD: Final = '''"""What white noise gives: points -> measure -> (1st percentile, mean, 99th percentile).

Made by `python -m tools.dream bands` from {draws} shuffles for each length; do not edit.
"""

from typing import Final

BANDS: Final[dict[int, dict[str, tuple[float, float, float]]]] = {{
'''


def bands(kernel: Kernel, points: int, draws: int, chance: random.Random) -> dict[str, tuple[float, float, float]]:
    """Of shuffled normal scores, which are what independent returns of any kind come to."""
    scores = normal_scores(range(points - 1))
    found: dict[str, list[float]] = {}
    for _ in range(draws):
        chance.shuffle(scores)
        for name, measure in measured(scores, kernel, DEFAULT).items():
            found.setdefault(name, []).append(math.nan if measure.value is None else measure.value)
    return {name: _band(values) for name, values in found.items()}


def _band(values: list[float]) -> tuple[float, float, float]:
    ordered, count = sorted(values), len(values)
    return ordered[count // 100], sum(values) / count, ordered[count - 1 - count // 100]


def write_bands(draws: int, seed: int) -> None:
    """Renew the constants."""
    text = HEAD.format(draws=draws)
    with node_kernel() as kernel:
        for points in POINTS:
            say(f"dream: {draws} shuffles of {points} points")
            text += f"    {points}: {{\n"
            chance = random.Random(seed + points)  # noqa: S311 - shuffles, not secrets
            for name, band in bands(kernel, points, draws, chance).items():
                text += f'        "{name}": ({", ".join(f"{value:.4f}" for value in band)}),\n'
            text += "    },\n"
    PATH.write_text(text + "}\n")
    say(f"dream: wrote {Path(PATH).name}")


def show_verdicts(draws: int, seed: int, points: int) -> None:
    """A table in Markdown: of each kind, how often each regime was said, and the mean confidence."""
    regimes = ("trending", "mean_reverting", "noisy", "chaotic")
    say(f"| {points} prices | {' | '.join(regimes)} | confidence |\n|---|{'---|' * (len(regimes) + 1)}")
    with node_kernel() as kernel:
        for name, make in KINDS.items():
            chance, said, sure = random.Random(seed), Counter[str | None](), 0.0  # noqa: S311 - made-up series
            for _ in range(draws):
                found = panel(prices(make(chance, points - 1)), kernel).verdict
                said[found.regime] += 1
                sure += found.confidence / draws
            say(f"| {name} | {' | '.join(f'{said[each] / draws:.0%}' for each in regimes)} | {sure:.2f} |")


def write_plot(seed: int) -> None:
    """Draw docs/dream.svg anew."""
    series = plot.market(seed)
    with node_kernel() as kernel:
        plot.PATH.write_text(plot.drawn(series, plot.looks(series, kernel)))
    say(f"dream: wrote docs/{plot.PATH.name}")


def main() -> int:
    """Write the bands or the plot, or show how often the verdict is right."""
    parser = argparse.ArgumentParser(prog="python -m tools.dream", description=__doc__)
    parser.add_argument("what", choices=("bands", "verdicts", "plot"), help="bands.py, the table, or docs/dream.svg")
    parser.add_argument("--draws", type=int, default=2000, help="series of each kind (default: 2000)")
    parser.add_argument("--points", type=int, default=512, help="prices of a series, for verdicts (default: 512)")
    parser.add_argument("--seed", type=int, default=1, help="of all that is drawn (default: 1)")
    asked = parser.parse_args()
    if asked.what == "bands":
        write_bands(asked.draws, asked.seed)
    elif asked.what == "plot":
        write_plot(asked.seed)
    else:
        show_verdicts(asked.draws, asked.seed, asked.points)
    return 0


if __name__ == "__main__":
    run_main(main)
