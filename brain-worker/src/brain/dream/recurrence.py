"""Recurrence quantification: how often the series comes back to where it was, and whether it then goes on alike."""

from __future__ import annotations

from typing import NamedTuple

from brain.dream.kernel import Kernel, Series
from brain.dream.measure import Measure, found, is_flat, missing


class Recurrence(NamedTuple):
    """Both 0 to 1."""

    rate: Measure
    determinism: Measure


def recurrence(series: Series, kernel: Kernel, dim: int, lag: int, radius: float, line: int) -> Recurrence:
    """The share of pairs of vectors that lie within the radius (Chebyshev, in the units of the series), and the share
    of these that stand on diagonals of at least `line` of them.

    Eckmann, Kamphorst, Ruelle 1987; Webber, Zbilut 1994; Marwan et al. 2007. The main diagonal is left out.
    """
    if len(series) - (dim - 1) * lag < 2:
        return Recurrence(missing("too_short"), missing("too_short"))
    if is_flat(series):
        return Recurrence(missing("constant"), missing("constant"))
    pairs, recurrent, on_lines = kernel.recurrences(series, dim, lag, radius, line)
    determinism = found(on_lines / recurrent) if recurrent else missing("no_neighbours")
    return Recurrence(found(recurrent / pairs), determinism)
