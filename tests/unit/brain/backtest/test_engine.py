"""The engine: the same desk, the same strategies, one close after the other."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.backtest.engine import Backtest, run
from brain.backtest.plan import Carry, Outcome
from brain.bar import Bar, Idea
from brain.decisions.decider import Decider
from brain.registry import STRATEGIES
from brain.strategy import Strategy
from brain.view import View
from shared.model import Action, Model, OrderKind, Side
from shared.model.decision import DecisionConfig
from tests.unit.brain.backtest.support import CROSS, HOUR, both, plan, walk

DAY = 24


class Script(Model):
    """Nothing to set."""


class Scripted(Strategy[Script]):
    """Says what stands in `ideas` at the bar of that number."""

    name: ClassVar[str] = "scripted"
    version: ClassVar[int] = 1
    params_model: ClassVar[type[Model]] = Script
    remembers: ClassVar[tuple[str, ...]] = ("at",)
    ideas: ClassVar[dict[int, Any]] = {}

    def setup(self) -> None:
        self.at = -1

    def on_candle(self, view: View) -> Idea | None:
        self.at += 1
        said = self.ideas.get(self.at)
        if isinstance(said, Exception):
            raise said
        return said  # type: ignore[no-any-return]


BUY = Idea(Action.ENTER, Side.BUY, 0.5, "bought", {"n": 1.0}, 5.0)
SELL = Idea(Action.EXIT, Side.SELL, 0.5, "sold", {"n": 1.0})


def scripted(ideas: dict[int, Any]) -> dict[str, Any]:
    return {**STRATEGIES, "scripted": type("Scripted", (Scripted,), {"ideas": ideas})}


def told(ideas: dict[int, Any], series: dict[str, Sequence[Bar]], **changes: Any) -> Outcome:
    return run(plan(series, [{"name": "scripted", "params": {}}], known=scripted(ideas), **changes))


def flat(prices: Sequence[float]) -> list[Bar]:
    """Bars that stand still at their price."""
    return [Bar(at * HOUR.ms, price, price + 0.5, price - 0.5, price, 1e6) for at, price in enumerate(prices)]


def test_what_is_decided_at_a_close_fills_at_the_next_open() -> None:
    bars = [bar._replace(open=bar.close + 0.25) for bar in flat([100, 101, 102, 103, 104])]
    found = told({1: BUY, 3: SELL}, {"AAA": bars})
    [trade] = found.trades
    assert (trade.entry_ms, trade.entry_price) == (2 * HOUR.ms, 102.25)
    assert (trade.exit_ms, trade.exit_price) == (4 * HOUR.ms, 104.25)
    # one percent of the account is at stake at a stop 5 away
    assert trade.qty == 200.0
    assert trade.pnl == 400.0
    assert trade.reason == "proposal"
    assert trade.bars == 2
    assert found.equity[-1] == 100_400.0


def test_a_stop_that_rests_fills_at_its_price_within_the_bar() -> None:
    bars = flat([100, 100, 100, 100])
    bars[3] = Bar(3 * HOUR.ms, 98.0, 99.0, 90.0, 91.0, 1e6)
    found = told({0: BUY}, {"AAA": bars})
    [trade] = found.trades
    assert (trade.exit_price, trade.reason, trade.exit_ms) == (95.0, "stop", 4 * HOUR.ms)
    assert (trade.mae, trade.mfe) == (-5.0 * trade.qty, 0.5 * trade.qty)


def test_a_gap_over_the_stop_fills_at_the_open() -> None:
    found = told({0: BUY}, {"AAA": [*flat([100, 100, 100]), Bar(3 * HOUR.ms, 92.0, 93.0, 90.0, 91.0, 1e6)]})
    assert [trade.exit_price for trade in found.trades] == [92.0]


def test_equity_is_cash_and_what_is_held_at_its_close() -> None:
    found = told({0: BUY}, {"AAA": flat([100, 100, 103, 102])})
    assert list(found.equity) == [100_000.0, 100_000.0, 100_600.0, 100_400.0]
    assert found.exposure_bars == 3
    assert list(found.open_symbols) == ["AAA"]
    assert found.trades == []


def test_a_symbol_may_be_listed_midway_and_end_early() -> None:
    late = [bar._replace(open_time_ms=bar.open_time_ms + 50 * HOUR.ms) for bar in walk(4, 60)]
    found = run(plan({"AAA": walk(3, 200), "NEW": late}, [CROSS]))
    assert len(found.times_ms) == 200
    assert all(math.isfinite(worth) for worth in found.equity)
    assert {trade.symbol for trade in found.trades} <= {"AAA", "NEW"}


def test_one_bad_strategy_is_named_with_its_bar_and_never_stops_the_others() -> None:
    bad = scripted({7: ZeroDivisionError("x")})
    both = [{"name": "scripted", "params": {}}, CROSS]
    found = run(plan({"AAA": walk(1, 400)}, both, known=bad))
    alone = run(plan({"AAA": walk(1, 400)}, [CROSS]))
    assert found.trades == alone.trades
    [refused] = [each for each in found.refused if each.by == "scripted"]
    assert (refused.code, refused.symbol, refused.bar_close_ms) == ("strategy_error", "AAA", 8 * HOUR.ms)


@pytest.mark.parametrize(
    "said", [1, "buy", BUY._replace(score=math.nan), BUY._replace(score=2.0), BUY._replace(side="up")]
)
def test_nonsense_is_refused(said: Any) -> None:
    found = told({2: said}, {"AAA": walk(1, 10)})
    [refused] = found.refused
    assert (refused.by, refused.code, refused.bar_close_ms) == ("scripted", "strategy_error", 3 * HOUR.ms)


def test_what_the_desk_refuses_is_counted() -> None:
    found = told({1: SELL, 2: SELL}, {"AAA": walk(1, 10)})
    [refused] = found.refused
    assert (refused.by, refused.code, refused.times, refused.bar_close_ms) == ("desk", "no_position", 2, 2 * HOUR.ms)


def test_nothing_is_proposed_while_the_indicators_warm_up() -> None:
    found = told({1: BUY, 4: BUY}, {"AAA": flat([100] * 8)}, warmup_ms=3 * HOUR.ms)
    assert found.proposals == 1


def test_funding_is_paid_once_a_day_on_what_is_held_then() -> None:
    found = told({0: BUY}, {"AAA": flat([100] * (3 * DAY))}, carry=Carry(funding_bps=10.0))
    # 200 held at 100, at the first closes of the second, third and fourth day
    assert found.carry == -3 * 20.0
    assert found.equity[-1] == 100_000.0 - 60.0


def test_borrowing_is_paid_on_the_cash_that_is_missing() -> None:
    near = BUY._replace(stop_distance=0.8)
    free = told({0: near}, {"AAA": flat([100] * 30)}, carry=Carry(borrow_bps=10.0))
    assert free.carry == pytest.approx(-(free.traded_notional - 100_000) * 0.001 if free.traded_notional > 1e5 else 0.0)


def test_a_breaker_halts_the_backtest_as_it_halts_the_desk() -> None:
    falling = flat([100, 100, 99, 98, 97, 96, 95.5])
    guard = {"max_drawdown": {"limit_bps": 50}}
    found = told({0: BUY}, {"AAA": falling}, protections=guard)
    assert "below its peak" in found.halted


def test_it_may_be_run_in_pieces() -> None:
    made = plan({"AAA": walk(2, 300)}, [CROSS])
    piecewise = Backtest(made)
    steps = 0
    while piecewise.advance(37):
        steps += 1
    assert (piecewise.done, piecewise.total) == (300, 300)
    assert steps == 8
    assert piecewise.outcome() == run(made)


PROTECTIONS: list[dict[str, Any]] = [
    {},
    {"max_drawdown": {"limit_bps": 150}},
    {"daily_loss": {"limit_bps": 60}},
    {"cooldown": {}},
    {"consecutive_losses": {}},
    {"stoploss_guard": {}},
]


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    count=st.integers(1, 3),
    fast=st.integers(2, 5),
    target=st.sampled_from([0.0, 1.0, 3.0]),
    resting=st.booleans(),
    guarded=st.sampled_from(PROTECTIONS),
    gap=st.integers(0, 40),
    carry=st.sampled_from([Carry(), Carry(funding_bps=30.0), Carry(borrow_bps=50.0)]),
    pieces=st.integers(1, 40),
    more=st.sampled_from([[], [{"name": "rsi_reversion", "params": {"period": 3, "atr_period": 4}}]]),
)
def test_passing_over_quiet_bars_changes_nothing(
    seed: int,
    count: int,
    fast: int,
    target: float,
    resting: bool,
    guarded: dict[str, Any],
    gap: int,
    carry: Carry,
    pieces: int,
    more: list[dict[str, Any]],
) -> None:
    series = {f"S{at}": walk(seed + at, 160) for at in range(count)}
    series["S0"] = series["S0"][:50] + series["S0"][50 + gap :]
    cross = {"name": "sma_cross", "params": {"fast": fast, "slow": 9, "atr_period": 5, "target_atr": target}}
    paper = {"resting_stops": resting, "fee_bps": "5"}
    made = plan(series, [cross, *more], paper=paper, protections=guarded, carry=carry)
    quick, whole = both(made, pieces)
    assert quick == whole


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10_000), fee=st.sampled_from(["0", "10"]), cut=st.integers(60, 199))
def test_money_adds_up_and_the_future_changes_nothing(seed: int, fee: str, cut: int) -> None:
    bars = walk(seed, 200)
    quick = {"name": "sma_cross", "params": {"fast": 3, "slow": 8, "atr_period": 4}}
    found = run(plan({"AAA": bars}, [quick], paper={"fee_bps": fee}))
    if not found.open_symbols:
        assert found.equity[-1] == pytest.approx(100_000 + math.fsum(trade.pnl for trade in found.trades), abs=1e-6)
    early = run(plan({"AAA": bars[:cut]}, [quick], paper={"fee_bps": fee}))
    assert list(early.equity) == list(found.equity)[:cut]
    assert list(early.trades) == list(found.trades)[: len(early.trades)]
    for trade in found.trades:
        assert trade.mae <= min(0.0, trade.pnl + trade.fees) + 1e-6
        assert trade.mfe >= max(0.0, trade.pnl + trade.fees) - 1e-6


RSI: dict[str, Any] = {"name": "rsi_reversion", "params": {"period": 5, "atr_period": 5}}
TOGETHER: dict[str, Any] = {
    "committee": {"quorum": 1, "enter_at": 0.05, "exit_at": 0.0, "learning": {}},
    "sizing": {"kind": "fixed", "risk_bps": "25"},
}


def test_the_decision_stages_are_those_of_live_trading_and_learn_from_closed_trades() -> None:
    config = DecisionConfig.parse(json.dumps(TOGETHER))
    made = plan({"AAA": walk(5, 600)}, [CROSS, RSI], decisions=config)
    backtest = Backtest(made)
    backtest.advance()
    found = backtest.outcome()
    assert found.trades
    learnt, fresh = (
        backtest._decider.state(),
        Decider(config, "made", HOUR.ms, [each.key for each in made.choices]).state(),
    )
    assert learnt is not None and fresh is not None
    assert learnt["committee"][-1]["weights"] != fresh["committee"][-1]["weights"]
    assert run(made) == found
    # a quarter of a percent is at stake, not the desk's whole percent
    lost = [trade.pnl for trade in found.trades if trade.reason == "stop"]
    assert all(each > -300 for each in lost)


def entries(**terms: Any) -> Outcome:
    """An entry at the second close on these terms, over bars that fall to 97 and rise to 106."""
    bars = flat([100, 100, 99, 98, 97.5, 100, 103, 106, 106])
    return told({1: BUY._replace(**terms)}, {"AAA": bars})


def test_an_entry_may_wait_at_a_limit() -> None:
    found = entries(kind=OrderKind.LIMIT, limit_price=98.0)
    assert list(found.open_symbols) == ["AAA"]
    assert found.equity[-1] == 100_000 + 200 * (106 - 98)


def test_an_entry_may_set_off_at_a_trigger() -> None:
    found = entries(kind=OrderKind.STOP, trigger_price=102.0)
    # the bar that opens beyond it fills at its open
    assert found.equity[-1] == 100_000 + 200 * (106 - 103)


def test_a_stop_limit_is_paid_no_more_than_its_limit() -> None:
    assert entries(kind=OrderKind.STOP_LIMIT, trigger_price=102.0, limit_price=102.5).trades == []
    near = entries(kind=OrderKind.STOP_LIMIT, trigger_price=102.0, limit_price=103.0)
    assert near.equity[-1] == 100_000 + 200 * (106 - 103)


def test_an_entry_that_waits_too_long_is_over() -> None:
    assert entries(kind=OrderKind.LIMIT, limit_price=98.0, good_bars=1).exposure_bars == 0
    assert entries(kind=OrderKind.LIMIT, limit_price=98.0, good_bars=4).exposure_bars > 0


def test_a_trailing_stop_follows_and_never_falls_back() -> None:
    bars = flat([100, 100, 104, 108, 112, 104, 100])
    found = told({0: BUY._replace(trail_distance=5.0, stop_distance=None)}, {"AAA": bars})
    [trade] = found.trades
    assert trade.reason == "stop"
    assert trade.exit_price == pytest.approx(104.0, abs=3.0)
    assert trade.pnl > 0


def test_a_target_and_a_stop_end_one_another() -> None:
    bars = flat([100, 100, 103, 107, 95, 90])
    [trade] = told({0: BUY._replace(target_distance=6.0)}, {"AAA": bars}).trades
    assert (trade.reason, trade.exit_price) == ("target", 107.0)  # a gap gives the better price


@pytest.mark.parametrize(
    "terms",
    [
        {"kind": OrderKind.LIMIT},
        {"limit_price": 98.0},
        {"kind": OrderKind.STOP, "limit_price": 98.0},
        {"good_bars": 0},
        {"kind": OrderKind.LIMIT, "limit_price": -1.0},
        {"trail_distance": 0.0},
    ],
)
def test_terms_that_do_not_fit_are_the_strategys_error(terms: dict[str, Any]) -> None:
    [refused] = entries(**terms).refused
    assert (refused.by, refused.code) == ("scripted", "strategy_error")


def test_bars_are_counted_not_hours() -> None:
    # a weekend lies between the second bar and the third
    bars = [
        bar._replace(open_time_ms=bar.open_time_ms + (48 * HOUR.ms if at > 1 else 0))
        for at, bar in enumerate(flat([100] * 6))
    ]
    [trade] = told({0: BUY, 3: SELL}, {"AAA": bars}).trades
    assert trade.bars == 3
