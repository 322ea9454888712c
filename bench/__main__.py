"""Measures speed, size and cost, and shows one table: ours, the yardstick's, the ratio of the two, and the goal."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from bench import backtest, brain, commands, core, cost, dream, front, market, size, start
from bench.report import Row, Verdict, show
from tools.failure import run_main, say

Measure = Callable[[bool], list[Row]]
MEASURES: dict[str, Measure] = {
    "http": front.measure,
    "brain": brain.measure,
    "dream": dream.measure,
    "backtest": backtest.measure,
    "market": market.measure,
    "core": core.measure,
    "desk": commands.measure,
    "start": start.measure,
    "heap": market.heaps,
    "size": size.measure,
    "cost": cost.measure,
}


def main() -> int:
    """0, or with `--strict` 2 when a goal was missed."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=list(MEASURES), metavar="NAME", help=", ".join(MEASURES))
    parser.add_argument("--quick", action="store_true", help="fewer repetitions: numbers are rougher")
    parser.add_argument("--strict", action="store_true", help="exit with 2 when a goal was missed")
    options = parser.parse_args()
    rows: list[Row] = []
    for name in options.only or MEASURES:
        say(f"bench: {name}")
        rows += MEASURES[name](options.quick)
    show(rows)
    missed = [row.what for row in rows if row.verdict is Verdict.MISSED]
    say(f"{len(rows)} measured, {len(missed)} missed" + (f": {', '.join(missed)}" if missed else ""))
    return 2 if missed and options.strict else 0


if __name__ == "__main__":
    run_main(main)
