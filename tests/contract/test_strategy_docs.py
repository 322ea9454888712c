"""docs/strategies.md: its sections are made from the strategies, and its worked example is one that runs."""

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from brain.describe import describe
from brain.registry import AnyStrategy, discover
from brain.scan import scan
from brain.steps import STEPS
from shared.model import Action
from tests.unit.brain.strategies.scenes import follow
from tests.unit.brain.support import DAY_MS, body, columns, walk
from tools.failure import ToolError
from tools.strategy_docs import MARK, PAGE, page

REST = [100.0, 99.5, 100.5, 99.0] * 4


def test_the_sections_are_what_the_strategies_say() -> None:
    assert page(PAGE.read_text()) == PAGE.read_text(), "run python -m tools.strategy_docs"


def test_what_is_written_by_hand_stays_and_what_is_made_is_made_anew() -> None:
    text = page(f"By hand.\n{MARK}\nold\n")
    assert text.startswith(f"By hand.\n{MARK}\n[`bollinger_reversion`](#bollinger_reversion), ")
    assert "\nold\n" not in text
    assert "| `first` | AAA | a symbol | one of the two symbols |" in text
    with pytest.raises(ToolError, match="has no line"):
        page("By hand.\n")


def test_every_strategy_and_parameter_has_its_place() -> None:
    text = PAGE.read_text()
    for one in describe({})["strategies"]:
        assert f"\n## {one['name']}\n" in text
        assert all(f"| `{name}` | {param['default']} |" in text for name, param in one["params"].items())


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> type[AnyStrategy]:
    """The page's code block, in a package of its own."""
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    [code] = [block for block in blocks if "class " in block]
    (tmp_path / "rising_run.py").write_text(code)
    package = ModuleType("written_in_ten_minutes")
    package.__path__ = [str(tmp_path)]
    monkeypatch.setitem(sys.modules, package.__name__, package)
    monkeypatch.delitem(sys.modules, f"{package.__name__}.rising_run", raising=False)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    return discover(package).strategies["rising_run"]


def test_the_worked_example_enters_on_its_pattern_and_exits(example: type[AnyStrategy]) -> None:
    strategy = example(example.params_model.of(atr_period=3), DAY_MS)
    (at, entry), (end, exit_) = follow(strategy, [*REST, 100.0, 101.0, 102.0, 103.0, 101.0, 100.0])
    assert (at, entry.action, entry.reason) == (18, Action.ENTER, "run_is_long_enough")
    assert entry.stop_distance == 2.0 * entry.evidence["atr"]
    assert (end, exit_.action, exit_.reason) == (20, Action.EXIT, "run_is_over")


def test_the_worked_example_leaves_a_fall_and_a_broken_run_alone(example: type[AnyStrategy]) -> None:
    strategy = example(example.params_model.of(atr_period=3), DAY_MS)
    assert follow(strategy, [*REST, 98.0, 97.0, 96.0, 97.0, 98.0, 97.0]) == []


def test_the_worked_example_runs_in_a_scan_and_is_counted(example: type[AnyStrategy]) -> None:
    wanted = [{"name": "rising_run", "params": {"run": 2}}]
    answer = scan(body({"A": columns(walk(1, 300))}, strategies=wanted), {"rising_run": example})
    assert answer["refused"] == []
    assert {signal["action"] for signal in answer["signals"]} == {"enter", "exit"}
    assert sys.modules[example.__module__].__dict__["__steps__"] is STEPS


def test_the_worked_example_is_described_as_any_other(example: type[AnyStrategy]) -> None:
    [told] = describe({}, {"rising_run": example})["strategies"]
    assert list(told["params"]) == ["atr_period", "stop_atr", "target_atr", "run"]
    for part in ("The idea: ", "It fails ", "Score: ", "Source: "):
        assert f"\n\n{part}" in told["doc"]
