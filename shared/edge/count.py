"""Counts platform operations: what `docs/cost.md` turns into dollars, and what budgets in the tests hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_current: ContextVar[Counter[str] | None] = ContextVar("operations", default=None)

totals: Counter[str] = Counter()
"""Everything that this isolate has counted since it started."""


def count(operation: str, n: int = 1) -> None:
    """Adds to the innermost `counting()` block of this task, if there is one, and to `totals`."""
    totals[operation] += n
    counter = _current.get()
    if counter is not None:
        counter[operation] += n


@contextmanager
def counting() -> Iterator[Counter[str]]:
    """Everything counted inside the block, by name; an enclosing block gets it too."""
    outer = _current.get()
    counter: Counter[str] = Counter()
    token = _current.set(counter)
    try:
        yield counter
    finally:
        _current.reset(token)
        if outer is not None:
            outer.update(counter)
