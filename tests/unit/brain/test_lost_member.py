"""A committee one of whose members is lost: it enters nothing, it leaves as ever, and it forgets nobody."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.backtest.engine import run as backtested
from brain.decisions import Decider
from brain.registry import STRATEGIES
from brain.scan import scan
from shared.errors import Invalid
from shared.model.decision import DecisionConfig
from tests.unit.brain.backtest.support import plan
from tests.unit.brain.backtest.support import walk as bars
from tests.unit.brain.decisions.support import HOUR_MS, bar, close, configured, key, own, said
from tests.unit.brain.support import DAY_MS, QUICK, body, columns, cut, walk

MARKET = {"A": columns(walk(1, 90)), "B": columns(walk(2, 90))}
COMMITTEE: dict[str, Any] = {"enter_at": 0.05, "exit_at": 0, "hold_bars": 10, "learning": {}}
FIRST, SECOND = QUICK
WITHOUT = {name: it for name, it in STRATEGIES.items() if name != SECOND["name"]}
"""As if the file of the second one could not be loaded."""


def deciding(
    market: dict[str, Any], known: Any = STRATEGIES, state: Any = None, evidence: Any = None, **committee: Any
) -> dict[str, Any]:
    request = body(market, copy.deepcopy(state), QUICK)
    request |= {"decisions": {"score": {"after": 3}, "committee": COMMITTEE | committee}, "evidence": evidence or {}}
    return scan(request, known)


def part(start: int, stop: int) -> dict[str, Any]:
    return {symbol: cut(series, start, stop) for symbol, series in MARKET.items()}


def learnt(answer: dict[str, Any]) -> dict[str, Any]:
    """The committee's own."""
    found: dict[str, Any] = answer["state"]["decisions"]["committee"][1]
    return found


def outcome(n: int, strategy: str, r: float) -> dict[str, Any]:
    return {"strategy": strategy, "symbol": "A", "r": r, "closed_ms": n * DAY_MS}


def key_of(answer: dict[str, Any], name: str) -> str:
    [found] = [each for each in learnt(answer)["weights"]["of"] if each.startswith(f"{name}@")]
    return found


def test_an_entry_without_it_is_refused_with_why_wherever_it_would_have_voted() -> None:
    entries, state = 0, None
    for stop in range(40, 91):
        answer = deciding(part(0, stop), WITHOUT, state)
        assert not [each for each in answer["proposals"] if each["action"] == "enter"]
        for each in answer["refused"]:
            if each["code"] == "member_lost":
                assert (each["strategy"], each["bar_close_ms"]) == ("committee", stop * DAY_MS)
                assert each["detail"] == (
                    "rsi_reversion cannot vote, and could have been against it; "
                    "mend it, or take it out of the strategies"
                )
                entries += 1
        assert learnt(answer)["entries"] == {}
        assert learnt(answer)["held"] == []
        state = answer["state"]
    assert entries > 3


def test_what_the_whole_one_has_entered_is_left() -> None:
    found = set()
    for stop in range(30, 90):
        whole = deciding(part(0, stop))
        held = learnt(whole)["held"]
        answer = deciding(part(stop, 90), WITHOUT, whole["state"])
        exits = {
            each["instrument"].partition(":")[2]
            for each in answer["signals"]
            if each["strategy"] == "committee" and each["action"] == "exit"
        }
        found |= {symbol for symbol in held if symbol in exits}
        assert set(learnt(answer)["held"]) == set(held) - exits
    assert found == {"A", "B"}


def test_an_exit_is_proposed_without_it() -> None:
    stages = configured(committee={"enter_at": 0.1, "exit_at": -1})
    whole = Decider(stages, "us", HOUR_MS, [key("a"), key("b")])
    assert own(whole.decide(close(0), [said(0, "a"), said(0, "b")], {"AAA": bar(0)})) == ["enter"]
    alone = Decider(configured(committee={"enter_at": 0.1, "exit_at": 0.0}), "us", HOUR_MS, [key("a")], ["b"])
    alone.restore(whole.state())
    found = alone.decide(close(1), [said(1, "a", "exit", score=1.0)], {"AAA": bar(1)})
    assert own(found) == ["exit"]
    assert [each.proposal.action.value for each in found if each.proposal] == ["exit"]


@pytest.mark.parametrize("votes", ["against", "neutral"])
@settings(deadline=None, max_examples=60)
@given(
    script=st.lists(
        st.lists(
            st.tuples(st.sampled_from("abc"), st.sampled_from(["enter", "exit"]), st.integers(0, 10)),
            max_size=3,
            unique_by=lambda each: each[0],
        ),
        min_size=1,
        max_size=12,
    ),
    gone=st.sets(st.sampled_from("abc"), min_size=1, max_size=2),
    at=st.integers(0, 12),
    quorum=st.integers(1, 3),
)
def test_whatever_is_said_it_never_enters_where_the_whole_one_does_not(
    votes: str, script: list[list[tuple[str, str, int]]], gone: set[str], at: int, quorum: int
) -> None:
    stages = configured(committee={"enter_at": 0.1, "exit_at": -0.1, "exit_votes": votes, "quorum": quorum})

    def entered(lost: set[str]) -> set[int]:
        found, kept = set(), None
        for n, signals in enumerate(script):
            away = lost if n >= at else set()
            there = [key(name) for name in "abc" if name not in away]
            made = Decider(stages, "us", HOUR_MS, there, sorted(away))
            made.restore(kept)
            heard = [said(n, name, action, score=score / 10) for name, action, score in signals if name not in away]
            if "enter" in own(made.decide(close(n), heard, {"AAA": bar(n)})):
                found.add(n)
            kept = made.state()
        return found

    assert entered(gone) <= entered(set())


class TestWhatWasLearntOfIt:
    def taught(self) -> dict[str, Any]:
        """A state in which the second is trusted less."""
        told = {"outcomes": [outcome(30 + n, SECOND["name"], -3.0) for n in range(3)]}
        answer = deciding(part(0, 60), evidence=told)
        of = learnt(answer)["weights"]["of"]
        assert of[key_of(answer, SECOND["name"])] < 0.45
        return answer

    def test_its_weight_its_stances_and_its_scores_stay_to_the_last_bit(self) -> None:
        whole = self.taught()
        answer = deciding({}, WITHOUT, whole["state"])
        assert learnt(answer) == learnt(whole)
        assert answer["state"]["decisions"]["scores"] == whole["state"]["decisions"]["scores"]
        assert key_of(whole, SECOND["name"]) in answer["state"]["decisions"]["scores"][1]
        assert not [each for each in answer["state"]["strategies"] if each.startswith(SECOND["name"])]

    def test_mended_it_has_the_vote_that_it_had(self) -> None:
        whole = self.taught()
        state = whole["state"]
        for stop in (70, 80):
            state = deciding(part(0, stop), WITHOUT, state)["state"]
        mended = deciding(part(0, 90), STRATEGIES, state)
        assert learnt(mended)["weights"] == learnt(whole)["weights"]

    def test_while_it_is_lost_the_others_learn_and_its_share_follows(self) -> None:
        whole = self.taught()
        mine = key_of(whole, SECOND["name"])
        told = {"outcomes": [outcome(65, FIRST["name"], -3.0)]}
        answer = deciding(part(60, 70), WITHOUT, whole["state"], told)
        assert learnt(answer)["weights"]["of"][mine] > learnt(whole)["weights"]["of"][mine]

    def test_of_one_that_was_never_heard_of_something_stands_in_its_place(self) -> None:
        answer = deciding(part(0, 60), WITHOUT)
        assert sorted(learnt(answer)["weights"]["of"].values()) == [0.5, 0.5]
        assert key_of(answer, SECOND["name"]) == "rsi_reversion@0:0"
        assert learnt(deciding({}, WITHOUT, answer["state"])) == learnt(answer)
        mended = deciding({}, STRATEGIES, answer["state"])
        assert "rsi_reversion@0:0" not in learnt(mended)["weights"]["of"]
        assert len(learnt(mended)["weights"]["of"]) == 2

    def test_a_committee_that_does_not_fit_is_refused_as_ever(self) -> None:
        state = self.taught()["state"]
        for kept in ([], {}, {"weights": {"of": [1]}}, {"weights": {"of": {f"{SECOND['name']}@1:x": 7}, "epoch": 0}}):
            state["decisions"]["committee"][1] = kept
            with pytest.raises(Invalid, match=r"^state\.decisions: .* does not fit"):
                deciding({}, WITHOUT, state)


def test_without_a_committee_the_others_enter_as_ever() -> None:
    request = body(MARKET, None, QUICK) | {"decisions": {"score": {}}}
    alone = body(MARKET, None, [FIRST]) | {"decisions": {"score": {}}}
    found = scan(request, WITHOUT)
    assert found["refused"][0]["code"] == "unknown_strategy"
    assert found["state"] == scan(alone)["state"]
    assert found["signals"] == scan(alone)["signals"]


def failing(on: frozenset[str]) -> dict[str, Any]:
    """All strategies, of which the second one raises on these symbols."""
    whole = STRATEGIES[SECOND["name"]]

    def on_candle(self: Any, view: Any) -> Any:
        if view.symbol in on:
            raise ZeroDivisionError("of its own")
        return whole.on_candle(self, view)

    return {**STRATEGIES, SECOND["name"]: type("Failing", (whole,), {"on_candle": on_candle})}


def entered(answers: list[dict[str, Any]]) -> set[str]:
    found = [each for answer in answers for each in answer["proposals"] if each["action"] == "enter"]
    return {each["instrument"].partition(":")[2] for each in found}


@pytest.mark.parametrize("on", [frozenset("A"), frozenset("AB"), frozenset()])
def test_a_member_that_fails_on_a_symbol_keeps_the_committee_from_entering_there(on: frozenset[str]) -> None:
    answers, state = [], None
    for stop in range(40, 91):
        answers.append(deciding(part(0, stop), failing(on), state))
        state = answers[-1]["state"]
    assert entered(answers) == {"A", "B"} - on
    codes = {(each["symbol"], each["code"]) for answer in answers for each in answer["refused"]}
    assert {symbol for symbol, code in codes if code == "member_lost"} == on
    assert {symbol for symbol, code in codes if code == "strategy_error"} == on


@pytest.mark.parametrize("fails", [True, False])
def test_in_a_backtest_as_well(fails: bool) -> None:
    config = DecisionConfig.parse(json.dumps({"score": {"after": 3}, "committee": COMMITTEE}))
    known = failing(frozenset({"AAA"} if fails else ()))
    outcome = backtested(plan({"AAA": bars(1, 400)}, QUICK, known=known, decisions=config))
    assert bool(outcome.trades) is not fails
    assert ("member_lost" in {each.code for each in outcome.refused}) is fails
