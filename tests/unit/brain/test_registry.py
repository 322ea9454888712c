"""The registry: one file, one class; and what describe says of them."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from brain import strategies
from brain.describe import describe
from brain.registry import BROKEN, STRATEGIES, Found, discover
from brain.steps import BUDGET
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
    assert discover(strategies) == Found(STRATEGIES, BROKEN)
    files = {path.stem for path in Path(strategies.__path__[0]).glob("*.py")} - {"__init__"}
    assert {strategy.__module__.rpartition(".")[2] for strategy in STRATEGIES.values()} == files


def test_no_file_that_stands_here_is_broken() -> None:
    assert BROKEN == {}


def test_a_new_file_is_all_that_a_new_strategy_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = discover(package(tmp_path, monkeypatch, one=GOOD, a_two=GOOD.replace('"one"', '"a_two"')))
    assert list(found.strategies) == ["a_two", "one"]
    assert found.broken == {}


def test_a_file_with_parameters_of_its_own_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert discover(package(tmp_path, monkeypatch, one=PARAMS)).strategies.keys() == {"one"}


@pytest.mark.parametrize("copy", ["a_copy", "z_copy"])
@pytest.mark.parametrize("original", [GOOD, GOOD + "1 / 0\n", None])
def test_a_strategy_has_the_name_of_its_file_whether_another_file_is_there_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, copy: str, original: str | None
) -> None:
    files = {copy: GOOD} if original is None else {copy: GOOD, "one": original}
    found = discover(package(tmp_path, monkeypatch, **files))
    assert [each.__module__ for each in found.strategies.values()] == ["made_up.one"] * (original == GOOD)
    assert found.broken[copy] == (
        f"made_up/{copy}.py could not be loaded: TypeError: made_up.{copy}: name 'one' must be that of its file, '{copy}'"
    )


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
        (PARAMS.replace("default=1", "default=10"), "its defaults do not fit: x: 10 input should be less than"),
        (
            PARAMS.replace("default=1", "default_factory=lambda: 1"),
            "parameter 'x' must have a default and a description",
        ),
    ],
)
def test_a_file_that_is_not_one_good_strategy_is_broken_and_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, rule: str
) -> None:
    found = discover(package(tmp_path, monkeypatch, one=text, fine=GOOD.replace('"one"', '"fine"')))
    assert list(found.strategies) == ["fine"]
    assert list(found.broken) == ["one"]
    assert found.broken["one"].startswith("made_up/one.py could not be loaded: TypeError: ")
    assert rule in found.broken["one"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x = 1\ndef f(:\n", "SyntaxError: invalid syntax, line 2"),
        ("\n\nimport no_such_library\n", "ModuleNotFoundError: No module named 'no_such_library', line 3"),
        ("from brain.bar import Nothing\n", "ImportError: cannot import name 'Nothing' from 'brain.bar', line 1"),
        (GOOD + "def f():\n    return {}['x']\n\nf()\n", "KeyError: 'x', line 14"),
        ("raise SystemExit(3)\n", "SystemExit: 3, line 1"),
        ("assert 0\n", "AssertionError, line 1"),
        (
            "class E(Exception):\n    def __str__(self):\n        1 / 0\nraise E\n",
            "E: <exception str() failed>, line 4",
        ),
        ("e = ValueError('x')\ne.add_note('more')\nraise e\n", "ValueError: x, line 3"),
        ("raise ValueError('" + "long " * 200 + "')\n", "long long"),
        ("raise ValueError('one\\n\\ntwo')\n", "ValueError: one, line 1"),
        ("while True:\n    pass\n", "OverBudget: more than 20000 steps"),
        ("def f():\n    f()\nf()\n", "RecursionError: maximum recursion depth exceeded"),
        ("\0", "could not be loaded: "),
        (
            "raise ValueError('\\x1b[2Jone\\u202e\\x00 \\ud800')\n",
            r"ValueError: \x1b[2Jone\u202e\x00 \ud800, line 1",
        ),
        (
            "class E(Exception):\n    def __str__(self):\n        return 'mine'\n"
            "try:\n    while True: pass\nexcept BaseException:\n    pass\nraise E\n",
            "E: mine, line 8",
        ),
        ("raise ValueError('Bearer ' + 'abc' * 200)\n", "ValueError: Bearer ***, line 1"),
        ("type('A\\x1bB', (Exception,), {})()\nraise type('A\\x1bB', (Exception,), {})\n", r"A\x1bB, line 2"),
        (
            "class E(ImportError):\n    path = property(lambda self: 1 / 0)\nraise E('x')\n",
            "could not be loaded: E, which cannot be told",
        ),
        (
            "class E(Exception):\n    __traceback__ = property(lambda self: 1 / 0)\nraise E('x')\n",
            "could not be loaded: E, which cannot be told",
        ),
        (
            "class E(SyntaxError):\n    filename = property(lambda self: exit(1))\nraise E('x')\n",
            "could not be loaded: E, which cannot be told",
        ),
        (
            "def forever(self):\n    while True:\n        pass\n"
            "class E(Exception):\n    __cause__ = property(forever)\nraise E('x')\n",
            "could not be loaded: E, which cannot be told",
        ),
        (
            "class Kind(type):\n    __name__ = property(lambda self: 1 / 0)\n"
            "class E(Exception, metaclass=Kind):\n    __class__ = property(lambda self: 1 / 0)\nraise E('x')\n",
            "could not be loaded: E, which cannot be told",
        ),
    ],
)
def test_a_file_that_fails_when_it_is_imported_is_broken_and_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, why: str
) -> None:
    found = discover(package(tmp_path, monkeypatch, a=text, one=GOOD))
    assert list(found.strategies) == ["one"]
    assert list(found.broken) == ["a"]
    assert found.broken["a"].startswith("made_up/a.py could not be loaded: ")
    assert why in found.broken["a"]
    assert len(found.broken["a"]) < 400
    assert found.broken["a"].isprintable()


def test_one_that_builds_on_a_broken_file_is_broken_with_its_own_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = discover(package(tmp_path, monkeypatch, a="\nfrom made_up.b import x\n", b="1 / 0\n"))
    assert found.broken == {
        "a": "made_up/a.py could not be loaded: ZeroDivisionError: division by zero, line 2",
        "b": "made_up/b.py could not be loaded: ZeroDivisionError: division by zero, line 1",
    }


def interrupted(self: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "text",
    [
        "raise KeyboardInterrupt\n",
        "from tests.unit.brain.test_registry import interrupted\n"
        "raise type('E', (ImportError,), {'path': property(interrupted)})\n",
    ],
)
def test_ctrl_c_is_nobodys_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        discover(package(tmp_path, monkeypatch, a=text))


@pytest.mark.parametrize("seen", ["before", "after"])
def test_defaults_must_fit_where_they_are_left_unsaid_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seen: str
) -> None:
    check = f"""
    @model_validator(mode="before")
    def _fits(cls, given):
        {'given["x"]' if seen == "before" else "if not given: list(map(lambda _: 1, range(30_000)))"}
        return given
"""
    text = PARAMS.replace('description="bars")\n', f'description="bars")\n{check}').replace(
        "import Field", "import Field, model_validator"
    )
    found = discover(package(tmp_path, monkeypatch, one=text))
    why = (
        "KeyError: 'x'"
        if seen == "before"
        else f"brain.steps.OverBudget: more than {BUDGET} steps at once: calls and turns of loops; do less on a bar"
    )
    assert found.broken == {"one": f"made_up/one.py could not be loaded: {why}, line 10"}


def test_describe_tells_of_one_that_fails_at_its_defaults_like_of_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = GOOD.replace("def setup(self): pass", "def setup(self): 1 / 0")
    found = discover(package(tmp_path, monkeypatch, one=text, two=GOOD.replace('"one"', '"two"')))
    assert [each["name"] for each in describe({}, found.strategies)["strategies"]] == ["one", "two"]


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
