"""Backtests side by side, a process for each core; the results are those of one process, in the same order."""

from __future__ import annotations

import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from os import cpu_count
from typing import Any, Final, TypeVar

from tools.failure import ToolError

T = TypeVar("T")
R = TypeVar("R")
HOW: Final = "fork" if sys.platform == "linux" else "spawn"
"""A forked process has the bars already; elsewhere forking is not safe, and each gets its own copy of the job."""
AHEAD: Final = 2
"""Tasks that wait for each process: tasks may be large, so they are made when they are needed."""

_job: Callable[[Any], Any]


def cores() -> int:
    """As many processes as are worth starting here."""
    return cpu_count() or 1


class Crew:
    """`jobs` processes, which are told the job once, whatever the number of its tasks; one needs no other process at all.

    Called like `map`; `tick` is called after each result. What a task raises is raised here; ToolError where a process was
    killed.
    """

    def __init__(self, jobs: int, tick: Callable[[], object], how: str = HOW) -> None:
        self._jobs = jobs
        self._tick = tick
        self._how = how

    def __call__(self, job: Callable[[T], R], tasks: Iterable[T]) -> Iterator[R]:
        for result in map(job, tasks) if self._jobs == 1 else self._side_by_side(job, tasks):
            self._tick()
            yield result

    def _side_by_side(self, job: Callable[[T], R], tasks: Iterable[T]) -> Iterator[R]:
        pool = ProcessPoolExecutor(self._jobs, get_context(self._how), initializer=_begin, initargs=(job,))
        waiting: deque[Future[R]] = deque()
        try:
            for task in tasks:
                waiting.append(pool.submit(_do, task))
                if len(waiting) > AHEAD * self._jobs:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool:
            raise ToolError(
                "a process that ran backtests was killed, perhaps for want of memory; try --jobs 1"
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)


def _begin(job: Callable[[Any], Any]) -> None:
    global _job
    # Ctrl-C is for the process that started this one
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _job = job


def _do(task: Any) -> Any:
    return _job(task)
