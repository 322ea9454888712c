"""A backtest over RPC: what it takes, what it answers, what it refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.backtest.report import thinned
from brain.bar import Bar
from shared.errors import Invalid
from tests.unit.brain.backtest.support import CROSS, HOUR, LIMITS, PAPER, instrument, walk
from tests.unit.brain.backtest.support import reported as backtest

ACCOUNT: dict[str, Any] = {"currency": "USD", "cash": "100000", "limits": LIMITS, "paper": PAPER}


def columns(bars: list[Bar]) -> dict[str, list[Any]]:
    return {name: [row[place] for row in bars] for place, name in enumerate("tohlcv")}


def body(**changes: Any) -> dict[str, Any]:
    asked = {
        "venue": "made",
        "interval": "1h",
        "strategies": [CROSS],
        "account": ACCOUNT,
        "instruments": [instrument("AAA").wire()],
        "market": {"AAA": columns(walk(1, 600))},
        "warmup_bars": 0,
    }
    return json.loads(json.dumps({**asked, **changes}))  # type: ignore[no-any-return]


def test_the_answer_is_json_and_tells_all_that_a_report_needs() -> None:
    told = json.loads(json.dumps(backtest(body()), allow_nan=False))
    assert told["metrics"]["bars"] == 600
    assert told["metrics"]["trades"] == len(told["trades"]) > 5
    assert len(told["curve"]["t"]) == len(told["curve"]["equity"]) == 600
    assert len(told["fingerprint"]) == 64
    assert told["trades"][0]["reason"] in {"proposal", "stop"}


def test_the_same_request_gives_the_same_text() -> None:
    assert json.dumps(backtest(body())) == json.dumps(backtest(body()))


def test_bars_of_the_warm_up_are_not_traded() -> None:
    first = backtest(body(warmup_bars=300))["trades"][0]
    assert first["entry_ms"] >= 300 * HOUR.ms
    assert backtest(body(warmup_bars=600))["trades"] == []


def test_a_single_bar_is_a_backtest_too() -> None:
    told = backtest(body(market={"AAA": columns(walk(1, 1))}))
    assert told["metrics"]["bars"] == 1
    assert told["metrics"]["sharpe"] is None


def test_a_constant_price_trades_nothing() -> None:
    still = [Bar(at * HOUR.ms, 5.0, 5.0, 5.0, 5.0, 1.0) for at in range(100)]
    told = backtest(body(market={"AAA": columns(still)}))
    assert told["trades"] == []
    assert told["metrics"]["total_return"] == 0.0


def flawed(at: int, **changes: float) -> dict[str, Any]:
    bars = walk(1, 30)
    bars[at] = bars[at]._replace(**changes)
    return {"AAA": columns(bars)}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"interval": "2h"}, "interval"),
        ({"account": {**ACCOUNT, "cash": "-1"}}, "account.cash"),
        ({"account": {**ACCOUNT, "leverage": 3}}, "account.leverage"),
        ({"account": {**ACCOUNT, "protections": {"nothing": {}}}}, "protections.nothing"),
        ({"instruments": [{}]}, "instruments."),
        ({"instruments": {}}, "must be a list"),
        ({"market": {}}, "at least one symbol"),
        ({"market": {"BBB": columns(walk(1, 3))}}, "is not among the instruments"),
        ({"warmup_bars": -1}, "warmup_bars"),
        ({"warmup_bars": True}, "warmup_bars"),
        ({"strategies": []}, "strategies"),
        ({"strategies": [{"name": "sma_cross", "params": {"fast": 9, "slow": 3}}]}, "strategies.0.params"),
        ({"more": 1}, "more"),
        ({"market": flawed(7, high=1.0)}, f"market.AAA: .*closes at {8 * HOUR.ms}"),
        ({"market": flawed(7, open_time_ms=6 * HOUR.ms)}, f"open time {6 * HOUR.ms} follows"),
        ({"market": flawed(7, open_time_ms=3 * HOUR.ms)}, f"open time {3 * HOUR.ms} follows"),
        ({"market": flawed(7, volume=-1.0)}, "volume must be 0 or more"),
        ({"market": {"AAA": {**columns(walk(1, 3)), "c": [1.0]}}}, "columns differ in length"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_run(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(Invalid, match=words):
        backtest(body(**changes))


def test_a_missing_field_is_named() -> None:
    asked = body()
    del asked["account"]
    with pytest.raises(Invalid, match="account"):
        backtest(asked)


def jumped(factor: float) -> list[Bar]:
    """All prices from the 101st bar on are so many times what they were."""
    bars = walk(1, 200)
    return [*bars[:100], *(Bar(b[0], *(round(price * factor, 2) for price in b[1:5]), b.volume) for b in bars[100:])]


@pytest.mark.parametrize("factor", [40.0, 1 / 40], ids=["up", "down"])
def test_a_jump_of_forty_fold_is_refused_by_its_bar(factor: float) -> None:
    with pytest.raises(Invalid, match=f"a split, or a mistake.*the bar that closes at {101 * HOUR.ms}") as refused:
        backtest(body(market={"AAA": columns(jumped(factor))}))
    assert refused.value.error_code == "price_jump"


@pytest.mark.parametrize(("factor", "told"), [(2.0, 1), (0.5, 1), (0.1, 1), (1.5, 0), (0.7, 0)])
def test_what_looks_like_a_split_is_told_of_with_its_bar(factor: float, told: int) -> None:
    found = backtest(body(market={"AAA": columns(jumped(factor))}))
    splits = [each for each in found["refused"] if each["by"] == "market"]
    assert [(each["symbol"], each["code"], each["bar_close_ms"], each["times"]) for each in splits] == [
        ("AAA", "price_jump", 101 * HOUR.ms, 1)
    ] * told
    assert all("times the close before it: a split" in each["detail"] for each in splits)
    assert found["metrics"]["bars"] == 200


def test_bars_without_volume_fill_nothing() -> None:
    still = [bar._replace(volume=0.0) for bar in walk(1, 300)]
    assert backtest(body(market={"AAA": columns(still)}))["trades"] == []


@given(values=st.lists(st.floats(-1e6, 1e6), max_size=300), most=st.integers(4, 50))
def test_a_thinned_curve_keeps_its_ends_and_its_extremes(values: list[float], most: int) -> None:
    kept = thinned(values, most)
    assert kept == sorted(set(kept))
    assert len(kept) <= max(most, 1) + 4
    if values:
        assert {0, len(values) - 1} <= set(kept)
        drawn = [values[at] for at in kept]
        assert (min(drawn), max(drawn)) == (min(values), max(values))


def test_a_committee_that_could_never_enter_is_refused() -> None:
    committee = {"enter_at": 0.1, "exit_at": 0, "quorum": 2}
    with pytest.raises(Invalid) as caught:
        backtest(body(decisions={"committee": committee}))
    assert caught.value.context["field"] == "decisions.committee.quorum"
    assert caught.value.detail.startswith(
        "decisions.committee.quorum: 2 must not be above the number of strategies, 1, or the committee never enters; "
    )
    both = [CROSS, {"name": "rsi_reversion", "params": {}}]
    assert backtest(body(strategies=both, decisions={"committee": committee}))["fingerprint"]


@pytest.mark.parametrize(
    ("committee", "named", "choices"),
    [(None, "sma_cros", "sma_cross"), (None, "committee", "sma_cross"), ("sma_cross", "sma_cross", "committee")],
)
def test_a_row_of_the_policy_that_could_never_hold_is_refused(committee: str | None, named: str, choices: str) -> None:
    decisions: dict[str, Any] = {
        "policy": [{"do": "allow", "reason": "x"}, {"strategy": named, "do": "veto", "reason": "x"}]
    }
    if committee:
        decisions["committee"] = {"enter_at": 0.1, "exit_at": 0}
    with pytest.raises(Invalid) as caught:
        backtest(body(decisions=decisions))
    assert caught.value.context["field"] == "decisions.policy.1.strategy"
    assert caught.value.context["remedy"] == f"choose from {choices}, or leave it out"
    decisions["policy"][1]["strategy"] = choices
    assert backtest(body(decisions=decisions))["fingerprint"]
