"""Steps are counted in the code of strategies, in every runtime alike."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from brain import follower, steps
from brain.steps import BUDGET, STEPS, OverBudget
from brain.strategies import sma_cross

CODE = '''"""Words."""
from contextlib import suppress

def turns(n):
    """Counts."""
    found = 0
    for _ in range(n):
        found += 1
    return found

def never():
    while True:
        try:
            turns(1)
        except Exception:
            pass

def deep(n):
    return 0 if n == 0 else deep(n - 1)

def sums(n):
    return sum([each for each in range(n)]) + sum(each for each in range(n) if each > n)

def names(n):
    return {each: {other for other in range(2)} for each in range(n)}

calls = lambda n: 0 if n == 0 else calls(n - 1)
of_all = [each for each in range(4)]

async def waits(n):
    for _ in range(n):
        pass
    return n

def of_lists():
    return [each for each in iter(int, 1)]

def of_sets():
    return {each for each in iter(int, 1)}

def of_dicts():
    return {each: each for each in iter(int, 1)}

def of_generators():
    return sum(each for each in iter(int, 1))

def of_filtered():
    return any(each for each in iter(int, 1) if each)

def of_lambdas():
    doubles = lambda n: doubles(n - 1) + doubles(n - 1) if n else 1
    return doubles(64)

def of_bare_excepts():
    while True:
        try:
            turns(1)
        except:
            pass

def of_base_excepts():
    for _ in iter(int, 1):
        try:
            while True:
                pass
        except BaseException:
            continue

def of_suppressions():
    while True:
        with suppress(BaseException):
            turns(1)

def of_depths():
    try:
        of_depths()
    except BaseException:
        pass
    of_depths()

def swallows():
    try:
        of_lists()
    except BaseException:
        return 1

def broken():
    """Fails on its line."""
    return 1 / 0
'''


def loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> Any:
    (tmp_path / "code.py").write_text(CODE)
    package = ModuleType(name)
    package.__path__ = [str(tmp_path)]
    monkeypatch.setitem(sys.modules, name, package)
    steps.count(name)
    module = __import__(f"{name}.code", fromlist=["code"])
    monkeypatch.delitem(sys.modules, f"{name}.code")
    return module


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    found = loaded(tmp_path, monkeypatch, "counted_code")
    STEPS.left = BUDGET
    return found


def test_a_function_and_each_turn_of_a_loop_count_one(code: Any) -> None:
    assert code.turns(10) == 10
    assert BUDGET - STEPS.left == 11
    assert code.deep(5) == 0
    assert BUDGET - STEPS.left == 11 + 6


def test_what_never_ends_is_stopped_even_if_it_swallows_every_exception(code: Any) -> None:
    with pytest.raises(OverBudget, match=f"more than {BUDGET} steps"):
        code.never()


@pytest.mark.parametrize("kind", re.findall(r"def (of_\w+)", CODE))
def test_what_never_ends_is_stopped_however_it_is_written(code: Any, kind: str) -> None:
    with pytest.raises(OverBudget, match=f"more than {BUDGET} steps"):
        getattr(code, kind)()


def test_once_it_is_over_every_step_says_so_until_whoever_runs_it_sets_it_anew(code: Any) -> None:
    assert code.swallows() == 1
    for _ in range(3):
        with pytest.raises(OverBudget):
            code.turns(0)
    STEPS.left = BUDGET
    assert code.turns(1) == 1


def test_each_turn_of_a_comprehension_and_each_call_of_a_lambda_count_one(code: Any) -> None:
    assert code.sums(10) == 45
    assert BUDGET - STEPS.left == 1 + 10 + 10
    STEPS.left = BUDGET
    assert code.names(3) == {each: {0, 1} for each in range(3)}
    assert BUDGET - STEPS.left == 1 + 3 + 3 * 2
    STEPS.left = BUDGET
    assert code.calls(5) == 0
    assert BUDGET - STEPS.left == 6


def test_what_waits_is_counted_too(code: Any) -> None:
    with pytest.raises(StopIteration) as ended:
        code.waits(3).send(None)
    assert (ended.value.value, BUDGET - STEPS.left) == (3, 4)


def test_a_file_is_loaded_with_a_budget_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    STEPS.left = 0
    assert loaded(tmp_path, monkeypatch, "counted_late").of_all == [0, 1, 2, 3]


def test_the_budget_is_exact(code: Any) -> None:
    assert code.turns(BUDGET - 1) == BUDGET - 1
    STEPS.left = BUDGET
    with pytest.raises(OverBudget):
        code.turns(BUDGET)


def test_docstrings_and_lines_stay_as_they_were(code: Any) -> None:
    assert code.__doc__ == "Words."
    assert code.turns.__doc__ == "Counts."
    with pytest.raises(ZeroDivisionError) as caught:
        code.broken()
    assert caught.traceback[-1].lineno == CODE.splitlines().index("    return 1 / 0")


def test_our_own_strategies_are_counted_and_other_code_is_not() -> None:
    assert sma_cross.__dict__["__steps__"] is STEPS
    assert "__steps__" not in vars(follower)


def test_a_package_is_counted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = len(sys.meta_path)
    loaded(tmp_path, monkeypatch, "counted_twice")
    loaded(tmp_path, monkeypatch, "counted_twice")
    assert len(sys.meta_path) == before + 1
    sys.meta_path.pop(0)
