"""The chaos panel of 512 prices inside the brain, against an empty call and the same panel in pure Python."""

from __future__ import annotations

import json
import random
from statistics import median

from bench.places import Probe, desk_on, opened
from bench.report import Row, at_most
from tools.dream.native import plain_ms
from tools.dream.series import prices, white
from tools.replay import builtin_markets

POINTS = 512
PANELS = 100
GOAL_MS = 50.0


def measure(quick: bool) -> list[Row]:
    """A hundred panels a call, less as many calls that answer nothing; the first panel counts by itself."""
    series = prices(white(random.Random(1), POINTS - 1))
    body = json.dumps({"prices": series, "params": {}})
    panels, rounds = (20, 2) if quick else (PANELS, 5)
    with desk_on(builtin_markets()) as (_, probe):
        empty(probe, 1)  # the isolate starts here: that is no panel's
        first = timed(probe, body, 1)
        timed(probe, body, panels)
        found = median([timed(probe, body, panels) - empty(probe, panels) for _ in range(rounds)])
    plain = plain_ms(series)
    return [
        at_most(f"dream: panel of {POINTS} prices in workerd", found, GOAL_MS, "ms", 1),
        at_most("dream: the first panel of an isolate, once it runs", first, GOAL_MS, "ms", 1),
        Row(f"dream: panel of {POINTS} prices, pure Python natively", f"{plain:.0f} ms", ratio=f"{plain / found:.1f}"),
    ]


def timed(probe: Probe, body: str, panels: int) -> float:
    """Milliseconds a panel, its text in and out included."""
    took_ms, answers = probe.call("BRAIN", "dream", [[body]] * panels)
    opened(answers[0])
    return took_ms / panels


def empty(probe: Probe, calls: int) -> float:
    """Milliseconds of a call that is refused before anything is measured."""
    return probe.call("BRAIN", "dream", [["{}"]] * calls)[0] / calls
