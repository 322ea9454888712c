"""All stages together: the same whatever the order, repeatable, restorable, and each proposal explains itself."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.decisions import Decider, Decision, proposal_of
from brain.decisions.evidence import Evidence
from shared.errors import Invalid
from shared.model import Outcome, Proposal, Signal
from tests.unit.brain.decisions.support import HOUR_MS, Session, bar, close, configured, decider, key, own, said
from tests.unit.brain.decisions.test_bias import event

NAMES = ["a", "b", "c"]
SYMBOLS = ["AAA", "BBB"]
TEAM: dict[str, Any] = {
    "score": {"after": 3, "half_life": 10},
    "bias": {"weight": 0.3, "frame": {"bars": 3, "ema": 2}},
    "committee": {"enter_at": 0.1, "exit_at": 0, "quorum": 2, "hold_bars": 5, "learning": {"rate": 1}},
    "policy": [{"dissent": {"min": 0.6}, "do": "veto", "reason": "torn"}],
    "sizing": {"kind": "volatility", "target": 0.2, "window": 3, "bars_per_year": 8766, "most": "1"},
}
EACH: dict[str, Any] = {
    **TEAM,
    "committee": None,
    "policy": [{"score": {"max": 0.3}, "do": "shrink", "factor": "0.5", "reason": "weak"}],
    "sizing": {"kind": "kelly", "fraction": 0.5, "cap_bps": "50", "before_bps": "20", "after": 2},
}
STAGES = st.sampled_from([TEAM, EACH])
WORDS = st.lists(
    st.tuples(
        st.integers(0, 15),
        st.sampled_from(NAMES),
        st.sampled_from(SYMBOLS),
        st.sampled_from(["enter", "exit"]),
        st.integers(0, 10),
    ),
    max_size=40,
    unique_by=lambda word: word[:3],
)
PAST = st.lists(st.tuples(st.sampled_from([*NAMES, "committee"]), st.floats(-3, 3), st.integers(0, 15)), max_size=10)
Word = tuple[int, str, str, str, int]


def play(stages: Any, words: list[Word], past: Any, cut: int = -1, order: Any = None) -> tuple[list[Decision], Any]:
    made = decider(*NAMES, **stages)
    told = Evidence((event(3, 0.5), event(8, -0.8, "BBB")))
    found = []
    for n in range(16):
        if n == cut:
            kept = json.loads(json.dumps(made.state()))
            made = decider(*NAMES, **stages)
            made.restore(kept)
        made.learn([Outcome(strategy=name, symbol="AAA", r=r, closed_ms=close(at)) for name, r, at in past if at == n])
        signals = [said(n, name, action, score / 10, symbol) for at, name, symbol, action, score in words if at == n]
        if order is not None:
            order.shuffle(signals)
        bars = {symbol: bar(n, 100.0 + (n * 7 + at) % 5) for at, symbol in enumerate(SYMBOLS)}
        found += made.decide(close(n), signals, bars, told)
    return found, made.state()


@settings(deadline=None)
@given(stages=STAGES, words=WORDS, past=PAST, order=st.randoms(use_true_random=False))
def test_decisions_and_state_are_the_same_whatever_order_signals_come_in(
    stages: Any, words: list[Word], past: Any, order: Any
) -> None:
    assert play(stages, words, past) == play(stages, words, past, order=order)


@settings(deadline=None)
@given(stages=STAGES, words=WORDS, past=PAST, cut=st.integers(0, 15))
def test_a_state_through_json_at_any_close_changes_nothing(stages: Any, words: list[Word], past: Any, cut: int) -> None:
    found, state = play(stages, words, past)
    assert play(stages, words, past, cut) == (found, state)
    assert json.loads(json.dumps(state)) == json.loads(json.dumps(play(stages, words, past)[1]))


@settings(deadline=None)
@given(stages=STAGES, words=WORDS, past=PAST)
def test_every_decision_either_proposes_or_says_why_not_and_is_small(stages: Any, words: list[Word], past: Any) -> None:
    found, _ = play(stages, words, past)
    for each in found:
        assert (each.proposal is None) == (each.code != "")
        assert len(json.dumps(each.why)) <= 2000
        if each.proposal is not None:
            assert Proposal.parse(json.dumps(each.proposal.wire())) == each.proposal
            assert each.proposal.signal_id == each.signal.id
            assert "score" in each.proposal.why
            assert ("votes" in each.proposal.why) is each.own
        if each.own:
            assert Signal.parse(json.dumps(each.signal.wire())) == each.signal


@settings(deadline=None)
@given(words=WORDS)
def test_symbols_do_not_touch_each_others_votes(words: list[Word]) -> None:
    stages = {"committee": TEAM["committee"]}
    both, _ = play(stages, words, [])
    for symbol in SYMBOLS:
        alone, _ = play(stages, [word for word in words if word[2] == symbol], [])
        mine = [each for each in both if each.signal.instrument == f"us:{symbol}"]
        assert mine == [each for each in alone if each.signal.instrument == f"us:{symbol}"]


def test_without_a_configuration_every_signal_is_the_proposal_it_always_was() -> None:
    made = Decider(None, "us", HOUR_MS)
    signals = [said(0, "b"), said(0, "a", "exit"), said(0, "a", symbol="BBB", stop=200.0)]
    found = made.decide(close(0), signals, {})
    assert [each.proposal for each in found[:2]] == [proposal_of(signal) for signal in signals[:2]]
    assert (found[2].code, found[2].proposal) == ("stop_below_zero", None)
    assert found[0].why == {"strategy": "b", "numbers": {"number": 1.0}, "score": 0.5}
    assert made.state() is None


def test_a_proposal_names_strategy_numbers_scores_bias_rule_and_size() -> None:
    session = Session(
        "a",
        bias={"weight": 0.5},
        policy=[{"do": "shrink", "factor": "0.5", "reason": "always"}],
        sizing={"kind": "fixed", "risk_bps": "30"},
    )
    [found] = session.at(0, said(0, "a", score=0.4), evidence=Evidence((event(0, 0.6),)))
    assert found.proposal is not None
    assert found.proposal.why == {
        "strategy": "a",
        "numbers": {"number": 1.0},
        "raw": 0.4,
        "score": 0.7,
        "bias": 0.3,
        "rule": {"row": 0, "do": "shrink", "reason": "always"},
        "size": {"risk_bps": 15.0},
    }


def test_the_longest_explanation_is_small_enough() -> None:
    names = [f"{'x' * 28}{n:03d}" for n in range(64)]
    numbers = {f"{'y' * 60}{n}": -1.23456789e-123 for n in range(32)}
    stages = {**TEAM, "policy": [{"do": "allow", "reason": "r" * 48}]}
    made = decider(*names, **{**stages, "committee": {"enter_at": 0, "exit_at": 0}})
    for n in range(6):
        made.decide(close(n), [], {"AAA": bar(n, 100.0 + n % 2)})
    signals = [said(6, name, score=0.123456789, evidence=numbers) for name in names]
    found = made.decide(close(6), signals, {"AAA": bar(6)})
    assert own(found) == ["enter"]
    assert max(len(json.dumps(each.why)) for each in found) <= 2000


def test_the_committees_signal_is_its_own_and_carries_the_id_of_its_settings() -> None:
    one = Session("a", committee={"enter_at": 0, "exit_at": 0}).at(0, said(0, "a"))[-1].signal
    same = Session("a", committee={"enter_at": 0, "exit_at": 0}).at(0, said(0, "a"))[-1].signal
    other = Session("a", committee={"enter_at": 0.1, "exit_at": 0}).at(0, said(0, "a"))[-1].signal
    assert one == same
    assert one.params != other.params
    assert one.id != other.id


def test_other_settings_of_one_stage_leave_what_the_others_learnt() -> None:
    _, state = play(TEAM, [(n, "a", "AAA", "enter", n % 10) for n in range(10)], [("a", 1.0, 3)])
    changed = {**TEAM, "score": {"after": 4}, "policy": []}
    made = decider(*NAMES, **changed)
    made.restore(state)
    now = made.state()
    assert now is not None
    assert now["scores"][1] == {}
    for stage in ("biases", "sizes", "committee"):
        assert now[stage] == state[stage]
    assert now["outcomes"] == state["outcomes"]


@pytest.mark.parametrize("before", [TEAM, EACH, {}])
@pytest.mark.parametrize(
    "after",
    [
        TEAM,
        EACH,
        {},
        {"bias": {}},
        {"bias": {"frame": {"bars": 2, "ema": 2}}, "score": {}},
        {"committee": {"enter_at": 0.5, "exit_at": -0.5}},
        {"committee": {"enter_at": 0.5, "exit_at": 0, "learning": {"epoch": 3}}},
        {"sizing": {"kind": "volatility", "target": 1, "window": 9, "bars_per_year": 9, "most": "1"}},
    ],
)
def test_a_state_of_any_settings_fits_any_others(before: Any, after: Any) -> None:
    _, state = play(before, [(n, "a", "AAA", "enter", 5) for n in range(10)], [("a", 1.0, 3)])
    made = decider(*NAMES, "d", **after)
    made.restore(json.loads(json.dumps(state)))
    made.decide(close(20), [said(20, "a"), said(20, "d")], {"AAA": bar(20)})
    again = decider(*NAMES, "d", **after)
    again.restore(json.loads(json.dumps(made.state())))
    assert again.state() == made.state()


def test_a_member_that_is_gone_has_no_vote_any_more() -> None:
    session = Session("a", "b", committee={"enter_at": 0, "exit_at": 0})
    session.at(0, said(0, "a"), said(0, "b"))
    fewer = decider("a", committee={"enter_at": 0, "exit_at": 0})
    fewer.restore(session.decider.state())
    state = fewer.state()
    assert state is not None
    assert list(state["committee"][1]["stances"]["AAA"]) == [key("a")]
    assert list(state["committee"][1]["weights"]["of"].values()) == [1.0]


@pytest.mark.parametrize("stage", ["scores", "biases", "sizes", "committee", "regimes", "outcomes", "seen"])
@pytest.mark.parametrize("broken", [None, 5, [1], [None, {"AAA": 1}], {"AAA": [[1]], key("a"): [[1]]}])
def test_a_state_that_does_not_fit_is_invalid_and_leaves_nothing_behind(stage: str, broken: Any) -> None:
    _, state = play(TEAM, [(n, "a", "AAA", "enter", 5) for n in range(10)], [("a", 1.0, 3)])
    changed = copy.deepcopy(state)
    changed[stage] = [changed[stage][0], broken] if isinstance(changed[stage], list) and broken else broken
    made = decider(*NAMES, **TEAM)
    fresh = made.state()
    with pytest.raises(Invalid) as caught:
        made.restore(changed)
    assert caught.value.context["field"] == "state.decisions"
    assert "drop the state" in caught.value.detail
    assert made.state() == fresh


def test_nothing_learnt_is_no_state() -> None:
    made = decider("a", **TEAM)
    fresh = made.state()
    made.decide(close(0), [said(0, "a")], {"AAA": bar(0)})
    made.restore(None)
    assert made.state() == fresh
    assert not made.is_plain
    assert Decider(None, "us", HOUR_MS).is_plain
    assert configured() is not None
