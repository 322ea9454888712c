"""The registry: one file, one class; and what describe says of them."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from brain import strategies
from brain.describe import describe
from brain.registry import STRATEGIES, discover
from shared.errors import Invalid

GOOD = '''
from typing import Any
from brain.strategy import Strategy
from brain.strategies.sma_cross import SmaCross, SmaCrossParams

class One(Strategy[SmaCrossParams]):
    """Its idea."""
    name = "one"
    version = 1
    params_model = SmaCrossParams
    def setup(self): pass
    def on_candle(self, view): return None
'''

PARAMS = """
from pydantic import Field
from shared.model import Model

class OneParams(Model):
    x: int = Field(default=1, ge=1, le=9, description="bars")
""" + GOOD.replace("SmaCrossParams", "OneParams").replace("import SmaCross, OneParams", "import SmaCross")


def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **modules: str) -> ModuleType:
    for name, text in modules.items():
        (tmp_path / f"{name}.py").write_text(text)
    made = ModuleType("made_up")
    made.__path__ = [str(tmp_path)]
    monkeypatch.setitem(sys.modules, "made_up", made)
    for name in modules:
        monkeypatch.delitem(sys.modules, f"made_up.{name}", raising=False)
    return made


def test_finds_every_file_of_the_package_in_the_order_of_their_names() -> None:
    assert list(STRATEGIES) == sorted(STRATEGIES)
    assert {"rsi_reversion", "sma_cross", "pairs"} < STRATEGIES.keys()
    assert len(STRATEGIES) >= 12
    assert discover(strategies) == STRATEGIES
    files = {path.stem for path in Path(strategies.__path__[0]).glob("*.py")} - {"__init__"}
    assert {strategy.__module__.rpartition(".")[2] for strategy in STRATEGIES.values()} == files


def test_a_new_file_is_all_that_a_new_strategy_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = discover(package(tmp_path, monkeypatch, b=GOOD.replace('"one"', '"a_two"'), a=GOOD))
    assert list(found) == ["a_two", "one"]


def test_a_file_with_parameters_of_its_own_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(discover(package(tmp_path, monkeypatch, a=PARAMS))) == ["one"]


def test_two_of_one_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TypeError, match=r"made_up\.b and made_up\.a are both named 'one'"):
        discover(package(tmp_path, monkeypatch, a=GOOD, b=GOOD))


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "must define exactly one strategy, not 0"),
        (GOOD + GOOD.replace("class One", "class Two"), "must define exactly one strategy, not 2"),
        (GOOD.replace("    version = 1\n", ""), "One lacks version"),
        (GOOD.replace("    def setup(self): pass\n", ""), "One lacks a method or its docstring"),
        (GOOD.replace('    """Its idea."""\n', ""), "One lacks a method or its docstring"),
        (GOOD.replace('"one"', '"One two"'), "name 'One two' or version 1 is not allowed"),
        (GOOD.replace("version = 1", "version = 0"), "version 0 is not allowed"),
        (
            PARAMS.replace("int = Field(", "bool = Field("),
            "parameter 'x' is <class 'bool'>; it must be an int, a float or a",
        ),
        (PARAMS.replace("default=1, ", ""), "parameter 'x' must have a default and a description"),
        (PARAMS.replace(', description="bars"', ""), "parameter 'x' must have a default and a description"),
        (PARAMS.replace("ge=1, ", ""), "parameter 'x' has no bounds"),
        (PARAMS.replace(", le=9", ""), "parameter 'x' has no bounds"),
        (PARAMS.replace("int = Field(default=1, ge=1, le=9", "str = Field(default='A'"), "parameter 'x' has no bounds"),
    ],
)
def test_a_file_that_is_not_one_good_strategy_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, rule: str
) -> None:
    with pytest.raises(TypeError, match=rule):
        discover(package(tmp_path, monkeypatch, a=text))


def test_describe_tells_of_every_strategy() -> None:
    told = describe({})["strategies"]
    assert [one["name"] for one in told] == list(STRATEGIES)
    cross = next(one for one in told if one["name"] == "sma_cross")
    assert cross["version"] == 2
    assert cross["warmup_bars"] == 21
    assert cross["doc"].startswith("Enter long when")
    assert "It fails" in cross["doc"]
    assert "Source:" in cross["doc"]
    assert cross["params"]["fast"] == {
        "default": 5,
        "min": 1,
        "max": 200,
        "kind": "int",
        "doc": "bars of the fast average; fewer than of the slow one",
    }
    assert cross["params"]["stop_atr"]["kind"] == "float"


def test_every_parameter_has_bounds_and_a_word_of_explanation() -> None:
    for one in describe({})["strategies"]:
        for param in one["params"].values():
            assert param["doc"]
            assert param["kind"] in ("int", "float", "symbol")
            if param["kind"] != "symbol":
                assert param["min"] <= param["default"] <= param["max"]


def test_a_symbol_has_no_bounds() -> None:
    pairs = next(one for one in describe({})["strategies"] if one["name"] == "pairs")
    assert pairs["params"]["first"] == {
        "default": "AAA",
        "min": None,
        "max": None,
        "kind": "symbol",
        "doc": "one of the two symbols",
    }


@pytest.mark.parametrize("body", [None, [], {"x": 1}])
def test_describe_takes_an_empty_object_only(body: object) -> None:
    with pytest.raises(Invalid):
        describe(body)
