"""Contracts of ten units, outcomes in units of the risk, and prices that are old."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.backtest.engine import Backtest
from brain.backtest.metrics.drawdown import deepest
from brain.backtest.page import prices_of
from brain.backtest.plan import Outcome as Found
from brain.backtest.words import NOTHING, refused_row
from brain.bar import Idea
from brain.decisions.decider import Decider
from brain.decisions.evidence import Outcome
from brain.registry import STRATEGIES
from brain.view import View
from shared.model.decision import DecisionConfig
from tests.unit.brain.backtest.accounts import judged
from tests.unit.brain.backtest.support import HOUR, instrument, plan
from tests.unit.brain.backtest.test_engine import BUY, SELL, Scripted, flat, scripted

ALONE = [{"name": "scripted", "params": {}}]
PRICES = [100, 100, 98, 104, 110, 110, 110]


def ran(multiplier: str = "1", decisions: Any = None, **paper: Any) -> Found:
    """Bought at the second open, sold at the fifth."""
    config = None if decisions is None else DecisionConfig.parse(json.dumps(decisions))
    ideas = scripted({0: BUY, 3: SELL, 5: BUY})
    made = plan({"AAA": flat(PRICES)}, ALONE, known=ideas, decisions=config, paper=paper)
    listed = (instrument("AAA", multiplier=multiplier),)
    backtest = Backtest(made._replace(opening=replace(made.opening, instruments=listed)))
    backtest.advance()
    return backtest.outcome()


def test_a_contract_of_ten_units_is_worth_ten_times_as_much() -> None:
    one, ten = ran(), ran("10")
    [unit], [contract] = one.trades, ten.trades
    # one percent of 100,000 at stake, 5 a unit away
    assert (unit.qty, contract.qty) == (200.0, 20.0)
    assert contract.entry_price == unit.entry_price == 100.0
    for name in ("pnl", "mae", "mfe"):
        assert getattr(contract, name) == getattr(unit, name), name
    assert (contract.pnl, contract.mae, contract.mfe) == (2000.0, -2.5 * 200, 10.0 * 200)
    assert list(ten.equity) == list(one.equity)
    # whole contracts only: of the 204 units that the last entry might buy, 200
    assert (one.traded_notional, ten.traded_notional) == (42_000 + 204 * 110, 42_000 + 20 * 10 * 110)


@pytest.mark.parametrize("multiplier", ["1", "10"])
def test_what_a_trade_made_is_told_in_units_of_the_risk_that_was_taken(
    multiplier: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Outcome] = []
    learn = Decider.learn

    def heard(self: Decider, outcomes: Iterable[Outcome]) -> None:
        found = list(outcomes)
        told.extend(found)
        learn(self, found)

    monkeypatch.setattr(Decider, "learn", heard)
    found = ran(multiplier, {"policy": []})
    [trade] = found.trades
    [outcome] = {each.key: each for each in told}.values()
    # 10 made on each unit, 5 at stake
    assert outcome.r == pytest.approx(2.0)
    assert (outcome.strategy, outcome.symbol, outcome.closed_ms) == ("scripted", "AAA", trade.exit_ms)
    told.clear()
    ran(multiplier, {"policy": []}, fee_bps="50")
    [outcome] = {each.key: each for each in told}.values()
    # and half a percent of 100 and of 110 paid
    assert outcome.r == pytest.approx((10.0 - 0.5 - 0.55) / 5.0)


class Each(Scripted):
    """Says what stands in `ideas` for its symbol and the number of its bar."""

    def on_candle(self, view: View) -> Idea | None:
        self.at += 1
        said: Idea | None = self.ideas.get((view.symbol, self.at))  # type: ignore[call-overload]
        return said


@pytest.mark.parametrize("skip", [True, False], ids=["skipping", "whole"])
def test_an_old_price_counts_as_old_whether_or_not_its_bar_was_passed_over(skip: bool) -> None:
    """Of a symbol that ended six closes ago, no more than was paid counts as equity where the next entry is sized."""
    known = {**STRATEGIES, "scripted": type("Each", (Each,), {"ideas": {("AAA", 0): BUY, ("BBB", 8): BUY}})}
    series = {"AAA": flat([100, 100, 103, 103, 103, 103]), "BBB": flat([50] * 12)}
    backtest = Backtest(plan(series, ALONE, known=known), skip=skip)
    backtest.advance()
    # 200 at 100, then 1 % of the same 100,000 at 5 away, at 50
    assert backtest.outcome().traded_notional == 200 * 100 + 200 * 50


def test_a_plot_has_its_prices_at_the_close() -> None:
    symbol, times, closes = prices_of("AAA", flat([100, 101, 102]), HOUR.ms)
    assert (symbol, list(times), list(closes)) == ("AAA", [HOUR.ms, 2 * HOUR.ms, 3 * HOUR.ms], [100, 101, 102])


def test_a_refusal_is_shown_with_its_first_bar() -> None:
    refused = {"by": "desk", "symbol": "AAA", "code": "x", "times": 3, "detail": "why", "bar_close_ms": 86_400_000}
    assert refused_row(refused) == ("desk", "AAA", "x", "3", "1970-01-02", "why")
    assert refused_row(refused | {"bar_close_ms": 0})[4] == NOTHING


def test_a_position_on_every_bar_is_all_of_the_time() -> None:
    assert judged([100.0, 101.0], exposure_bars=2).exposure == 1.0


@given(equity=st.lists(st.integers(1, 30).map(float), min_size=1, max_size=40))
def test_the_deepest_drawdown_is_recovered_when_equity_is_back_at_its_peak(equity: list[float]) -> None:
    found = deepest(equity)
    highs = [max(equity[: at + 1]) for at in range(len(equity))]
    falls = [1.0 - value / high for value, high in zip(equity, highs, strict=True)]
    assert found.depth == max(falls)
    if not found.depth:
        assert found.recovered is None
        return
    assert found.trough == falls.index(found.depth)
    high = highs[found.trough]
    assert found.peak == max(at for at in range(found.trough) if equity[at] == high)
    after = [at for at in range(found.trough, len(equity)) if equity[at] >= high]
    assert found.recovered == (after[0] if after else None)
