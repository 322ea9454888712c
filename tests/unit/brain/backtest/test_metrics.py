"""What a run is judged by: worked examples, what must hold for any run, and input that cannot be."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.backtest.metrics import Metrics
from shared.errors import Invalid
from tests.unit.brain.backtest.accounts import DAY_MS, judged, trade

CURVE = [100.0, 120.0, 90.0, 60.0, 120.0, 110.0, 115.0, 121.0]
RESULTS = [10.0, -5.0, 0.0, 20.0, -5.0]


def test_returns_and_growth() -> None:
    found = judged([100.0, 110.0, 99.0, 121.0], times_ms=[0, DAY_MS, 2 * DAY_MS, 365 * DAY_MS])
    assert found.bars == 4
    assert found.total_return == pytest.approx(0.21)
    assert found.cagr == pytest.approx(0.21), "a year by the clock, however many bars are missing"
    counted = judged([100.0, 110.0, 99.0, 121.0], times_ms=[0, DAY_MS, 2 * DAY_MS, 365 * DAY_MS], periods_per_year=3)
    assert counted.cagr == pytest.approx(0.21), "a year of three bars"
    assert counted.volatility == pytest.approx(math.sqrt(3) * found.volatility / math.sqrt(365))


def test_sharpe_and_sortino_by_hand() -> None:
    found = judged([100.0, 110.0, 99.0], periods_per_year=4)  # returns 0.1 and -0.1
    assert found.volatility == pytest.approx(0.1 * math.sqrt(2) * 2)
    assert found.sharpe == pytest.approx(0.0, abs=1e-12)
    dearer = judged([100.0, 110.0, 99.0], periods_per_year=4, risk_free=0.2)  # 0.05 a bar: 0.05 and -0.15
    assert dearer.sharpe == pytest.approx(-0.05 / (0.1 * math.sqrt(2)) * 2)
    assert dearer.sortino == pytest.approx(-0.05 / math.sqrt(0.15**2 / 2) * 2)


def test_the_deepest_drawdown_and_the_longest_are_told_apart() -> None:
    found = judged(CURVE)
    assert found.max_drawdown == pytest.approx(0.5)
    assert found.drawdown_peak_ms == 2 * DAY_MS
    assert found.drawdown_trough_ms == 4 * DAY_MS
    assert found.drawdown_recovered_ms == 5 * DAY_MS, "back at the high is recovered"
    assert (found.drawdown_bars, found.drawdown_ms) == (3, 3 * DAY_MS)
    assert (found.longest_drawdown_bars, found.longest_drawdown_ms) == (3, 3 * DAY_MS)
    longer = judged([*CURVE, 120.0, 119.0, 120.0, 120.5, 120.0])
    assert (longer.max_drawdown, longer.drawdown_bars) == (found.max_drawdown, 3)
    assert longer.longest_drawdown_bars == 5, "not over at the end, and counted to there"


def test_a_drawdown_that_lasts_is_counted_to_the_end() -> None:
    found = judged([100.0, 80.0, 90.0])
    assert (found.drawdown_recovered_ms, found.drawdown_bars) == (None, 2)
    assert found.undefined["drawdown_recovered_ms"] == "not recovered by the last bar"


def test_of_equal_drawdowns_the_first_is_told() -> None:
    found = judged([100.0, 50.0, 100.0, 50.0, 100.0])
    assert (found.drawdown_peak_ms, found.drawdown_recovered_ms) == (DAY_MS, 3 * DAY_MS)


def test_calmar_is_growth_over_drawdown() -> None:
    found = judged([100.0, 80.0, 110.0])
    assert found.calmar == pytest.approx(found.cagr / 0.2)


def test_the_tail_is_of_the_worst_five_percent() -> None:
    equity = [100.0]
    for at in range(41):  # returns -0.20, -0.19, ... 0.20
        equity.append(equity[-1] * (1.0 + (at - 20) / 100))
    found = judged(equity)
    assert found.value_at_risk == pytest.approx(0.18)
    assert found.expected_shortfall == pytest.approx(0.19)
    few = judged(equity[:20])
    assert few.value_at_risk is None
    assert few.undefined["expected_shortfall"] == "fewer than 20 returns"


def test_the_trades() -> None:
    found = judged(CURVE, RESULTS)
    assert found.trades == 5
    assert found.profit_factor == pytest.approx(3.0)
    assert found.expectancy == pytest.approx(4.0)
    assert found.win_rate == pytest.approx(0.4)
    assert found.sqn == pytest.approx(math.sqrt(5) * 4.0 / math.sqrt(470 / 4))
    assert found.kelly == pytest.approx(0.5 - 0.5 / 3.0), "the one that broke even is left out"
    assert found.average_mae == pytest.approx(-13 / 5)
    assert found.average_mfe == pytest.approx(36 / 5)
    assert found.fees == pytest.approx(2.5)


def test_activity_and_holding() -> None:
    closes = {"A": [10.0, 1.0, 12.0], "B": [5.0, 5.0]}
    found = judged([100.0, 110.0, 120.0, 110.0], exposure_bars=3, traded_notional=220.0, closes=closes)
    assert found.exposure == 0.75
    assert found.turnover == pytest.approx(2.0)
    assert found.held_return == pytest.approx(0.1)


def test_what_cannot_be_said_is_none_with_a_reason() -> None:
    found = judged([100.0])
    assert found.total_return == 0.0
    reasons = {
        "cagr": "fewer than two bars",
        "volatility": "fewer than two returns",
        "sharpe": "no returns",
        "calmar": "there is no CAGR",
        "drawdown_peak_ms": "there was no drawdown",
        "profit_factor": "no trade",
        "kelly": "no trade",
        "held_return": "no closes of a symbol were given",
    }
    assert reasons.items() <= found.undefined.items()


def test_the_reasons_of_one_sided_runs() -> None:
    risen = judged([100.0, 110.0, 121.0], [5.0, 5.0])
    assert risen.volatility == 0.0
    assert risen.undefined["sharpe"] == "the returns do not vary", "what is left is rounding"
    assert risen.undefined["sortino"] == "no bar lost"
    assert risen.undefined["calmar"] == "there was no drawdown"
    assert risen.undefined["profit_factor"] == risen.undefined["kelly"] == "no losing trade"
    assert risen.undefined["sqn"] == "the trades do not vary"
    lost = judged([100.0, 90.0], [-5.0])
    assert lost.profit_factor == 0.0
    assert lost.undefined["kelly"] == "no winning trade"
    assert lost.undefined["sqn"] == "fewer than two trades"


def test_a_lost_account() -> None:
    gone = judged([100.0, 50.0, 0.0])
    assert (gone.total_return, gone.cagr, gone.max_drawdown) == (-1.0, -1.0, 1.0)
    owing = judged([100.0, -50.0, -40.0], traded_notional=10.0)
    assert (owing.total_return, owing.max_drawdown) == (-1.4, 1.5)
    assert owing.undefined["cagr"] == "equity ended below 0"
    assert owing.undefined["sharpe"] == "equity fell to 0 or below"
    assert judged([10.0, -50.0], traded_notional=1.0).undefined["turnover"] == "equity was 0 or below on average"


def test_what_no_float_can_hold_is_not_told_as_infinite() -> None:
    found = judged([1e-300, 1e300], interval_ms=1, times_ms=[0, 1])
    assert found.undefined["total_return"] == found.undefined["cagr"] == "too large or too small to count with"
    assert judged([1.0, 3.0], times_ms=[0, 1]).undefined["cagr"] == "too large or too small to count with"


money = st.floats(1.0, 1e9)
curves = st.lists(money, min_size=1, max_size=60)
outcomes = st.lists(st.integers(-(10**8), 10**8).map(lambda cents: cents / 100), max_size=30)
anything = st.floats(allow_nan=False, allow_infinity=False)


@given(equity=st.lists(anything, min_size=1, max_size=40), results=st.lists(st.floats(-1e300, 1e300), max_size=30))
def test_a_number_is_finite_or_none_with_a_reason(equity: list[float], results: list[float]) -> None:
    found = judged([max(abs(equity[0]), 5e-324), *equity[1:]], results)
    for name, value in found._asdict().items():
        if name != "undefined":
            assert (value is None) is (name in found.undefined), name
            assert value is None or math.isfinite(value), name


@given(equity=curves, results=outcomes, power=st.integers(-20, 20))
def test_the_unit_of_money_does_not_matter(equity: list[float], results: list[float], power: int) -> None:
    scale = 2.0**power  # a power of two rounds nothing away
    found = judged(equity, results)._asdict()
    scaled = judged([value * scale for value in equity], [value * scale for value in results])._asdict()
    for name in ("average_mae", "average_mfe", "fees"):  # the trades' own numbers stay as they are
        del found[name], scaled[name]
    if found["expectancy"] is not None:
        found["expectancy"] *= scale
    assert scaled == found


@given(equity=curves)
def test_a_drawdown_is_at_most_all(equity: list[float]) -> None:
    found = judged(equity)
    assert 0.0 <= found.max_drawdown < 1.0
    naive = max(1.0 - low / high for at, high in enumerate(equity) for low in equity[at:])
    assert found.max_drawdown == pytest.approx(max(naive, 0.0), abs=1e-15)
    assert 0 <= found.longest_drawdown_bars < len(equity)
    if found.drawdown_bars is not None:
        assert found.drawdown_bars <= found.longest_drawdown_bars
        assert found.drawdown_peak_ms < found.drawdown_trough_ms


@given(equity=curves)
def test_equity_that_never_falls_has_no_drawdown(equity: list[float]) -> None:
    found = judged(sorted(equity))
    assert (found.max_drawdown, found.longest_drawdown_bars) == (0.0, 0)
    assert found.sortino is None


@given(equity=st.lists(money, min_size=21, max_size=60))
def test_the_shortfall_is_no_less_than_the_value_at_risk(equity: list[float]) -> None:
    found = judged(equity)
    assert found.expected_shortfall >= found.value_at_risk - 1e-9 * abs(found.value_at_risk)
    assert found.expected_shortfall <= 1.0


@given(results=outcomes)
def test_the_order_of_the_trades_does_not_matter(results: list[float]) -> None:
    forth, back = judged([1.0], results), judged([1.0], results[::-1])
    assert forth.undefined == back.undefined
    for name in ("profit_factor", "expectancy", "win_rate", "sqn", "kelly"):
        assert getattr(forth, name) == getattr(back, name), name
    assert forth.win_rate is None or 0.0 <= forth.win_rate <= 1.0
    assert forth.kelly is None or forth.kelly < 1.0


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"equity": []}, "equity"),
        ({"equity": [100.0, math.nan]}, "equity[1]"),
        ({"equity": [100.0, 1.0, math.inf]}, "equity[2]"),
        ({"equity": [0.0, 1.0]}, "equity[0]"),
        ({"times_ms": [1]}, "times_ms"),
        ({"times_ms": [1, 1]}, "times_ms[1]"),
        ({"times_ms": [2, 1]}, "times_ms[1]"),
        ({"interval_ms": 0}, "interval_ms"),
        ({"periods_per_year": 0.0}, "periods_per_year"),
        ({"periods_per_year": math.nan}, "periods_per_year"),
        ({"risk_free": 2.0}, "risk_free"),
        ({"risk_free": math.nan}, "risk_free"),
        ({"exposure_bars": 3}, "exposure_bars"),
        ({"exposure_bars": -1}, "exposure_bars"),
        ({"traded_notional": -1.0}, "traded_notional"),
        ({"traded_notional": math.nan}, "traded_notional"),
        ({"closes": {"A": []}}, "closes['A']"),
        ({"closes": {"A": [1.0, 0.0]}}, "closes['A']"),
        ({"closes": {"A": [math.nan, 1.0]}}, "closes['A']"),
        ({"trades": [trade(1.0), trade(math.nan, mae=-1.0, mfe=1.0)]}, "trades[1].exit_price"),
        ({"trades": [trade(1.0, qty=0.0)]}, "trades[0].qty"),
        ({"trades": [trade(1.0, side="long")]}, "trades[0].side"),
        ({"trades": [trade(1.0, exit_ms=0)]}, "trades[0].exit_ms"),
        ({"trades": [trade(1.0, mae=1.0)]}, "trades[0].mae"),
        ({"trades": [trade(1.0, mfe=-1.0)]}, "trades[0].mfe"),
        ({"trades": [trade(1.0, bars=-1)]}, "trades[0].bars"),
    ],
)
def test_input_that_cannot_be_is_refused_by_name(changes: dict[str, Any], field: str) -> None:
    given: dict[str, Any] = {"equity": [100.0, 101.0]} | changes
    with pytest.raises(Invalid, match=re.escape(field)):
        judged(**given)


@pytest.mark.native
def test_every_metric_is_documented_and_no_other() -> None:
    page = (Path(__file__).parents[4] / "docs/metrics.md").read_text()
    table = page.split("## The numbers\n", 1)[1].split("\n## ", 1)[0]
    assert re.findall(r"^\| `(\w+)`", table, re.M) == list(Metrics._fields[:-1])
