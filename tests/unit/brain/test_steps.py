"""Steps are counted in the code of strategies, in every runtime alike."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from brain import follower, steps
from brain.steps import BUDGET, STEPS, OverBudget
from brain.strategies import sma_cross

CODE = '''"""Words."""

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
    STEPS.left = BUDGET
    return loaded(tmp_path, monkeypatch, "counted_code")


def test_a_function_and_each_turn_of_a_loop_count_one(code: Any) -> None:
    assert code.turns(10) == 10
    assert BUDGET - STEPS.left == 11
    assert code.deep(5) == 0
    assert BUDGET - STEPS.left == 11 + 6


def test_what_never_ends_is_stopped_even_if_it_swallows_every_exception(code: Any) -> None:
    with pytest.raises(OverBudget, match=f"more than {BUDGET} steps"):
        code.never()
    assert STEPS.left == BUDGET


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
