"""Stage 3: stances, quorum, dissent, and what the committee says when."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.decisions import Decision
from brain.decisions.evidence import Evidence
from shared.model import Outcome
from tests.unit.brain.decisions.support import Session, close, decider, key, own, said
from tests.unit.brain.decisions.test_bias import event


def outcome(r: float, n: int, strategy: str = "committee") -> Outcome:
    return Outcome(strategy=strategy, symbol="AAA", r=r, closed_ms=close(n))


def the(decisions: list[Decision]) -> Decision:
    [found] = [each for each in decisions if each.own]
    return found


def test_it_enters_when_the_weighted_sum_and_the_quorum_are_reached() -> None:
    session = Session("a", "b", "c", committee={"enter_at": 0.31, "exit_at": 0, "quorum": 2})
    assert own(session.at(0, said(0, "a", score=1.0))) == []  # 0.33, but alone
    assert own(session.at(1, said(1, "b", score=0.02))) == []  # two, but the first has faded by a tenth
    found = session.at(2, said(2, "b", score=0.6))
    assert own(found) == ["enter"]
    proposal = the(found).proposal
    assert proposal is not None
    assert (proposal.strategy, proposal.version, proposal.stop_distance) == ("committee", 1, 5)


def test_members_signals_are_votes_and_no_proposals() -> None:
    session = Session("a", "b", committee={"enter_at": 0.9, "exit_at": 0})
    [found] = session.at(0, said(0, "a", score=1.0))
    assert (found.proposal, found.code, found.own) == (None, "voted", False)
    assert found.detail == "0.5 of 0.9, 1 of 1 agree"
    assert found.why["votes"] == {"a": 1.0}
    assert found.why["weights"] == {"a": 0.5}


def test_votes_fade_and_a_committee_that_has_entered_leaves_when_they_are_gone() -> None:
    session = Session("a", committee={"enter_at": 0.5, "exit_at": 0.2, "hold_bars": 4})
    assert own(session.at(0, said(0, "a", score=0.8))) == ["enter"]
    # 0.6, 0.4, 0.2
    assert [own(session.at(n)) for n in (1, 2, 3)] == [[], [], ["exit"]]
    assert own(session.at(4)) == []


@pytest.mark.parametrize(("votes", "wanted"), [("against", ["exit"]), ("neutral", [])])
def test_an_exit_counts_against_or_not_at_all(votes: str, wanted: list[str]) -> None:
    session = Session("a", "b", committee={"enter_at": 0.4, "exit_at": 0.1, "hold_bars": 100, "exit_votes": votes})
    assert own(session.at(0, said(0, "a"), said(0, "b"))) == ["enter"]
    assert own(session.at(1, said(1, "b", "exit"))) == wanted


def test_dissent_is_the_share_of_weight_cast_the_other_way() -> None:
    session = Session("a", "b", "c", committee={"enter_at": 0, "exit_at": 0})
    found = the(session.at(0, said(0, "a", score=0.6), said(0, "b", score=0.6), said(0, "c", "exit", score=0.4)))
    assert found.why["dissent"] == pytest.approx(0.25)
    assert found.why["agree"] == 2
    assert found.signal.evidence["dissent"] == 0.25


def test_the_lead_is_the_weightiest_entry_that_knows_its_stop() -> None:
    session = Session("a", "b", "c", committee={"enter_at": 0, "exit_at": 0})
    entries = (
        said(0, "a", score=0.9, stop=None),
        said(0, "b", score=0.6, stop=3.0),
        said(0, "c", score=0.5, stop=4.0),
    )
    found = the(session.at(0, *entries))
    assert found.signal.stop_distance == 3.0
    assert found.why["lead"] == "b"


def test_the_bias_moves_the_sum() -> None:
    stages: dict[str, Any] = {"committee": {"enter_at": 0.5, "exit_at": 0}, "bias": {"weight": 0.5}}
    for bias, wanted in ((0.4, ["enter"]), (-0.4, [])):
        session = Session("a", **stages)
        found = session.at(0, said(0, "a", score=0.4), evidence=Evidence((event(0, bias),)))
        assert own(found) == wanted
    session = Session("a", **stages)
    assert own(session.at(0, said(0, "a", score=0.9))) == ["enter"]
    assert own(session.at(1, evidence=Evidence((event(1, -1.0), event(0, -1.0))))) == []
    assert own(session.at(2, said(2, "a", "exit", score=0.1))) == ["exit"]


def test_it_learns_from_its_own_outcomes_who_had_voted_how() -> None:
    stages: dict[str, Any] = {"committee": {"enter_at": 0, "exit_at": 0, "learning": {"floor": 0, "cap": 1}}}
    session = Session("a", "b", "c", **stages)
    session.at(0, said(0, "a", score=1.0), said(0, "b", "exit", score=0.5))
    session.decider.learn([outcome(2.0, 3)])
    weights = session.decider.state()["committee"][1]["weights"]["of"]  # type: ignore[index]
    assert weights[key("a")] > weights[key("c")] > weights[key("b")]
    session.decider.learn([outcome(2.0, 3)])
    assert session.decider.state()["committee"][1]["weights"]["of"] == weights  # type: ignore[index]


def test_an_outcome_from_before_the_newest_entry_teaches_nothing() -> None:
    session = Session("a", "b", committee={"enter_at": 0, "exit_at": 0, "learning": {}})
    session.at(5, said(5, "a"))
    session.decider.learn([outcome(2.0, 5)])
    weights = session.decider.state()["committee"][1]["weights"]["of"]  # type: ignore[index]
    assert list(weights.values()) == [0.5, 0.5]


def weights_after(opened: int | None, entries: int = 2) -> dict[str, float]:
    """Three members that vote for an entry each alone, one close after the other; then the trade opened at a close has won."""
    session = Session(*"abc", cut=True, committee={"enter_at": 0.1, "exit_at": -1, "hold_bars": 1, "learning": {}})
    for n in range(entries):
        assert own(session.at(n, said(n, "ab"[min(n, 1)], score=1.0))) == ["enter"]
    won = outcome(2.0, entries + 4)
    session.decider.learn([won.model_copy(update={"opened_ms": None if opened is None else close(opened)})])
    kept: dict[str, float] = session.decider.state()["committee"][1]["weights"]["of"]  # type: ignore[index]
    return kept


@pytest.mark.parametrize(
    ("opened", "entries", "winner"),
    [(0, 2, "a"), (1, 2, "b"), (5, 2, "b"), (None, 2, "b"), (0, 9, "a"), (7, 9, "b"), (8, 9, "b")],
)
def test_an_outcome_belongs_to_the_entry_that_the_position_was_opened_on(
    opened: int | None, entries: int, winner: str
) -> None:
    weights = weights_after(opened, entries)
    assert max(weights, key=weights.__getitem__) == key(winner)


def test_of_many_entries_the_first_and_the_newest_are_kept() -> None:
    session = Session("a", committee={"enter_at": 0.1, "exit_at": -1, "hold_bars": 1})
    for n in range(9):
        session.at(n, said(n, "a", score=1.0))
    state = session.decider.state()["committee"][1]  # type: ignore[index]
    assert [entry[0] for entry in state["entries"]["AAA"]] == [close(n) for n in (0, 6, 7, 8)]
    session.decider.learn([outcome(1.0, 7)])
    state = session.decider.state()["committee"][1]  # type: ignore[index]
    assert [entry[0] for entry in state["entries"]["AAA"]] == [close(n) for n in (7, 8)]
    assert state["held"] == ["AAA"]
    session.decider.learn([outcome(1.0, 20)])
    state = session.decider.state()["committee"][1]  # type: ignore[index]
    assert (state["entries"], state["held"]) == ({}, [])


def test_an_outcome_of_a_strategy_is_its_own() -> None:
    session = Session("a", "b", committee={"enter_at": 0, "exit_at": 0, "learning": {}})
    session.decider.learn([outcome(-3.0, 0, "b")])
    weights = session.decider.state()["committee"][1]["weights"]["of"]  # type: ignore[index]
    assert weights[key("a")] > 0.5


ACTIONS = st.sampled_from(["enter", "exit", ""])


@given(script=st.lists(st.tuples(ACTIONS, st.integers(0, 10)), max_size=30))
def test_a_committee_of_one_decides_as_that_strategy_would(script: list[tuple[str, int]]) -> None:
    alone = Session("a", policy=[])
    together = Session("a", committee={"enter_at": 0, "exit_at": 0, "hold_bars": 10_000})
    for n, (action, score) in enumerate(script):
        signals = [said(n, "a", action, score=score / 10)] if action else []
        wanted = [each.proposal for each in alone.at(n, *signals)]
        found = [each.proposal for each in together.at(n, *signals) if each.own]
        if not signals:
            # it says at most once more that it would leave what it has entered
            continue
        for mine, theirs in zip(found, wanted, strict=True):
            assert mine is not None
            assert theirs is not None
            same = ("action", "side", "price", "stop_distance", "target_distance", "instrument", "bar_close_ms", "size")
            assert [getattr(mine, name) for name in same] == [getattr(theirs, name) for name in same]


def test_two_of_one_name_are_told_apart() -> None:
    other = "e" * 32
    found = decider(committee={"enter_at": 0, "exit_at": 0}).decide(
        close(0), [said(0, "a"), said(0, "a", params=other, id="d" * 32)], {}
    )
    votes = found[0].why["votes"]
    assert isinstance(votes, dict)
    assert len(votes) == 2
    assert f"a@1:{other[:6]}" in votes


def test_without_a_bar_nothing_is_decided() -> None:
    found = decider(committee={"enter_at": 0, "exit_at": 0}).decide(close(0), [said(0, "a")], {})
    assert [each.code for each in found] == ["voted"]


def test_a_close_that_was_decided_on_is_only_listened_to_again() -> None:
    session = Session("a", "b", committee={"enter_at": 0, "exit_at": 0})
    assert own(session.at(0, said(0, "a"))) == ["enter"]
    assert own(session.at(0, said(0, "b"))) == []


def test_an_older_word_does_not_replace_a_newer_one() -> None:
    session = Session("a", committee={"enter_at": 0.3, "exit_at": -0.3, "hold_bars": 1000})
    session.at(5, said(5, "a", score=0.9))
    session.at(4, said(4, "a", "exit", score=0.9))
    [found] = session.at(6, said(6, "b", "exit", score=0.0), evidence=Evidence())
    assert found.why["votes"]["a"] == pytest.approx(0.8991)  # type: ignore[index, call-overload]
