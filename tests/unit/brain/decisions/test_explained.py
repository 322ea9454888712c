"""What a decision writes down about itself: quorum, dissent, the rule, the numbers; enough to check it by hand."""

from __future__ import annotations

from typing import Any

import pytest

from brain.decisions.evidence import Evidence, Outcome, RegimeFound
from brain.decisions.learning import Outcomes
from tests.unit.brain.decisions.support import Session, close, own, said
from tests.unit.brain.decisions.test_bias import event

ROWS: list[dict[str, Any]] = [
    {"symbols": "ZZZ*", "do": "veto", "reason": "not_here"},
    {"do": "allow", "reason": "as_it_is"},
]


def test_quorum_and_dissent_stand_in_the_proposal_and_in_the_signal() -> None:
    session = Session("a", "b", "c", committee={"enter_at": 0, "exit_at": 0, "quorum": 2})
    words = said(0, "a", score=0.6), said(0, "b", score=0.6), said(0, "c", "exit", score=0.4)
    [found] = [each for each in session.at(0, *words) if each.own]
    assert found.proposal is not None
    why: Any = found.proposal.why
    assert (why["agree"], why["quorum"], why["dissent"]) == (2, 2, 0.25)
    assert set(why["votes"]) == set(why["weights"]) == {"a", "b", "c"}
    evidence = found.signal.evidence
    assert (evidence["agree"], evidence["quorum"], evidence["dissent"]) == (2.0, 2.0, 0.25)
    total = sum(why["votes"][name] * why["weights"][name] for name in "abc")
    assert why["score"] == pytest.approx(total, abs=1e-5)
    assert evidence["total"] == pytest.approx(total, abs=1e-5)


def test_a_vote_below_the_quorum_says_how_many_are_lacking() -> None:
    session = Session("a", "b", committee={"enter_at": 0, "exit_at": 0, "quorum": 2})
    found = session.at(0, said(0, "a", score=1.0))
    assert own(found) == []
    assert (found[0].why["agree"], found[0].why["quorum"]) == (1, 2)


@pytest.mark.parametrize("members", [False, True], ids=["alone", "committee"])
def test_a_row_that_allows_is_named_too(members: bool) -> None:
    stages: dict[str, Any] = {"policy": ROWS}
    if members:
        stages["committee"] = {"enter_at": 0, "exit_at": 0}
    found = [each for each in Session("a", **stages).at(0, said(0, "a")) if each.own is members]
    [proposal] = [each.proposal for each in found]
    assert proposal is not None
    assert proposal.why["rule"] == {"row": 1, "do": "allow", "reason": "as_it_is"}


def test_where_no_row_holds_no_rule_is_named() -> None:
    [found] = Session("a", policy=ROWS[:1]).at(0, said(0, "a"))
    assert found.proposal is not None
    assert "rule" not in found.proposal.why


def test_the_weights_that_were_learnt_are_the_ones_that_are_told() -> None:
    session = Session("a", "b", committee={"enter_at": 0, "exit_at": 0, "learning": {"rate": 1}})
    session.decider.learn([Outcome(strategy="a", symbol="AAA", r=2.0, closed_ms=close(0))])
    found = session.at(1, said(1, "a"), said(1, "b"))
    [why] = [each.why for each in found if each.own]
    weights: Any = why["weights"]
    assert weights["a"] > 0.5 > weights["b"]
    kept: Any = session.decider.state()
    learnt = kept["committee"][1]["weights"]["of"]
    assert sorted(weights.values()) == pytest.approx(sorted(learnt.values()), rel=1e-5)


TEAM: dict[str, Any] = {"enter_at": 0, "exit_at": 0}


def test_what_is_new_counts_though_it_stands_behind_what_is_known() -> None:
    first, second = (Outcome(strategy="a", symbol="AAA", r=1.0, closed_ms=close(n)) for n in (0, 1))
    known = Outcomes()
    assert known.fresh([first]) == [first]
    assert known.fresh([first, second]) == [second]
    assert known.of["a"].count == 2


def test_a_committee_takes_all_levels_of_its_lead() -> None:
    session = Session("a", "b", committee=TEAM)
    lead = said(0, "a", score=0.9, stop=3.0, target_distance=7.0, trail_distance=4.0)
    [found] = [each for each in session.at(0, lead, said(0, "b", score=0.5, stop=2.0)) if each.own]
    proposal = found.proposal
    assert proposal is not None
    levels = (proposal.stop_distance, proposal.target_distance, proposal.trail_distance)
    assert [None if each is None else float(each) for each in levels] == [3.0, 7.0, 4.0]


def test_the_policy_of_a_committee_knows_the_regime() -> None:
    rows = [{"regimes": ["chaotic"], "do": "veto", "reason": "wild"}]
    for at, wanted in ((0, ["veto:wild"]), (5, ["enter"])):
        told = Evidence(regimes=(RegimeFound(symbol="AAA", regime="chaotic", at_ms=close(at)),))
        session = Session("a", committee=TEAM, policy=rows)
        assert own(session.at(1, said(1, "a"), evidence=told)) == wanted


VOLATILITY = {"kind": "volatility", "target": 0.2, "window": 3, "bars_per_year": 8766, "most": "1"}


@pytest.mark.parametrize("members", [False, True], ids=["alone", "committee"])
def test_an_entry_without_a_size_still_says_why_and_from_what(members: bool) -> None:
    stages: dict[str, Any] = {"sizing": VOLATILITY}
    if members:
        stages["committee"] = TEAM
    signal = said(0, "a")
    [found] = [each for each in Session("a", **stages).at(0, signal) if each.own is members]
    assert (found.proposal, found.code, found.signal_ids) == (None, "volatility_unknown", (signal.id,))
    assert found.why["score"] == 0.5
    assert found.why["numbers"] == {"number": 1.0}
    assert ("votes" in found.why) is members


def test_a_committees_entry_with_levels_that_cannot_be_is_its_own_refusal() -> None:
    found = Session("a", committee=TEAM).at(0, said(0, "a", stop=200.0))
    [refused] = [each for each in found if each.code == "stop_below_zero"]
    assert refused.own
    assert refused.why["votes"] == {"a": 0.5}
    assert refused.detail


def test_a_size_says_what_it_was_found_from() -> None:
    session = Session("a", sizing=VOLATILITY)
    for n, price in enumerate((100.0, 101.0, 99.0, 100.0, 102.0)):
        session.at(n, price=price)
    [found] = session.at(5, said(5, "a"), price=102.0)
    size: Any = found.why["size"]
    assert set(size) == {"volatility", "exposure"}
    assert size["exposure"] == pytest.approx(0.2 / size["volatility"], rel=1e-5)
    kelly = {"kind": "kelly", "fraction": 0.5, "cap_bps": "5000", "before_bps": "20", "after": 2}
    session = Session("a", sizing=kelly)
    [before] = session.at(0, said(0, "a"))
    assert before.why["size"] == {"outcomes": 0.0, "risk_bps": 20.0}
    earned = [Outcome(strategy="a", symbol="AAA", r=r, closed_ms=close(at)) for at, r in enumerate((1.0, -0.5))]
    session.decider.learn(earned)
    [after] = session.at(2, said(2, "a"))
    size = after.why["size"]
    assert set(size) == {"outcomes", "mean_r", "kelly", "risk_bps"}
    assert size["risk_bps"] == pytest.approx(10_000 * size["kelly"], rel=1e-5)


def test_the_bias_stands_beside_the_votes() -> None:
    session = Session("a", committee=TEAM, bias={"weight": 0.5})
    told = Evidence((event(0, 0.6),))
    [found] = [each for each in session.at(0, said(0, "a", score=0.4), evidence=told) if each.own]
    assert (found.why["bias"], found.signal.evidence["bias"]) == (0.3, 0.3)
    assert found.why["score"] == 0.7


@pytest.mark.parametrize("do", ["veto", "ask"])
def test_what_is_held_back_names_the_signals_that_it_rests_on(do: str) -> None:
    rows = [{"do": do, "reason": "not_now"}]
    first, second = said(0, "a"), said(0, "b")
    [alone] = Session("a", policy=rows).at(0, first)
    assert alone.signal_ids == (first.id,)
    [own_] = [each for each in Session("a", "b", committee=TEAM, policy=rows).at(0, first, second) if each.own]
    assert set(own_.signal_ids) == {first.id, second.id}


def test_longer_bars_that_do_not_move_say_nothing() -> None:
    session = Session("a", bias={"weight": 1, "frame": {"bars": 2, "ema": 2}})
    for n in range(12):
        session.at(n)
    [found] = session.at(12, said(12, "a", score=0.4))
    assert found.why["bias"] == 0.0
