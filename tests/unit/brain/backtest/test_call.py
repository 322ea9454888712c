"""Backtests through the brain's door: what they are judged by, the page, and how lucky the best was."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain import rpc
from brain.backtest.about import covered
from brain.backtest.call import MAX_PLOTS, backtest, judge
from brain.backtest.deflated import Moments, deflated_sharpe
from brain.backtest.words import SHOWN_DOUBTS, shortfalls
from brain.bar import Bar
from shared.coverage import Coverage
from shared.errors import Invalid
from tests.unit.brain.backtest.support import HOUR, instrument, reported, walk
from tests.unit.brain.backtest.test_request import body, columns

MOMENTS = {"sharpe": 0.1, "skew": -0.2, "kurtosis": 4.0, "bars": 500}


def test_the_report_is_the_engines_own_and_comes_with_the_moments_of_its_returns() -> None:
    told = backtest(body())
    assert told["report"] == reported(body())
    assert told["page"] is None
    assert told["moments"]["bars"] == 599
    wanted = told["report"]["metrics"]["sharpe"]
    assert told["moments"]["sharpe"] * (365 * 24) ** 0.5 == pytest.approx(wanted)


def test_a_page_is_drawn_where_a_title_is_given() -> None:
    page = backtest(body(title="a < b"))["page"]
    assert "a &lt; b" in page
    assert "AAA" in page
    with pytest.raises(Invalid, match="title"):
        backtest(body(title=5))


HELD = {"bars": 600, "first_ms": 0, "last_ms": 9, "listed_ms": None, "starts_late": True, "ends_early": False}
COVERAGE: dict[str, Any] = {"from_ms": 0, "to_ms": 9, "symbols": {"AAA": HELD | {"missing": 2, "holes": [[3, 4]]}}}


def test_what_the_archive_held_comes_back_and_is_doubted_on_the_page_before_the_numbers() -> None:
    told = backtest(body(title="a", coverage=COVERAGE))
    assert told["report"]["coverage"] == json.loads(json.dumps(COVERAGE))
    [doubt] = told["report"]["doubts"]
    assert doubt.startswith("AAA: the archive begins at 1970-01-01; 2 bars are missing in between")
    page = told["page"]
    assert page.index(doubt) < page.index("<svg") < page.index("<h2>Numbers</h2>")
    assert "AAA: 600 bars" in page


def test_without_a_word_of_an_archive_none_is_said() -> None:
    told = backtest(body(title="a"))
    assert (told["report"]["coverage"], told["report"]["doubts"]) == (None, [])
    assert "Doubts" not in told["page"]
    assert "archive" not in told["page"]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ([], "coverage"),
        ({"from_ms": 0}, "coverage.to_ms"),
        (COVERAGE | {"symbols": {"AAA": HELD}}, "coverage.symbols.AAA.missing"),
        (COVERAGE | {"to_ms": "9"}, "coverage.to_ms"),
        (COVERAGE | {"from_ms": -(10**17)}, "coverage.from_ms"),
        *(
            (
                COVERAGE | {"symbols": {"AAA": HELD | {"missing": 2, "holes": [[3, 4]]} | wrong}},
                f"coverage.symbols.AAA{at}",
            )
            for wrong, at in [
                ({"missing": 3, "holes": []}, ""),
                ({"missing": 0}, ""),
                ({"missing": 1, "holes": [[3, 3], [5, 5]]}, ""),
                ({"holes": [[4, 3]]}, ""),
                ({"first_ms": None}, ""),
                ({"last_ms": None}, ""),
                ({"first_ms": None, "last_ms": None}, ""),
                ({"bars": 0}, ""),
                ({"first_ms": 10}, ""),
                ({"bars": -1}, ".bars"),
                ({"bars": 10**400}, ".bars"),
                ({"missing": 10**400}, ".missing"),
                ({"first_ms": -(10**17)}, ".first_ms"),
                ({"last_ms": -1}, ".last_ms"),
                ({"listed_ms": -(10**17)}, ".listed_ms"),
                ({"holes": [[-(10**17), 4]]}, ".holes.0.0"),
            ]
        ),
    ],
)
def test_a_coverage_that_does_not_fit_is_refused_by_field(given: Any, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        backtest(body(coverage=given))
    assert caught.value.context["field"] == field


@given(st.data())
def test_whatever_hangs_together_is_told(data: st.DataObject) -> None:
    far = st.integers(0, 10**30)
    some = st.none() | far
    held = {"bars": data.draw(st.integers(0, 2)), "first_ms": data.draw(some), "last_ms": data.draw(some)}
    held |= {
        "listed_ms": data.draw(some),
        "starts_late": data.draw(st.booleans()),
        "ends_early": data.draw(st.booleans()),
    }
    held |= {
        "missing": data.draw(st.none() | st.integers(0, 3)),
        "holes": data.draw(st.lists(st.tuples(far, far), max_size=2)),
    }
    given = json.dumps({"from_ms": data.draw(far), "to_ms": data.draw(far), "symbols": {"AAA": held}})
    try:
        coverage = Coverage.parse(given)
    except Invalid:
        return
    told = [*shortfalls(coverage.wire()), *(text for _, text in covered(coverage))]
    assert all(told)
    if coverage.symbols["AAA"].missing is None:
        assert not any("none missing" in each for each in told)


def test_a_gap_of_which_nothing_is_known_is_doubted() -> None:
    [doubt] = shortfalls(COVERAGE | {"symbols": {"AAA": HELD | {"missing": None, "holes": [[0, 86_400_000]]}}})
    assert (
        "not known how many bars are missing in between, the first gap is from 1970-01-01 to 1970-01-02; asked" in doubt
    )


def test_many_shortfalls_are_told_short() -> None:
    held = HELD | {"missing": 0, "holes": []}
    alike = {f"A{at}": held for at in range(9)}
    unlike = {f"B{at}": held | {"first_ms": at * 86_400_000} for at in range(1, SHOWN_DOUBTS + 3)}
    told = shortfalls(COVERAGE | {"symbols": alike | unlike})
    assert told[0].startswith("A0, A1, A2, A3, A4 and 4 more: the archive begins at 1970-01-01; asked for was ")
    assert len(told) == SHOWN_DOUBTS + 1
    assert told[-1] == "3 more such shortfalls; the report's coverage has all"


def test_of_many_symbols_those_traded_most_are_drawn() -> None:
    names = [f"S{number:02}" for number in range(MAX_PLOTS + 4)]
    still = [Bar(at * HOUR.ms, 5.0, 5.0, 5.0, 5.0, 1.0) for at in range(300)]
    market = {name: columns(still) for name in names} | {names[-1]: columns(walk(1, 300))}
    asked = body(market=market, instruments=[instrument(name).wire() for name in names], title="many")
    page = backtest(asked)["page"]
    drawn = [name for name in names if f">{name}: " in page]
    assert names[-1] in drawn
    assert len(drawn) == MAX_PLOTS


def test_an_account_that_does_not_move_has_no_moments() -> None:
    still = [Bar(at * HOUR.ms, 5.0, 5.0, 5.0, 5.0, 1.0) for at in range(100)]
    assert backtest(body(market={"AAA": columns(still)}))["moments"] is None


def test_the_verdict_is_that_of_the_formula() -> None:
    sharpes = [0.1, 0.02, 0, -0.05]
    said = judge({"chosen": MOMENTS, "sharpes": sharpes})
    assert said == {"deflated_sharpe": deflated_sharpe(Moments(0.1, -0.2, 4.0, 500), sharpes), "reason": ""}
    assert said["deflated_sharpe"] < judge({"chosen": MOMENTS, "sharpes": [0.1]})["deflated_sharpe"]


def test_where_there_is_no_verdict_the_reason_is_told() -> None:
    said = judge({"chosen": MOMENTS | {"sharpe": 5.0, "skew": 9.0, "kurtosis": 1.0}, "sharpes": [5.0]})
    assert said["deflated_sharpe"] is None
    assert said["reason"]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ([], "body"),
        ({"chosen": MOMENTS}, "sharpes"),
        ({"chosen": MOMENTS, "sharpes": [0.1], "more": 1}, "more"),
        ({"chosen": 5, "sharpes": [0.1]}, "chosen"),
        ({"chosen": MOMENTS | {"sharpe": "x"}, "sharpes": [0.1]}, "chosen.sharpe"),
        ({"chosen": MOMENTS | {"bars": 2.5}, "sharpes": [0.1]}, "chosen.bars"),
        ({"chosen": MOMENTS | {"bars": 1}, "sharpes": [0.1]}, "bars"),
        ({"chosen": MOMENTS | {"extra": 1}, "sharpes": [0.1]}, "chosen.extra"),
        ({"chosen": MOMENTS, "sharpes": 0.1}, "sharpes"),
        ({"chosen": MOMENTS, "sharpes": []}, "sharpes"),
        ({"chosen": MOMENTS, "sharpes": [0.1, True]}, "sharpes.1"),
        ({"chosen": MOMENTS, "sharpes": [float("inf")]}, "sharpes.0"),
    ],
)
def test_what_is_wrong_with_a_question_is_named(asked: Any, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        judge(asked)


@given(
    sharpe=st.floats(-10, 10),
    skew=st.floats(-10, 10),
    kurtosis=st.floats(1, 100),
    bars=st.integers(2, 10**6),
    others=st.lists(st.floats(-10, 10), max_size=20),
)
def test_a_verdict_is_a_probability_or_a_reason(
    sharpe: float, skew: float, kurtosis: float, bars: int, others: list[float]
) -> None:
    chosen = {"sharpe": sharpe, "skew": skew, "kurtosis": kurtosis, "bars": bars}
    said = judge({"chosen": chosen, "sharpes": [sharpe, *others]})
    assert bool(said["reason"]) is (said["deflated_sharpe"] is None)
    assert said["deflated_sharpe"] is None or 0.0 <= said["deflated_sharpe"] <= 1.0


def test_both_are_reached_through_the_door() -> None:
    for method, asked in ((rpc.backtest, body()), (rpc.judge, {"chosen": MOMENTS, "sharpes": [0.1]})):
        assert json.loads(method(json.dumps(asked)))["ok"] is True
        for text in ("", "[" * 100_000, "[]"):
            answer = json.loads(method(text))
            assert (answer["ok"], answer["error"]["code"]) == (False, "invalid")
