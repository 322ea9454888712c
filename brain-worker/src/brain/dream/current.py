"""The kernel of this process, for callers that are handed none: the plain one, until an edge knows a quicker one."""

from __future__ import annotations

from collections.abc import Callable

from brain.dream.kernel import Kernel
from brain.dream.plain import Plain

_kept: list[Callable[[], Kernel]] = [Plain]


def use(make: Callable[[], Kernel]) -> None:
    """From now on `make` gives the kernel; it is called when one is needed, and keeps what is dear to make."""
    _kept[0] = make


def current() -> Kernel:
    """The kernel to use; all of them give the same numbers."""
    return _kept[0]()
