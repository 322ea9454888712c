"""How many backtests are run: one after the other, or however a caller has it done."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Each(Protocol):
    """`map`, or what works like it."""

    def __call__(self, job: Callable[[T], R], tasks: Iterable[T], /) -> Iterable[R]:
        """The result of each task, in their order."""
