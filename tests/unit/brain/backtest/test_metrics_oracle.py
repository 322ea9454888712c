"""The metrics against empyrical (returns) and backtesting.py (trades, drawdowns): natively only."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.brain.backtest.accounts import DAY_MS, judged, trade
from tests.unit.brain.support import walk

pytestmark = pytest.mark.oracle
np = pytest.importorskip("numpy", reason="the oracles only run natively")
pd = pytest.importorskip("pandas", reason="the oracles only run natively")
empyrical = pytest.importorskip("empyrical", reason="empyrical only runs natively")
stats = pytest.importorskip("backtesting._stats", reason="backtesting.py only runs natively")


def normal(seed: int, length: int, drift: float, step: float) -> list[float]:
    chance, equity = random.Random(seed), [10_000.0]
    while len(equity) < length:
        equity.append(equity[-1] * (1.0 + chance.gauss(drift, step)))
    return equity


CURVES = {
    "recorded-like": walk(21, 3000),
    "rising": normal(1, 1000, 0.001, 0.01),
    "falling": normal(2, 1000, -0.002, 0.02),
    "wild": normal(3, 500, 0.0, 0.15),
    "quiet": normal(4, 400, 0.0, 1e-6),
    "mostly out of the market": [100.0] * 150 + walk(5, 100) + [120.0] * 150,
    "a crash": [*walk(6, 200), 20.0, *walk(7, 200)],
    "short": [100.0, 90.0, 95.0],
}


def compare(equity: list[float], year: float, risk_free: float) -> None:
    """Every number that empyrical has, to 1e-9."""
    found = judged(equity, periods_per_year=year, risk_free=risk_free)
    changes = np.diff(equity) / np.array(equity[:-1])
    per_bar = risk_free / year
    wanted = {
        "total_return": empyrical.cum_returns_final(changes),
        "cagr": empyrical.cagr(changes, annualization=year),
        "volatility": empyrical.annual_volatility(changes, annualization=year),
        "sharpe": empyrical.sharpe_ratio(changes, risk_free=per_bar, annualization=year),
        "sortino": empyrical.sortino_ratio(changes, required_return=per_bar, annualization=year),
        "calmar": empyrical.calmar_ratio(changes, annualization=year),
        "max_drawdown": -empyrical.max_drawdown(changes),
        "value_at_risk": -empyrical.value_at_risk(changes),
        "expected_shortfall": -empyrical.conditional_value_at_risk(changes),
    }
    for name, value in wanted.items():
        ours = getattr(found, name)
        if ours is None:  # where we say nothing, empyrical has nothing either, or a number made of rounding
            assert name in found.undefined
            assert not np.isfinite(value) or abs(value) > 1e9 or (name in TAIL and len(equity) <= 20), name
        else:
            assert ours == pytest.approx(value, rel=1e-9, abs=1e-11), name


TAIL = ("value_at_risk", "expected_shortfall")


@pytest.mark.parametrize("risk_free", [0.0, 0.03])
@pytest.mark.parametrize("year", [252, 365, 8760])
@pytest.mark.parametrize("kind", CURVES)
def test_equals_empyrical(kind: str, year: int, risk_free: float) -> None:
    compare(CURVES[kind], year, risk_free)


@settings(deadline=None, max_examples=150)
@given(
    equity=st.lists(st.integers(50, 200).map(float), min_size=3, max_size=80), scale=st.sampled_from([1e-3, 1.0, 1e6])
)
def test_equals_empyrical_on_any_curve(equity: list[float], scale: float) -> None:
    compare([value * scale for value in equity], 365, 0.0)


def stated(equity: list[float], results: list[float]) -> Any:
    """What backtesting.py says. Its profit factor and expectancy are of `ReturnPct`: given money there, of money."""
    days = pd.date_range("2024-01-01", periods=len(equity), freq="D")
    prices = pd.DataFrame({"Close": equity}, index=days)
    trades = pd.DataFrame({"PnL": results, "ReturnPct": results})
    trades["EntryBar"], trades["ExitBar"] = 1, 4
    trades["Duration"] = pd.Timedelta(days=1)
    return stats.compute_stats(trades, np.array(equity), prices, None, 0)


@pytest.fixture(autouse=True)
def _without_a_strategy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stats, "_indicator_warmup_nbars", lambda _: 0)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", [kind for kind in CURVES if kind != "short"])
def test_equals_backtesting_py(kind: str) -> None:
    chance, equity = random.Random(kind), CURVES[kind]
    results = [round(chance.gauss(1.0, 20.0), 2) or 0.01 for _ in range(80)]
    found = judged(equity, results, exposure_bars=4, closes={"A": equity})
    theirs = stated(equity, results)
    wanted = {
        "total_return": theirs["Return [%]"] / 100,
        "held_return": theirs["Buy & Hold Return [%]"] / 100,
        "max_drawdown": -theirs["Max. Drawdown [%]"] / 100,
        "longest_drawdown_ms": theirs["Max. Drawdown Duration"] / pd.Timedelta(milliseconds=1),
        "exposure": theirs["Exposure Time [%]"] / 100,
        "trades": theirs["# Trades"],
        "win_rate": theirs["Win Rate [%]"] / 100,
        "profit_factor": theirs["Profit Factor"],
        "expectancy": theirs["Expectancy [%]"] / 100,
        "sqn": theirs["SQN"],
        "kelly": theirs["Kelly Criterion"],
    }
    for name, value in wanted.items():
        assert getattr(found, name) == pytest.approx(value, rel=1e-9, abs=1e-12), name


@pytest.mark.filterwarnings("ignore")
def test_where_we_differ_from_backtesting_py_on_purpose() -> None:
    results = [10.0, -5.0, 0.0, 20.0]
    found, theirs = judged([100.0, 101.0], results), stated([100.0, 101.0, 102.0, 103.0, 104.0], results)
    assert theirs["Kelly Criterion"] == pytest.approx(0.5 - 0.5 / 3), "it counts a trade that broke even as a loss"
    assert found.kelly == pytest.approx(2 / 3 - 1 / 9), "and we leave it out"
    larger = [trade(10.0, qty=10.0), trade(-5.0)]
    assert judged([100.0], trades=larger).profit_factor == 2.0, "of money, not of what each trade returned"
    assert DAY_MS == 86_400_000
