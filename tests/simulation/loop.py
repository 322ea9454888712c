"""An event loop without real time: the next callback is always the earliest in simulated time, and nothing else decides."""

from __future__ import annotations

import asyncio
import contextvars
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any


class SimLoop(asyncio.AbstractEventLoop):
    """Enough of asyncio for tasks, futures, `sleep`, `gather` and locks. `now_ms` moves only from callback to callback."""

    def __init__(self) -> None:
        self.now_ms = 0
        self.callbacks = 0
        self.errors: list[str] = []
        self._ready: deque[asyncio.Handle] = deque()
        self._later: list[tuple[int, int, asyncio.Handle]] = []
        self._count = 0

    def time(self) -> float:
        return self.now_ms / 1000

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., Any], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., Any], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._put(round(when * 1000), handle)
        return handle

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., Any], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def after(self, ms: int, callback: Callable[..., Any], *args: Any) -> None:
        """Calls back in `ms` of simulated time."""
        self._put(self.now_ms + ms, asyncio.Handle(callback, args, self))

    def _put(self, at_ms: int, handle: asyncio.Handle) -> None:
        self._count += 1
        heapq.heappush(self._later, (at_ms, self._count, handle))

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: str | None = None, context: Any = None) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self, name=name)
        # a crash leaves tasks behind on purpose
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        return task

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.errors.append(f"{context.get('message')}: {context.get('exception')!r}")

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """A cancelled one is passed over when its time comes."""

    def run_until(self, until_ms: int, watch: Callable[[], bool] = lambda: False) -> None:
        """Runs all that is due up to `until_ms`, and stands there; stops early once `watch`, asked after each, says so."""
        asyncio._set_running_loop(self)
        try:
            while True:
                if self._ready:
                    handle = self._ready.popleft()
                elif self._later and self._later[0][0] <= until_ms:
                    at_ms, _, handle = heapq.heappop(self._later)
                    self.now_ms = max(self.now_ms, at_ms)
                else:
                    break
                if not handle.cancelled():
                    self.callbacks += 1
                    handle._run()
                    if watch():
                        return
            self.now_ms = max(self.now_ms, until_ms)
        finally:
            asyncio._set_running_loop(None)


def close(coro: Coroutine[Any, Any, Any], died: type[BaseException]) -> None:
    """Ends a coroutine that will never go on; what it tries on its way out meets `died`."""
    try:
        coro.close()
    except (died, RuntimeError):
        # RuntimeError: it awaited something on its way out
        return
