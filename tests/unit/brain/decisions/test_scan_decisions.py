"""A scan with decisions: cut anywhere, cut by symbols, and what it refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.scan import scan
from shared.errors import Invalid
from shared.model import Proposal, Signal
from tests.unit.brain.support import DAY_MS, QUICK, body, columns, cut, run, walk

TEAM: dict[str, Any] = {
    "score": {"after": 3},
    "bias": {"weight": 0.1, "frame": {"bars": 3, "ema": 2}},
    "committee": {"enter_at": 0.05, "exit_at": 0, "hold_bars": 5, "learning": {}},
    "sizing": {"kind": "volatility", "target": 0.2, "window": 5, "bars_per_year": 365, "most": "1"},
}


def deciding(market: dict[str, Any], decisions: Any = TEAM, state: Any = None, evidence: Any = None) -> dict[str, Any]:
    request = {**body(market, state), "decisions": decisions, "evidence": evidence or {}}
    answer: dict[str, Any] = json.loads(json.dumps(scan(json.loads(json.dumps(request)))))
    return answer


def test_null_is_the_same_as_nothing_said() -> None:
    market = {"A": columns(walk(4, 120))}
    assert deciding(market, None) == run(market)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 50), cuts=st.lists(st.integers(0, 80), max_size=3), overlap=st.integers(0, 3))
def test_any_cut_of_the_series_gives_the_state_and_signals_of_one_pass(
    seed: int, cuts: list[int], overlap: int
) -> None:
    series = columns(walk(seed, 80))
    told = {"events": [_event(30)], "outcomes": [_outcome(20), _outcome(50)]}
    whole = deciding({"A": series}, evidence=told)
    state, signals, start = None, [], 0
    for stop in [*sorted(cuts), 80]:
        answer = deciding(
            {"A": cut(series, max(0, start - overlap), stop)}, TEAM, state, told if stop == 80 else _by(told, stop)
        )
        state, start = answer["state"], max(start, stop)
        signals += answer["signals"]
    assert {each["id"]: each for each in signals} == {each["id"]: each for each in whole["signals"]}
    assert state == whole["state"]


def _event(n: int) -> dict[str, Any]:
    return {"symbol": "A", "bias": 0.9, "at_ms": n * DAY_MS, "half_life_bars": 5, "source": "s", "hash": f"{n:08d}"}


def _outcome(n: int) -> dict[str, Any]:
    return {"strategy": "sma_cross", "symbol": "A", "r": 2.0, "closed_ms": n * DAY_MS}


def _by(told: dict[str, Any], stop: int) -> dict[str, Any]:
    """What could have been known by then."""
    return {
        "events": [each for each in told["events"] if each["at_ms"] <= stop * DAY_MS],
        "outcomes": [each for each in told["outcomes"] if each["closed_ms"] <= stop * DAY_MS],
    }


def test_the_same_bars_twice_are_the_same_as_once() -> None:
    market = {"A": columns(walk(4, 80))}
    once = deciding(market)
    twice = deciding(market, TEAM, once["state"])
    assert twice == {"signals": [], "proposals": [], "refused": [], "state": once["state"]}


def test_the_committee_signs_and_proposes_on_the_newest_bar_alone() -> None:
    series = columns(walk(4, 200))
    state, proposed = None, []
    for stop in range(1, 201):
        answer = deciding({"A": cut(series, stop - 1, stop)}, TEAM, state)
        state = answer["state"]
        own = [each for each in answer["signals"] if each["strategy"] == "committee"]
        for signal in own:
            Signal.parse(json.dumps(signal))
        refused = [each for each in answer["refused"] if each["strategy"] == "committee"]
        assert len(own) == len(answer["proposals"]) + len(refused)
        assert {each["code"] for each in refused} <= {"volatility_unknown"}
        voted = [each for each in answer["refused"] if each["code"] == "voted"]
        assert len(voted) == len(answer["signals"]) - len(own)
        proposed += [Proposal.parse(json.dumps(each)) for each in answer["proposals"]]
    assert {each.action.value for each in proposed} == {"enter", "exit"}
    assert all(each.size is not None for each in proposed if each.action == "enter")
    whole = deciding({"A": series})
    assert [each["id"] for each in whole["signals"] if each["strategy"] == "committee"]
    assert {each["bar_close_ms"] for each in whole["proposals"]} <= {series["t"][-1] + DAY_MS}


def test_what_the_policy_holds_back_is_refused_with_its_reason() -> None:
    series = columns(walk(4, 200))
    decisions = {"policy": [{"do": "ask", "reason": "first_look"}]}
    state, codes, actions = None, set(), set()
    for stop in range(1, 201):
        answer = deciding({"A": cut(series, stop - 1, stop)}, decisions, state)
        state = answer["state"]
        codes |= {each["code"] for each in answer["refused"]}
        actions |= {each["action"] for each in answer["proposals"]}
    assert codes == {"ask:first_look"}
    assert actions == {"exit"}


def test_an_outcome_teaches_from_its_own_time_on() -> None:
    series = columns(walk(4, 60))
    early = deciding({"A": series}, evidence={"outcomes": [_outcome(1)]})
    never = deciding({"A": series})
    late = deciding({"A": series}, evidence={"outcomes": [_outcome(61)]})
    weights = [each["state"]["decisions"]["committee"][1]["weights"] for each in (early, never, late)]
    assert weights[0] == weights[2] != weights[1]
    assert late["signals"] == never["signals"]


def test_the_votes_of_a_strategy_that_fails_do_not_count() -> None:
    market = {"A": columns(walk(4, 60))}
    good = deciding(market)
    broken = json.loads(json.dumps(deciding({"A": cut(market["A"], 0, 1)})["state"]))
    [name] = [name for name in broken["strategies"] if name.startswith("sma_cross")]
    broken["strategies"][name]["A"][1] = ["nonsense"]
    answer = deciding(market, TEAM, broken)
    assert "bad_state" in {each["code"] for each in answer["refused"]}
    assert not [each for each in answer["signals"] if each["strategy"] == "sma_cross"]
    stances = answer["state"]["decisions"]["committee"][1]["stances"]
    assert name not in stances.get("A", {})
    assert good["state"] != answer["state"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"decisions": 5}, "decisions"),
        ({"decisions": {"committee": {}}}, "decisions.committee.enter_at"),
        ({"decisions": {"magic": 1}}, "decisions.magic"),
        ({"evidence": {"moon": "full"}}, "evidence.moon"),
        ({"decision": None}, "decision"),
    ],
)
def test_a_request_that_breaks_the_contract_is_invalid(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        scan({**body({}), **changes})
    assert caught.value.context["field"] == field


@pytest.mark.parametrize("decided", [5, [], {"scores": 1}])
def test_decisions_in_a_state_that_do_not_fit_are_invalid(decided: Any) -> None:
    state = deciding({"A": columns(walk(1, 5))})["state"]
    with pytest.raises(Invalid) as caught:
        scan({**body({}, {**state, "decisions": decided}), "decisions": TEAM})
    assert caught.value.context["field"] == "state.decisions"
    assert "drop the state (send null)" in caught.value.detail


def test_without_decisions_what_they_had_learnt_is_dropped() -> None:
    state = deciding({"A": columns(walk(1, 30))})["state"]
    assert deciding({}, None, state)["state"]["decisions"] is None
    assert [each["name"] for each in QUICK] == ["sma_cross", "rsi_reversion"]
