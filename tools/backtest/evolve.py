"""Differential evolution over a strategy's parameters: scipy steers, every try is a backtest.

Source: R. Storn and K. Price, Differential Evolution, Journal of Global Optimization 11 (1997).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from scipy.optimize import differential_evolution

from brain.backtest.search import Params, Range, Space, Trial

GENERATIONS = 8
WORST = 1e12
"""What is worth nothing: parameters that the strategy refuses, or a run without a value."""


class _EnoughError(Exception):
    """As many tries as were asked for."""


def evolve(space: Space, attempts: Callable[[list[Params]], Sequence[Trial | None]], count: int, seed: int) -> None:
    """At most `count` different tries, told to `attempts` a generation at a time; the same seed tries the same."""
    names, known = list(space), dict[tuple[Any, ...], float]()
    choices = [each.values() if each.step or each.is_whole else None for each in space.values()]
    bounds = [_bounds(each, values) for each, values in zip(space.values(), choices, strict=True)]

    def costs(_cost: object, population: Iterable[Any]) -> list[float]:
        chosen = [
            tuple(
                float(at) if values is None else values[round(at)] for at, values in zip(places, choices, strict=True)
            )
            for places in population
        ]
        fresh = [each for each in dict.fromkeys(chosen) if each not in known]
        tried = fresh[: count - len(known)]
        trials = attempts([dict(zip(names, each, strict=True)) for each in tried])
        for each, trial in zip(tried, trials, strict=True):
            known[each] = WORST if trial is None or trial.value is None else -trial.value
        if len(tried) < len(fresh):
            raise _EnoughError
        return [known[each] for each in chosen]

    try:
        differential_evolution(
            _nowhere,
            bounds,
            integrality=[values is not None for values in choices],
            popsize=max(1, count // (GENERATIONS * len(names))),
            maxiter=10 * GENERATIONS,
            polish=False,
            rng=np.random.default_rng(seed),
            updating="deferred",
            workers=costs,
        )
    except _EnoughError:
        return


def _nowhere(_places: Any) -> float:
    """Never called: a whole generation is judged at once."""
    raise NotImplementedError


def _bounds(each: Range, values: list[Any] | None) -> tuple[float, float]:
    return (each.low, each.high) if values is None else (0.0, len(values) - 1.0)
