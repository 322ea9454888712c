"""Tries again what may be tried again: exponential backoff with jitter, and a venue's own Retry-After honoured."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeVar

from shared.errors import Retryable
from shared.ports import Waits

T = TypeVar("T")


class Backoff(NamedTuple):
    """`attempts` in all; the wait before try n is between half and the whole of `base_s * 2**(n-1)`, at most `cap_s`.

    A Retry-After above `patience_s` is not waited for: the next run comes sooner than that.
    """

    attempts: int = 3
    base_s: float = 0.25
    cap_s: float = 4.0
    patience_s: float = 10.0

    def wait_s(self, failures: int, jitter: float, retry_after_s: float | None = None) -> float:
        """Seconds to wait after `failures` (from 1) failed tries; `jitter` in [0, 1)."""
        # 2.0**64 s is beyond any cap, and still a float.
        whole = min(self.cap_s, self.base_s * 2.0 ** min(failures - 1, 64))
        return max(whole * (0.5 + jitter / 2), retry_after_s or 0.0)


async def retrying(
    call: Callable[[], Awaitable[T]],
    backoff: Backoff,
    waits: Waits,
    jitter: Callable[[], float],
    on_retry: Callable[[], None] = lambda: None,
) -> T:
    """The result of `call`; raises its last `Retryable` when the tries are used up, and anything else at once."""
    failures = 0
    while True:
        try:
            return await call()
        except Retryable as error:
            failures += 1
            asked_s: float | None = getattr(error, "retry_after_s", None)
            if failures >= backoff.attempts or (asked_s or 0.0) > backoff.patience_s:
                raise
            wait_s = backoff.wait_s(failures, jitter(), asked_s)
            on_retry()
            await waits.sleep(wait_s)
