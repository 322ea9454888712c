"""Differential evolution over a strategy's parameters: scipy steers, every try is a backtest.

Source: R. Storn and K. Price, Differential Evolution, Journal of Global Optimization 11 (1997).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import differential_evolution

from brain.backtest.search import Params, Range, Space, Trial

GENERATIONS = 8
WORST = 1e12
"""What is worth nothing: parameters that the strategy refuses, or a run without a value."""


class _EnoughError(Exception):
    """As many tries as were asked for."""


def evolve(space: Space, attempt: Callable[[Params], Trial | None], count: int, seed: int) -> None:
    """At most `count` different tries, told to `attempt`; the same seed tries the same."""
    names, known = list(space), dict[tuple[Any, ...], float]()
    choices = [each.values() if each.step or each.is_whole else None for each in space.values()]
    bounds = [_bounds(each, values) for each, values in zip(space.values(), choices, strict=True)]

    def cost(places: Any) -> float:
        pairs = zip(places, choices, strict=True)
        chosen = tuple(float(at) if values is None else values[round(at)] for at, values in pairs)
        if chosen not in known:
            if len(known) >= count:
                raise _EnoughError
            trial = attempt(dict(zip(names, chosen, strict=True)))
            known[chosen] = WORST if trial is None or trial.value is None else -trial.value
        return known[chosen]

    try:
        differential_evolution(
            cost,
            bounds,
            integrality=[values is not None for values in choices],
            popsize=max(1, count // (GENERATIONS * len(names))),
            maxiter=10 * GENERATIONS,
            polish=False,
            rng=np.random.default_rng(seed),
        )
    except _EnoughError:
        return


def _bounds(each: Range, values: list[Any] | None) -> tuple[float, float]:
    return (each.low, each.high) if values is None else (0.0, len(values) - 1.0)
