"""What a scan refuses as a whole: `Invalid`, naming the field and the rule."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import pytest

from brain.scan import scan
from shared.errors import Invalid
from tests.unit.brain.support import QUICK, body, columns, run, walk

MARKET = {"A": columns(walk(1, 30))}


def refusal(request: Any) -> Invalid:
    with pytest.raises(Invalid) as caught:
        scan(request)
    return caught.value


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"venue": "Replay"}, "venue"),
        ({"venue": None}, "venue"),
        ({"venue": "replay\n"}, "venue"),
        ({"interval": "2d"}, "interval"),
        ({"interval": ["1d"]}, "interval"),
        ({"strategies": []}, "strategies"),
        ({"strategies": {}}, "strategies"),
        (
            {"strategies": [{"name": "sma_cross", "params": {"fast": at + 1, "slow": 100}} for at in range(65)]},
            "strategies",
        ),
        ({"strategies": ["sma_cross"]}, "strategies.0"),
        ({"strategies": [{"name": "sma_cross"}]}, "strategies.0.params"),
        ({"strategies": [{"name": "sma_cross", "params": {}, "x": 1}]}, "strategies.0.x"),
        ({"strategies": [{"name": "no_such", "params": {}}]}, "strategies.0.name"),
        ({"strategies": [{"name": 7, "params": {}}]}, "strategies.0.name"),
        ({"strategies": [{"name": "sma_cross", "params": []}]}, "strategies.0.params"),
        ({"strategies": [{"name": "sma_cross", "params": {"fast": 0}}]}, "strategies.0.params.fast"),
        (
            {"strategies": [{"name": "sma_cross", "params": {"stop_atr": each}} for each in (math.nan, math.inf)]},
            "strategies.0.params.stop_atr",
        ),
        ({"strategies": [{"name": "sma_cross", "params": {"fast": "5"}}]}, "strategies.0.params.fast"),
        ({"strategies": [{"name": "sma_cross", "params": {"fast": 9, "slow": 9}}]}, "strategies.0.params"),
        ({"strategies": [QUICK[0], QUICK[0]]}, "strategies.1"),
        ({"market": []}, "market"),
        ({"evidence": None}, "evidence"),
        ({"now": 1}, "now"),
    ],
)
def test_a_request_that_breaks_the_contract_is_invalid(change: dict[str, Any], field: str) -> None:
    assert refusal({**body(MARKET), **change}).context["field"] == field


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"fast": 50, "slow": 20}, "strategies.0.params: fast 50 must be below slow 20"),
        ({"fast": 0}, "strategies.0.params.fast: 0 input should be greater than or equal to 1"),
        ({"fst": 3}, "strategies.0.params.fst: 3 is not a parameter of sma_cross; choose from "),
    ],
)
def test_parameters_are_named_as_their_writer_knows_them(params: dict[str, Any], told: str) -> None:
    detail = refusal(body(MARKET) | {"strategies": [{"name": "sma_cross", "params": params}]}).detail
    assert detail.startswith(told)
    assert "Params" not in detail
    assert "fst" not in params or detail.partition("choose from ")[2].split(", ")[-2:] == ["fast", "slow"]


@pytest.mark.parametrize("field", ["venue", "interval", "strategies", "market", "evidence", "state"])
def test_a_missing_field_is_invalid(field: str) -> None:
    request = body(MARKET)
    del request[field]
    assert refusal(request).context["field"] == field


@pytest.mark.parametrize("request_body", [None, [], "scan", 1])
def test_a_request_that_is_no_object_is_invalid(request_body: Any) -> None:
    assert refusal(request_body).context["field"] == "body"


def test_the_refusal_names_the_parameter_the_value_and_the_bounds() -> None:
    wrong = {**body(MARKET), "strategies": [{"name": "sma_cross", "params": {"fast": 0}}]}
    assert refusal(wrong).detail == "strategies.0.params.fast: 0 input should be greater than or equal to 1"
    unknown = {**body(MARKET), "strategies": [{"name": "nope", "params": {}}]}
    assert "choose one of bollinger_reversion, donchian_breakout, " in refusal(unknown).detail


def test_the_same_strategy_with_defaults_written_out_stands_there_twice() -> None:
    twice = [{"name": "sma_cross", "params": {}}, {"name": "sma_cross", "params": {"fast": 5}}]
    assert "stands there twice" in refusal({**body(MARKET), "strategies": twice}).detail


def _set(state: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    return {**state, name: value}


def _entry(state: dict[str, Any], entry: Any) -> dict[str, Any]:
    changed = copy.deepcopy(state)
    next(iter(changed["strategies"].values()))["A"] = entry
    return changed


@pytest.mark.parametrize(
    "change",
    [
        lambda state: _set(state, "v", 1),
        lambda state: _set(state, "v", None),
        lambda state: [],
        lambda state: "state",
        lambda state: _set(state, "extra", 1),
        lambda state: _set(state, "venue", "other"),
        lambda state: _set(state, "interval", "1h"),
        lambda state: _set(state, "strategies", []),
        lambda state: _set(state, "strategies", {"x": 1}),
        lambda state: _entry(state, None),
        lambda state: _entry(state, [1]),
        lambda state: _entry(state, ["1", []]),
        lambda state: _entry(state, [1, {}]),
    ],
)
def test_a_state_that_does_not_belong_is_invalid_and_the_remedy_is_said(change: Callable[[Any], Any]) -> None:
    state = run(MARKET)["state"]
    assert "drop the state (send null)" in refusal(body(MARKET, change(state))).detail


@pytest.mark.parametrize("learnt", [[], [1, 2], ["", [0]], ["AAAA", [0]], [None, [0]], ["AAAAAAAAAAA=", [0]], ["", {}]])
def test_a_learnt_state_that_does_not_fit_is_refused_for_its_symbol_alone(learnt: list[Any]) -> None:
    both = {"A": columns(walk(1, 31)), "B": columns(walk(2, 31))}
    state = run({"A": columns(walk(1, 30)), "B": columns(walk(2, 30))})["state"]
    key = next(key for key in state["strategies"] if key.startswith("sma_cross"))
    broken = copy.deepcopy(state)
    broken["strategies"][key]["A"][1] = learnt
    answer = run(both, broken)
    [refused] = answer["refused"]
    assert (refused["strategy"], refused["symbol"], refused["code"]) == ("sma_cross", "A", "bad_state")
    assert "drop the state (send null)" in refused["detail"]
    assert answer["state"]["strategies"][key]["A"] == broken["strategies"][key]["A"]
    assert answer["state"]["strategies"][key]["B"] == run(both, state)["state"]["strategies"][key]["B"]
