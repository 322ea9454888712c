"""An indicator over whole columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite

from brain.indicators.indicator import Indicator


def batch(indicator: Indicator, columns: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    """Update `indicator` with every row of `columns`, oldest first: each of its lines, as long as the columns.

    The columns are named as the indicator's inputs; others are left alone. ValueError for one that is missing, of
    another length or not finite. The numbers are those of the updates, for these are the updates.
    """
    missing = [name for name in indicator.inputs if name not in columns]
    if missing:
        raise ValueError(f"{type(indicator).__name__} needs the columns {', '.join(indicator.inputs)}: no {missing[0]}")
    taken = [columns[name] for name in indicator.inputs]
    if len({len(column) for column in taken}) != 1:
        sizes = ", ".join(f"{name} {len(columns[name])}" for name in indicator.inputs)
        raise ValueError(f"columns differ in length: {sizes}")
    for name, column in zip(indicator.inputs, taken, strict=True):
        if not all(map(isfinite, column)):
            place = next(at for at, value in enumerate(column) if not isfinite(value))
            raise ValueError(f"{name}[{place}] must be finite")
    first, *others = indicator.lines
    update = indicator.update
    if not others:
        return {first: [update(*row) for row in zip(*taken, strict=True)]}
    made: dict[str, list[float]] = {line: [] for line in indicator.lines}
    for row in zip(*taken, strict=True):
        update(*row)
        for line, values in made.items():
            values.append(getattr(indicator, line))
    return made
