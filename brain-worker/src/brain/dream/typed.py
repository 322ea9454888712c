"""The kernel in JavaScript as a `Kernel`: series go in as typed arrays, and what comes back is a list again."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from typing import Any

from brain.dream.kernel import Recurrences, Series


class Typed:
    """`module` is the imported `kernel.mjs`; `to_js` copies a buffer of doubles into a Float64Array."""

    def __init__(self, module: Any, to_js: Callable[[Any], Any]) -> None:
        self._module = module
        self._to_js = to_js

    def _floats(self, values: Sequence[float]) -> Any:
        return self._to_js(memoryview(array("d", values)))

    def divergence(self, series: Series, dim: int, lag: int, apart: int, steps: int) -> list[float]:
        found = self._module.divergence(self._floats(series), dim, lag, apart, steps)
        return _list(found)

    def correlation_counts(self, series: Series, dim: int, lag: int, radii: Series) -> list[int]:
        found = self._module.correlationCounts(self._floats(series), dim, lag, self._floats(radii))
        return [int(count) for count in _list(found)]

    def template_matches(self, series: Series, dim: int, lag: int, tolerance: float) -> tuple[int, int]:
        short, long = _list(self._module.templateMatches(self._floats(series), dim, lag, tolerance))
        return int(short), int(long)

    def recurrences(self, series: Series, dim: int, lag: int, radius: float, line: int) -> Recurrences:
        found = _list(self._module.recurrences(self._floats(series), dim, lag, radius, line))
        return Recurrences(*map(int, found))

    def rescaled_ranges(self, series: Series, sizes: Sequence[int]) -> list[float]:
        return _list(self._module.rescaledRanges(self._floats(series), self._floats(sizes)))

    def fluctuations(self, series: Series, sizes: Sequence[int]) -> list[float]:
        return _list(self._module.fluctuations(self._floats(series), self._floats(sizes)))


def _list(found: Any) -> list[float]:
    """A Float64Array as floats; copied by its buffer, since item by item each would be a call into JavaScript."""
    return list(array("d", found.to_bytes()))
