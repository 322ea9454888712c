"""Jobs side by side: the same results in the same order, tasks made as they are needed, and an end that is told of."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from functools import partial

import pytest

from shared.errors import Invalid
from tools.backtest.crew import AHEAD, Crew
from tools.failure import ToolError

pytestmark = pytest.mark.native


def squared(number: int) -> tuple[int, int]:
    return number * number, os.getpid()


def refused(number: int, worst: int) -> int:
    if number == worst:
        raise Invalid.field("number", number, "must not be the worst", "take another")
    return number


def killed(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.mark.parametrize(("jobs", "how"), [(1, "fork"), (2, "fork"), (3, "fork"), (2, "spawn")])
def test_results_come_in_order_and_each_is_ticked(jobs: int, how: str) -> None:
    ticks: list[None] = []
    found = list(Crew(jobs, lambda: ticks.append(None), how)(squared, range(20)))
    assert [result for result, _ in found] == [at * at for at in range(20)]
    assert len(ticks) == 20
    others = {process for _, process in found} - {os.getpid()}
    assert len(others) <= jobs
    assert bool(others) == (jobs > 1)


def test_tasks_are_made_when_they_are_needed() -> None:
    made: list[int] = []

    def tasks() -> Iterator[int]:
        for at in range(100):
            made.append(at)
            yield at

    results = iter(Crew(2, lambda: None)(squared, tasks()))
    assert next(results)[0] == 0
    assert len(made) <= 2 * AHEAD + 1


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_a_task_raises_is_raised_with_all_that_it_tells(jobs: int) -> None:
    ticks: list[None] = []
    with pytest.raises(Invalid, match="take another") as caught:
        list(Crew(jobs, lambda: ticks.append(None))(partial(refused, worst=4), range(10)))
    assert len(ticks) == 4
    assert caught.value.context["field"] == "number"


def test_a_process_that_is_killed_is_told_of() -> None:
    with pytest.raises(ToolError, match="--jobs 1"):
        list(Crew(2, lambda: None)(killed, range(10)))
