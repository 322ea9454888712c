"""The door: envelopes of JSON text, and an entry that adds nothing to them."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Coroutine
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain import rpc
from brain.dream import current
from brain.dream.plain import Plain
from brain.registry import STRATEGIES
from shared.errors import Invalid, from_wire
from tests.unit.brain.support import body, columns, run, walk

ENTRY = Path(__file__).parents[3] / "brain-worker" / "src" / "entry.py"
_LOADED = """
import sys
from brain import rpc
loaded = lambda: sum(name in sys.modules for name in sys.argv[1:])
print(loaded())
rpc.judge("{}")
print(loaded())
"""


def test_a_scan_comes_back_in_an_envelope() -> None:
    market = {"A": columns(walk(1, 60))}
    assert json.loads(rpc.scan(json.dumps(body(market)))) == {"ok": True, "value": run(market)}


def test_describe_comes_back_in_an_envelope() -> None:
    answer = json.loads(rpc.describe("{}"))
    assert answer["ok"]
    assert len(answer["value"]["strategies"]) == len(STRATEGIES)


@pytest.mark.native
def test_the_desk_of_a_backtest_is_loaded_by_the_first_backtest_only() -> None:
    heavy = ("brain.backtest.engine", "shared.desk.state")
    told = subprocess.run(
        [sys.executable, "-c", _LOADED, *heavy],
        env={"PYTHONPATH": f"{ENTRY.parent}:{ENTRY.parents[2]}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.split() == ["0", "2"]


@pytest.mark.parametrize("text", ["", "{", "[1,", "not json", "\x00", "[" * 100_000, "1" * 5000, None, 7])
def test_what_is_no_json_is_answered_as_a_value(text: Any) -> None:
    for method in (rpc.scan, rpc.describe, rpc.check, lambda given: rpc.dream(given, Plain())):
        answer = json.loads(method(text))
        assert answer["ok"] is False
        assert answer["error"]["code"] == "invalid"
        assert answer["error"]["status"] == 422
        assert len(answer["error"]["detail"]) < 300


@settings(deadline=None, max_examples=200)
@given(number=st.floats())
def test_every_float_comes_through_the_text_as_it_was(number: float) -> None:
    assert repr(rpc._body(json.dumps([number]))) == repr([number])


def test_a_refusal_is_the_same_error_again_on_the_other_side() -> None:
    answer = json.loads(rpc.scan(json.dumps({**body({}), "x": 1})))
    error = from_wire(answer["error"])
    assert isinstance(error, Invalid)
    assert error.context["field"] == "x"


def test_a_bug_travels_as_an_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Any) -> dict[str, Any]:
        raise ZeroDivisionError

    monkeypatch.setattr("brain.rpc.scanning.scan", broken)
    with pytest.raises(ZeroDivisionError):
        rpc.scan("{}")


def finished(work: Coroutine[Any, Any, str]) -> str:
    """What a coroutine that waits for nothing returns; Pyodide on Node has no `asyncio.run`."""
    with pytest.raises(StopIteration) as stop:
        work.send(None)
    answer: str = stop.value.value
    return answer


def test_the_entry_hands_text_through(monkeypatch: pytest.MonkeyPatch) -> None:
    # the entry says which kernel the process uses: only for this test
    monkeypatch.setattr(current, "_kept", [Plain])
    loaded: list[str] = []
    workers = ModuleType("workers")
    monkeypatch.setattr(workers, "WorkerEntrypoint", object, raising=False)
    monkeypatch.setattr(workers, "import_from_javascript", lambda name: loaded.append(name), raising=False)
    monkeypatch.setitem(sys.modules, "workers", workers)
    pyodide_js = ModuleType("pyodide_js")
    memory = SimpleNamespace(HEAP8=SimpleNamespace(byteLength=1 << 20))
    monkeypatch.setattr(pyodide_js, "_module", memory, raising=False)
    monkeypatch.setitem(sys.modules, "pyodide_js", pyodide_js)
    ffi = ModuleType("pyodide.ffi")
    monkeypatch.setattr(ffi, "to_js", list, raising=False)
    monkeypatch.setitem(sys.modules, "pyodide", ModuleType("pyodide"))
    monkeypatch.setitem(sys.modules, "pyodide.ffi", ffi)
    spec = importlib.util.spec_from_file_location("brain_entry", ENTRY)
    assert spec
    assert spec.loader
    entry = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(entry)
    text = json.dumps(body({"A": columns(walk(1, 60))}))
    assert finished(entry.Default().scan(text)) == rpc.scan(text)
    assert finished(entry.Default().describe("{}")) == rpc.describe("{}")
    sets = json.dumps({"strategies": [{"name": "sma_cross", "params": {}}], "place": 0, "sets": [{}]})
    assert finished(entry.Strategies().check(sets)) == rpc.check(sets)
    assert finished(entry.Strategies().describe("{}")) == rpc.describe("{}")
    assert loaded == []
    for _ in range(2):
        assert json.loads(finished(entry.Default().dream("{}")))["error"]["code"] == "invalid"
    assert loaded == ["kernel.mjs"]
    assert json.loads(finished(entry.Default().vitals()))["heap_bytes"] == 1 << 20
