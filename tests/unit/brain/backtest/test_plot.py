"""Plots and pages: well-formed, complete, escaped, the same every time, and without anything from outside."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.backtest import plot
from brain.backtest.about import about
from brain.backtest.engine import run
from brain.backtest.page import SHOWN_TRADES, Section, page, prices_of
from brain.backtest.report import report
from brain.backtest.words import NOTHING, ROWS, doubts, lasting, metric_rows, when
from shared.backtest import Carry
from shared.model.decision import DecisionConfig
from tests.unit.brain.backtest.support import CROSS, HOUR, plan, walk

SVG = "{http://www.w3.org/2000/svg}"
PLAN = plan({"AAA": walk(1, 600), "BBB": walk(2, 600)}, [CROSS])
TOLD = report(PLAN, run(PLAN))
ABOUT = about(PLAN)
PRICES = [prices_of(symbol, bars, HOUR.ms) for symbol, bars in PLAN.series.items()]


def parsed(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)


def test_every_trade_is_marked_where_it_was_bought_and_where_it_was_sold() -> None:
    [first, _] = PRICES
    drawn = parsed(plot.on_price(*first, TOLD["trades"]))
    mine = [trade for trade in TOLD["trades"] if trade["symbol"] == "AAA"]
    for kind in ("buy", "sell"):
        assert len([each for each in drawn.iter(f"{SVG}polygon") if each.get("class") == kind]) == len(mine) > 3
    told = [each.text or "" for each in drawn.iter(f"{SVG}title")]
    assert f"bought {mine[0]['qty']:g} at {mine[0]['entry_price']:g}, {when(mine[0]['entry_ms'])}" in told


def test_the_curve_goes_through_its_points() -> None:
    drawn = parsed(plot.equity({"t": [0, 50, 100], "equity": [100.0, 300.0, 200.0]}))
    [line] = drawn.iter(f"{SVG}polyline")
    points = [tuple(map(float, each.split(","))) for each in (line.get("points") or "").split()]
    middle = (plot.LEFT + plot.WIDTH - plot.RIGHT) / 2
    floor, ceiling = plot.HEIGHT - plot.BOTTOM, plot.TOP
    assert points == [(plot.LEFT, floor), (middle, ceiling), (plot.WIDTH - plot.RIGHT, (floor + ceiling) / 2)]


def test_the_drawdown_is_that_of_the_curve() -> None:
    drawn = parsed(plot.drawdown({"t": [0, 1, 2], "equity": [100.0, 75.0, 120.0]}))
    labels = {each.text for each in drawn.iter(f"{SVG}text")}
    assert {"0", "-25"} <= labels


@given(
    values=st.lists(st.floats(-1e12, 1e12) | st.just(math.nan), max_size=30),
    step=st.integers(1, 10**10),
)
def test_any_curve_can_be_drawn(values: list[float], step: int) -> None:
    text = plot.equity({"t": [at * step for at in range(len(values))], "equity": values})
    assert "nan" not in text
    for each in parsed(text).iter():
        for name in ("x", "y", "cx", "cy", "x1", "y1", "x2", "y2"):
            assert math.isfinite(float(each.get(name, "0")))


@given(low=st.floats(-1e9, 1e9), width=st.floats(1e-3, 1e9))
def test_ticks_are_few_and_within(low: float, width: float) -> None:
    high = low + width
    if not high - low > 1e-4:
        return
    found = plot.ticks(low, high)
    assert 1 <= len(found) <= 8
    assert all(low - width * 1e-6 <= each <= high + width * 1e-6 for each in found)


def test_the_page_is_whole_and_takes_nothing_from_outside() -> None:
    text = page("SMA <cross> & more", ABOUT, TOLD, PRICES, [Section("Search", ("a", "b"), [("1", "<2>")], "a note")])
    tree = parsed(text.removeprefix("<!doctype html>"))
    assert len(list(tree.iter(f"{SVG}svg"))) == 4
    assert "SMA &lt;cross&gt; &amp; more" in text
    assert "<td>&lt;2&gt;</td>" in text
    assert TOLD["fingerprint"] in text
    assert not re.search(r"<script|<link|<img|\bsrc=|\bhref=|@import|url\(", text)
    assert set(re.findall(r"https?://[^\"]+", text)) == {"http://www.w3.org/2000/svg"}
    assert page("a", ABOUT, TOLD, PRICES) == page("a", ABOUT, TOLD, PRICES)


def test_the_page_says_what_was_run() -> None:
    told = dict(ABOUT)
    choice = PLAN.choices[0]
    assert told["strategy"].startswith(f"{choice.strategy.name} (version {choice.strategy.version}) ")
    assert all(f"{name}={value}" in told["strategy"] for name, value in choice.params.model_dump().items())
    assert told["symbols"] == "made: AAA, BBB; bars of 1h"
    assert told["account"] == "100000 USD"
    assert "fee_bps=" in told["paper venue"]
    assert "risk_per_trade_bps=" in told["limits"]
    first, last = PLAN.series["AAA"][0].open_time_ms, PLAN.series["AAA"][-1].open_time_ms
    assert told["span"] == f"{when(first)} to {when(last + HOUR.ms)} UTC"
    text = page("a", [*ABOUT, ("<b>", "&")], TOLD, PRICES)
    assert all(value in text for value in told.values())
    assert "&lt;b&gt;" in text


def test_what_is_set_beside_is_said_too() -> None:
    guarded = replace(PLAN.opening, protections={"max_drawdown": {"threshold_bps": 500}})
    told = about(PLAN._replace(opening=guarded, carry=Carry(funding_bps=1.5), warmup_ms=HOUR.ms, series={"AAA": []}))
    assert ("protection", "max_drawdown threshold_bps=500") in told
    assert ("carry", "funding_bps=1.5 borrow_bps=0.0") in told
    assert ("span", "no bars") in told
    assert dict(about(PLAN._replace(warmup_ms=HOUR.ms)))["span"].endswith(
        "; nothing is proposed until 1970-01-01 01:00"
    )


def test_what_was_decided_with_is_said_stage_by_stage() -> None:
    assert ("decisions", "none: every strategy for itself") in ABOUT
    assert ("decisions", "no stage is set") in about(PLAN._replace(decisions=DecisionConfig()))
    stages = {
        "score": {},
        "committee": {"enter_at": 0.2, "exit_at": 0, "learning": {"rate": 0.7}},
        "policy": [
            {"dissent": {"min": 0.4}, "do": "veto", "reason": "torn"},
            {"regimes": ["noisy", "chaotic"], "do": "shrink", "factor": "0.5", "reason": "rough"},
        ],
        "sizing": {"kind": "fixed", "risk_bps": "25"},
    }
    told = dict(about(PLAN._replace(decisions=DecisionConfig.parse(json.dumps(stages)))))
    assert "decisions" not in told
    assert told["decisions: score"] == "after=20 half_life=100"
    assert told["decisions: committee"].startswith("enter_at=0.2 exit_at=0.0 quorum=1 hold_bars=10 exit_votes=against ")
    assert "learning.rate=0.7 learning.floor=0.02" in told["decisions: committee"]
    assert told["decisions: policy 0"] == "symbols=* dissent.min=0.4 do=veto reason=torn"
    assert told["decisions: policy 1"] == "symbols=* regimes=noisy,chaotic do=shrink factor=0.5 reason=rough"
    assert told["decisions: sizing"] == "kind=fixed risk_bps=25"


def test_a_page_of_nothing() -> None:
    empty = plan({"AAA": walk(1, 1)}, [CROSS])
    told = report(empty, run(empty))
    text = page("nothing", about(empty), told, [prices_of("AAA", empty.series["AAA"], HOUR.ms)])
    parsed(text.removeprefix("<!doctype html>"))
    assert "None." in text


def test_many_trades_are_shown_in_part_and_said_to_be() -> None:
    many: dict[str, Any] = {**TOLD, "trades": TOLD["trades"][:1] * (SHOWN_TRADES + 50), "trades_left_out": 7}
    assert f"The first {SHOWN_TRADES} of {SHOWN_TRADES + 57}." in page("many", ABOUT, many, [])
    lots = plot.on_price(TOLD["trades"][0]["symbol"], [0, 1], [1.0, 2.0], TOLD["trades"][:1] * (plot.MAX_MARKS + 1))
    assert f"the first {plot.MAX_MARKS} drawn" in lots


def test_metrics_are_words_and_what_is_undefined_says_why() -> None:
    metrics = TOLD["metrics"]
    rows = {label: (value, why) for label, value, why in metric_rows(metrics)}
    assert rows["trades"] == (str(metrics["trades"]), "")
    assert rows["return"][0] == f"{metrics['total_return'] * 100:.2f} %"
    gone = metric_rows({**metrics, "sharpe": None, "undefined": {"sharpe": "the returns do not vary"}})
    assert ("Sharpe", NOTHING, "the returns do not vary") in gone
    assert {name for name, _, _ in ROWS} <= metrics.keys()
    assert metric_rows(None) == []


@pytest.mark.parametrize(
    ("ms", "text"), [(0, "0.0 h"), (5_400_000, "1.5 h"), (86_400_000, "1 d"), (90_000_000, "1 d 1 h")]
)
def test_times_are_days_and_hours(ms: int, text: str) -> None:
    assert lasting(ms) == text
    assert when(0) == "1970-01-01"
    assert when(HOUR.ms) == "1970-01-01 01:00"


def test_what_speaks_against_the_numbers_is_said_first() -> None:
    def refused(by: str, code: str, at: int) -> dict[str, Any]:
        return {"by": by, "symbol": "AAA", "code": code, "times": 1, "detail": "why", "bar_close_ms": at}

    day = 86_400_000
    told = {
        "refused": [
            refused("bad", "strategy_error", day),
            refused("bad", "over_budget", 0),
            refused("market", "price_jump", day),
        ],
        "coverage": None,
        "trades": [],
    }
    failed, unborn, split, none = doubts(told)
    assert failed == "bad failed on AAA, 1970-01-02, and said nothing from then on; what it held stayed open: why"
    assert " before its first bar, and said nothing: " in unborn
    assert "1970" not in unborn
    assert split == "AAA, 1970-01-02: why"
    assert none == "not one trade was closed; what was refused tells why"
    assert doubts({"refused": [refused("desk", "no_position", day)], "trades": [{}], "coverage": None}) == []


@pytest.mark.parametrize(
    ("held", "proposals", "why"),
    [
        ([], 0, ", and no strategy proposed anything"),
        ([], 2, ""),
        (["AAA"], 1, ", and what was bought is held to the end"),
    ],
)
def test_where_nothing_was_refused_no_refusal_is_pointed_at(held: list[str], proposals: int, why: str) -> None:
    told = {"refused": [], "coverage": None, "trades": [], "open_symbols": held, "proposals": proposals}
    assert doubts(told) == [f"not one trade was closed; nothing was refused either{why}"]
