"""Edges that the larger tests step over: a bar that just touches, lists that are too long, marks on a plot."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest

from brain.backtest import plot, report, request
from brain.backtest.bias import warmup
from brain.backtest.engine import Backtest, run
from brain.backtest.page import Section, page
from brain.backtest.report import thinned
from brain.backtest.search import MOST, Range, drawn
from brain.bar import Bar
from shared.clock import seeded
from shared.errors import Invalid
from shared.model import OrderKind
from tests.unit.brain.backtest.support import CROSS, HOUR, plan, reported, walk
from tests.unit.brain.backtest.test_engine import BUY, flat, scripted
from tests.unit.brain.backtest.test_request import body

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("skip", [True, False], ids=["skipping", "whole"])
@pytest.mark.parametrize("resting", [True, False], ids=["resting", "watched"])
@pytest.mark.parametrize(
    ("low", "high", "reason"),
    [(95.0, 100.5, "stop"), (95.01, 100.5, ""), (99.5, 106.01, "target")],
    ids=["touched", "not quite", "through"],
)
def test_a_price_that_just_touches_a_stop_fills_it(
    low: float, high: float, reason: str, resting: bool, skip: bool
) -> None:
    bars = flat([100] * 6)
    bars[3] = Bar(3 * HOUR.ms, 100.0, high, low, 100.0, 1e6)
    ideas = {0: BUY._replace(target_distance=6.0)}
    made = plan(
        {"AAA": bars}, [{"name": "scripted", "params": {}}], known=scripted(ideas), paper={"resting_stops": resting}
    )
    backtest = Backtest(made, skip=skip)
    backtest.advance()
    trades = backtest.outcome().trades
    assert [trade.reason for trade in trades] == ([reason] if reason else [])
    if reason and resting:
        assert trades[0].exit_price == (95.0 if reason == "stop" else 106.0)
        assert trades[0].exit_ms == 4 * HOUR.ms


@pytest.mark.parametrize("skip", [True, False], ids=["skipping", "whole"])
@pytest.mark.parametrize(
    ("terms", "touching", "beyond"),
    [
        ({"kind": OrderKind.LIMIT, "limit_price": 98.0}, Bar(0, 100.0, 100.0, 98.0, 99.0, 1e6), (98.0, 97.99)),
        ({"kind": OrderKind.STOP, "trigger_price": 102.0}, Bar(0, 100.0, 101.99, 100.0, 101.0, 1e6), (102.0, 102.0)),
    ],
    ids=["limit", "stop"],
)
def test_an_entry_that_waits_is_filled_by_the_bar_that_reaches_it(
    terms: dict[str, Any], touching: Bar, beyond: tuple[float, float], skip: bool
) -> None:
    price, extreme = beyond
    reaching = touching._replace(low=min(touching.low, extreme), high=max(touching.high, extreme))
    for bar, held in ((touching, 0.0), (reaching, price)):
        bars = flat([100] * 8)
        bars[5] = bar._replace(open_time_ms=5 * HOUR.ms)
        made = plan({"AAA": bars}, [{"name": "scripted", "params": {}}], known=scripted({0: BUY._replace(**terms)}))
        backtest = Backtest(made, skip=skip)
        backtest.advance()
        assert backtest.outcome().traded_notional == held * 200


def test_trades_beyond_the_most_are_counted_and_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    made = plan({"AAA": walk(1, 600)}, [CROSS])
    outcome = run(made)
    whole = report.report(made, outcome)
    assert whole["trades_left_out"] == 0
    monkeypatch.setattr(report, "MAX_TRADES", 3)
    told = report.report(made, outcome)
    assert told["trades"] == whole["trades"][:3]
    assert told["trades_left_out"] == len(whole["trades"]) - 3 > 0
    assert (told["metrics"], told["fingerprint"]) == (whole["metrics"], whole["fingerprint"])


def test_a_long_curve_is_thinned_to_the_extremes_of_each_stretch() -> None:
    values = [float(at % 10) for at in range(100)]
    values[37], values[63] = 99.0, -99.0
    kept = thinned(values, 10)
    assert kept == sorted(kept)
    assert {0, 99, 37, 63} <= set(kept)
    # stretches of twenty: in each the first of the lowest and the first of the highest
    assert kept == sorted({0, 9, 20, 37, 40, 49, 60 + 3, 60 + 9, 80, 89, 99})


def test_more_bars_than_one_call_takes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request, "MAX_BARS", 599)
    with pytest.raises(Invalid, match="market: 600 bars are more than 599; ask for less at a time"):
        reported(body())
    monkeypatch.setattr(request, "MAX_BARS", 600)
    assert reported(body())["metrics"]["bars"] == 600


@pytest.mark.parametrize("count", [0, -1, MOST + 1])
def test_a_number_of_draws_that_cannot_be_is_refused(count: int) -> None:
    with pytest.raises(Invalid, match=f"count: {count} must be 1 to {MOST}"):
        drawn({"fast": Range(2, 9)}, count, seeded(1))


def test_a_warm_up_is_told_by_the_name_of_its_strategy() -> None:
    both = [CROSS, {"name": "rsi_reversion", "params": {"period": 5, "atr_period": 5}}]
    found = {each.strategy: each for each in warmup(plan({"AAA": walk(1, 400)}, both), starts=2)}
    assert set(found) == {"sma_cross", "rsi_reversion"}
    assert found["sma_cross"].declared == 21
    assert sum(row.ideas for row in found["sma_cross"].rows) > 0


def test_a_table_has_its_head_and_its_rows() -> None:
    made = plan({"AAA": walk(1, 600)}, [CROSS])
    text = page(
        "a", (), report.report(made, run(made)), [], [Section("Extra", ("left", "right"), [("1", "2"), ("3", "4")])]
    )
    assert "<tr><th>left</th><th>right</th></tr><tr><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr>" in text


def trade(pnl: float) -> dict[str, Any]:
    times = {"entry_ms": 1_000_000, "exit_ms": 1_000_100}
    return {
        "symbol": "AAA",
        "qty": 1.0,
        "entry_price": 5.0,
        "exit_price": 5.0 + pnl,
        "pnl": pnl,
        "reason": "stop",
        **times,
    }


def test_what_was_won_and_what_was_lost_look_different_and_stand_in_their_place() -> None:
    drawn_ = ElementTree.fromstring(
        plot.on_price("AAA", [1_000_000, 1_000_100], [5.0, 6.0], [trade(1.0), trade(-1.0), trade(0.0)])
    )
    lines = [each for each in drawn_.iter() if "won" in each.get("class", "") or "lost" in each.get("class", "")]
    assert [each.get("class", "").split()[-1] for each in lines] == ["won", "lost", "lost"]
    # the first time of the data is the left edge, wherever on the calendar it lies
    [curve] = drawn_.iter(f"{SVG}polyline")
    first, last = (curve.get("points") or "").split()
    assert float(first.split(",")[0]) == plot.LEFT
    assert float(last.split(",")[0]) == plot.WIDTH - plot.RIGHT


def test_a_drawdown_is_an_area_down_from_nothing() -> None:
    drawn_ = ElementTree.fromstring(plot.drawdown({"t": [1000, 1050, 1100], "equity": [100.0, 75.0, 120.0]}))
    [area] = [each for each in drawn_.iter(f"{SVG}polygon") if each.get("class") == "area"]
    points = [tuple(map(float, each.split(","))) for each in (area.get("points") or "").split()]
    xs = [x for x, _ in points]
    assert (min(xs), max(xs)) == (plot.LEFT, plot.WIDTH - plot.RIGHT)
    assert points[0][1] == points[-1][1] == min(y for _, y in points), "it begins and ends at no drawdown"
    assert len(points) == 5
