"""A scan for a desk one of whose strategies is not there: misspelt, or of a file that could not be loaded."""

from __future__ import annotations

from typing import Any

import pytest

from brain import request
from brain.registry import STRATEGIES
from brain.scan import scan
from shared.errors import Invalid
from tests.unit.brain.support import DAY_MS, QUICK, body, columns, run, walk

MARKET = {"A": columns(walk(1, 90)), "B": columns(walk(2, 90))}
LINE = "brain/strategies/foo.py could not be loaded: ImportError: no such thing, line 3"
LOST = {"name": "foo", "params": {"speed": 3}}
COMMITTEE = {"committee": {"enter_at": 0.05, "exit_at": -1}}


@pytest.fixture(autouse=True)
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request, "BROKEN", {"foo": LINE})


def deciding(strategies: list[dict[str, Any]], decisions: dict[str, Any], state: Any = None) -> dict[str, Any]:
    return scan(body(MARKET, state, strategies) | {"decisions": decisions})


@pytest.mark.parametrize("place", [0, 1, 2])
def test_it_is_refused_by_its_name_with_why_and_the_others_go_on(place: int) -> None:
    wanted = [*QUICK[:place], LOST, *QUICK[place:]]
    found, alone = run(MARKET, strategies=wanted), run(MARKET)
    assert found["refused"][0] == {
        "strategy": "foo",
        "symbol": "",
        "bar_close_ms": 0,
        "code": "unknown_strategy",
        "detail": f"strategies.{place}.name: 'foo' is not a strategy as it stands; {LINE}; mend it",
    }
    assert found | {"refused": found["refused"][1:]} == alone
    assert alone["signals"]


def test_a_misspelt_name_is_told_with_those_that_there_are() -> None:
    [refused] = run(MARKET, strategies=[*QUICK, {"name": "sma_crss", "params": {}}])["refused"]
    assert (refused["strategy"], refused["code"]) == ("sma_crss", "unknown_strategy")
    assert "is not a known strategy; choose one of bollinger_reversion, " in refused["detail"]


def test_each_is_told_and_where_not_one_is_there_the_scan_is_refused() -> None:
    both = [LOST, {"name": "bar", "params": {}}]
    assert [each["strategy"] for each in run(MARKET, strategies=[*both, QUICK[0]])["refused"]] == ["foo", "bar"]
    with pytest.raises(Invalid) as caught:
        run(MARKET, strategies=both)
    assert caught.value.context["field"] == "strategies.0.name"


@pytest.mark.parametrize("name", [7, None, ["sma_cross"], "x" * 33])
def test_what_is_no_name_is_refused_as_a_whole(name: Any) -> None:
    with pytest.raises(Invalid) as caught:
        scan(body(MARKET, strategies=[QUICK[0], {"name": name, "params": {}}]))
    assert caught.value.context["field"] == "strategies.1.name"


def test_when_it_is_mended_it_begins_anew_and_the_others_go_on() -> None:
    known = {**STRATEGIES, "foo": STRATEGIES["rsi_reversion"]}
    wanted = [QUICK[0], {"name": "foo", "params": {}}]
    state = scan(body(MARKET, None, wanted), known)["state"]
    assert len(state["strategies"]) == 2
    without = scan(body(MARKET, state, wanted))["state"]
    assert list(without["strategies"]) == [key for key in state["strategies"] if key.startswith("sma_cross@")]
    assert scan(body(MARKET, without, wanted), known)["state"] == state


def test_it_counts_as_a_member_that_a_quorum_may_ask_for_and_never_agrees() -> None:
    both = {"committee": COMMITTEE["committee"] | {"quorum": 2}}
    found = deciding([QUICK[0], LOST], both)
    assert not [each for each in found["signals"] if each["strategy"] == "committee"]
    with pytest.raises(Invalid) as caught:
        deciding([QUICK[0], LOST], {"committee": COMMITTEE["committee"] | {"quorum": 3}})
    assert caught.value.detail == (
        "decisions.committee.quorum: 3 must not be above the number of strategies, 2, or the committee never enters; "
        "lower it, or name more strategies"
    )


def test_a_series_is_read_as_if_it_were_not_asked_for() -> None:
    state = run(MARKET, strategies=[QUICK[0], LOST])["state"]
    later = {"A": columns(walk(1, 91))}
    answer = run(later, state, strategies=[QUICK[0], LOST])
    assert {each["bar_close_ms"] for each in answer["signals"]} <= {91 * DAY_MS}
