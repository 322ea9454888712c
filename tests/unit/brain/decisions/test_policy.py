"""Stage 4: the table, row by row."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.decisions.evidence import Evidence, RegimeFound
from brain.decisions.policy import Case, holds, judge
from shared.errors import Invalid
from shared.model import Action
from shared.model.decision import DecisionConfig, PolicyRow
from tests.unit.brain.decisions.support import HOUR_MS, Session, close, configured, said
from tests.unit.brain.decisions.test_bias import event

CASE = Case(
    symbol="BTC-USD",
    strategy="one",
    action=Action.ENTER,
    close_ms=15 * HOUR_MS,
    score=0.4,
    bias=-0.2,
    dissent=0.3,
    regime="noisy",
    numbers={"hurst": 0.6},
)


def row(**fields: Any) -> PolicyRow:
    [made] = configured(policy=[{"do": "veto", "reason": "why", **fields}]).policy
    return made


@pytest.mark.parametrize(
    ("conditions", "hold"),
    [
        ({}, True),
        ({"symbols": "BTC*"}, True),
        ({"symbols": "???-USD"}, True),
        ({"symbols": "ETH*"}, False),
        ({"strategy": "one"}, True),
        ({"strategy": "other"}, False),
        ({"action": "enter"}, True),
        ({"score": {"min": 0.4}}, True),
        ({"score": {"min": 0.41}}, False),
        ({"score": {"max": 0.3}}, False),
        ({"bias": {"max": -0.1}}, True),
        ({"bias": {"min": 0}}, False),
        ({"dissent": {"min": 0.25, "max": 0.5}}, True),
        ({"dissent": {"min": 0.5}}, False),
        ({"hours": {"start": 15, "end": 16}}, True),
        ({"hours": {"start": 16, "end": 15}}, False),
        ({"hours": {"start": 22, "end": 16}}, True),
        ({"regimes": ["noisy", "chaotic"]}, True),
        ({"regimes": ["trending"]}, False),
        ({"numbers": {"hurst": {"min": 0.55}}}, True),
        ({"numbers": {"hurst": {"max": 0.55}}}, False),
        ({"numbers": {"unknown": {}}}, False),
        ({"symbols": "BTC*", "strategy": "other"}, False),
    ],
)
def test_a_row_holds_where_all_its_conditions_do(conditions: dict[str, Any], hold: bool) -> None:
    assert holds(row(**conditions), CASE) is hold


def test_the_first_row_that_holds_rules_and_without_one_it_is_allowed() -> None:
    rows = (row(symbols="ETH*"), row(do="ask", reason="first"), row(reason="second"))
    ruling = judge(rows, CASE)
    assert (ruling.do, ruling.code, ruling.row) == ("ask", "ask:first", 1)
    assert judge((), CASE).code == judge(rows[:1], CASE).code == ""


ROWS = st.lists(
    st.sampled_from(["veto", "ask", "allow"]).map(lambda do: row(do=do, reason="any")), min_size=1, max_size=5
)


@given(rows=ROWS, score=st.floats(-1, 1), bias=st.floats(-1, 1))
def test_no_policy_touches_an_exit(rows: list[PolicyRow], score: float, bias: float) -> None:
    ruling = judge(rows, CASE._replace(action=Action.EXIT, score=score, bias=bias))
    assert (ruling.do, ruling.code, ruling.factor) == ("allow", "", 1)


@given(do=st.sampled_from(["veto", "ask"]), members=st.booleans())
def test_an_exit_is_proposed_whatever_the_policy_says(do: str, members: bool) -> None:
    stages: dict[str, Any] = {"policy": [{"do": do, "reason": "never"}]}
    if members:
        stages["committee"] = {"enter_at": 0, "exit_at": 0}
    session = Session("one", **stages)
    entered = session.at(0, said(0))
    assert [each.code for each in entered if members is each.own] == [f"{do}:never"]
    assert all(each.proposal is None for each in entered)
    left = session.at(1, said(1, action="exit"))
    assert [each.proposal is not None for each in left if members is each.own] == [True]


def test_what_was_vetoed_says_which_row_and_why() -> None:
    session = Session(
        "one", policy=[{"strategy": "other", "do": "allow", "reason": "fine"}, {"do": "veto", "reason": "no"}]
    )
    [found] = session.at(0, said(0))
    assert found.why["rule"] == {"row": 1, "do": "veto", "reason": "no"}
    assert found.detail == "row 1 of the policy"


def test_shrinking_multiplies_the_size() -> None:
    rows = [{"do": "shrink", "factor": "0.25", "reason": "calm"}]
    session = Session("one", policy=rows, sizing={"kind": "fixed", "risk_bps": "40"})
    [found] = session.at(0, said(0))
    assert found.proposal is not None
    assert found.proposal.size is not None
    assert found.proposal.size.risk_bps == Decimal(10)


def test_regimes_count_from_when_they_were_found() -> None:
    session = Session("one", policy=[{"regimes": ["chaotic"], "do": "veto", "reason": "wild"}], cut=True)
    told = Evidence(
        regimes=(
            RegimeFound(symbol="AAA", regime="chaotic", at_ms=close(2)),
            RegimeFound(symbol="AAA", regime="trending", at_ms=close(4)),
        )
    )
    codes = [session.at(n, said(n), evidence=told if n == 1 else Evidence())[0].code for n in (1, 2, 3, 4)]
    assert codes == ["", "veto:wild", "veto:wild", ""]


def test_the_bias_is_a_condition_by_itself() -> None:
    session = Session("one", bias={"weight": 0.1}, policy=[{"bias": {"max": -0.5}, "do": "ask", "reason": "bad_news"}])
    assert session.at(0, said(0))[0].code == ""
    assert session.at(1, said(1), evidence=Evidence((event(1, -0.9),)))[0].code == "ask:bad_news"


@pytest.mark.parametrize(
    ("config", "rule"),
    [
        ({"policy": [{"do": "shrink", "reason": "x"}]}, "factor belongs to do shrink"),
        ({"policy": [{"do": "veto", "factor": "0.5", "reason": "x"}]}, "factor belongs to do shrink"),
        ({"policy": [{"do": "shrink", "factor": "1", "reason": "x"}]}, "must be below 1"),
        ({"policy": [{"do": "veto", "action": "exit", "reason": "x"}]}, "an exit is always allowed"),
        ({"policy": [{"do": "shrink", "factor": "0.5", "reason": "x"}]}, "sizing must be set"),
        ({"policy": [{"do": "veto"}]}, "policy.0.reason: is missing"),
        ({"policy": [{"do": "veto", "reason": "Not a code"}]}, "should match"),
        ({"policy": [{"do": "veto", "reason": "x", "symbols": "btc"}]}, "should match"),
        ({"policy": [{"do": "veto", "reason": "x", "hours": {"start": 0, "end": 24}}]}, "less than or equal to 23"),
        ({"policy": [{"do": "veto", "reason": "x", "colour": 1}]}, "remove it"),
        ({"committee": {"enter_at": 0.1, "exit_at": 0.2}}, "must not be above enter_at"),
        ({"committee": {"enter_at": 0, "exit_at": 0, "learning": {"floor": 0.4, "cap": 0.3}}}, "not be above cap"),
        ({"sizing": {"kind": "fixed", "risk_bps": 1}}, "decimal written as text"),
        ({"sizing": {"kind": "fixed", "risk_bps": "10001"}}, "less than or equal to Decimal"),
        ({"sizing": {"kind": "guess"}}, "fixed"),
        (
            {"sizing": {"kind": "kelly", "fraction": 0.5, "cap_bps": "10", "before_bps": "11"}},
            "before_bps 11 must not be above cap_bps 10",
        ),
        ({"unknown": 1}, "remove it"),
    ],
)
def test_settings_that_make_no_sense_are_refused(config: dict[str, Any], rule: str) -> None:
    with pytest.raises(Invalid, match=rule):
        configured(**config)


def test_hours_that_end_where_they_begin_are_the_whole_day() -> None:
    assert all(hour in row(hours={"start": 5, "end": 5}).hours for hour in range(24))  # type: ignore[operator]


def test_the_settings_survive_the_wire() -> None:
    config = configured(
        score={},
        bias={"frame": {"bars": 4, "ema": 10}},
        committee={"enter_at": 0.2, "exit_at": 0, "learning": {}},
        policy=[{"do": "shrink", "factor": "0.5", "reason": "x", "numbers": {"hurst": {"min": 0.5}}}],
        sizing={"kind": "volatility", "target": 0.1, "bars_per_year": 365, "most": "1"},
    )
    assert DecisionConfig.parse(config.model_dump_json()) == config
