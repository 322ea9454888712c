"""Walk forward: parameters are chosen on one stretch, judged on the next, and only the latter are joined together.

Source: R. Pardo, The Evaluation and Optimization of Trading Strategies (2008).
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from brain.backtest.engine import run
from brain.backtest.plan import Plan
from brain.backtest.search import Found, Params, with_params
from brain.backtest.trade import ClosedTrade
from brain.decisions import decimal_of
from brain.follower import MARKET, Follower
from brain.registry import STRATEGIES, AnyStrategy
from shared.errors import Invalid

Chooser = Callable[[Plan], Found]
"""Searches a plan."""


class Window(NamedTuple):
    """Three times: parameters are chosen on bars that open in [train_ms, test_ms), and judged in [test_ms, end_ms)."""

    train_ms: int
    test_ms: int
    end_ms: int


class Step(NamedTuple):
    """One window. `within` is the objective on the bars it was chosen on, `gain` the return on the others as a fraction.

    `params` are None where nothing could be chosen: the account then stood still.
    """

    window: Window
    params: Params | None
    within: float | None
    gain: float
    trades: int


class Forward(NamedTuple):
    """`equity` at each close of `times_ms`, of the stretches that were not searched, one after the other, compounded."""

    steps: Sequence[Step]
    times_ms: Sequence[int]
    equity: Sequence[float]
    trades: Sequence[ClosedTrade]
    exposure_bars: int
    traded_notional: float


def windows(
    times_ms: Sequence[int], train: int, test: int, anchored: bool = False, interval_ms: int = 1
) -> list[Window]:
    """Over bars that open at these ascending times: `train` bars, then `test`, moved on by `test`.

    Anchored ones all begin at the first bar and grow; else they roll. The last may be shorter. Invalid for none.
    """
    for name, bars in (("train", train), ("test", test)):
        if bars < 1:
            raise Invalid.field(name, bars, "must be at least 1", "give a number of bars")
    if train >= len(times_ms):
        rule = f"must be below the number of bars, {len(times_ms)}"
        raise Invalid.field("train", train, rule, "leave bars to be judged on")
    found = []
    for at in range(train, len(times_ms), test):
        end = times_ms[at + test] if at + test < len(times_ms) else times_ms[-1] + interval_ms
        found.append(Window(times_ms[0 if anchored else at - train], times_ms[at], end))
    return found


def cut(plan: Plan, from_ms: int, to_ms: int, warmup_bars: int = 0) -> Plan:
    """The bars that open within [from_ms, to_ms), and of each symbol so many before, on which nothing is proposed."""
    series = {}
    for symbol, bars in plan.series.items():
        first, end = (bisect_left(bars, at_ms, key=lambda bar: bar.open_time_ms) for at_ms in (from_ms, to_ms))
        kept = bars[max(0, first - warmup_bars) : end]
        if kept:
            series[symbol] = kept
    return plan._replace(series=series, warmup_ms=max(plan.warmup_ms, from_ms))


def walk_forward(
    plan: Plan,
    chosen: Sequence[Window],
    choose: Chooser,
    known: Mapping[str, type[AnyStrategy]] = STRATEGIES,
    warmup_factor: int = 3,
) -> Forward:
    """Each window searched with `choose` and judged afterwards.

    Indicators are warm when a stretch begins: the bars before it, `warmup_factor` times what the strategy declares, are
    taken without a trade. What is held at the end of a stretch is counted at its last close; the next one begins flat.
    """
    walk = _Walk(plan, known, warmup_factor)
    for window in chosen:
        found = choose(cut(plan, window.train_ms, window.test_ms))
        walk.take(window, found)
    return walk.forward()


class _Walk:
    """The account on its way through the windows."""

    def __init__(self, plan: Plan, known: Mapping[str, type[AnyStrategy]], warmup_factor: int) -> None:
        self._plan = plan
        self._known = known
        self._warmup_factor = warmup_factor
        self._worth = float(plan.opening.cash)
        self._steps: list[Step] = []
        self._times = array("q")
        self._equity = array("d")
        self._trades: list[ClosedTrade] = []
        self._exposed = 0
        self._traded = 0.0

    def take(self, window: Window, found: Found) -> None:
        """One stretch with what the one before it has left."""
        best, before = found.best, self._worth
        if best is None or before <= 0.0:
            self._steps.append(Step(window, None, None, 0.0, 0))
            return
        made = with_params(self._plan, best.params, self._known)
        made = made._replace(opening=replace(made.opening, cash=decimal_of(before)))
        warm = Follower(made.choices[0], MARKET, made.interval.ms).warmup_bars * self._warmup_factor
        outcome = run(cut(made, window.test_ms, window.end_ms, warm))
        for close_ms, worth in zip(outcome.times_ms, outcome.equity, strict=True):
            if close_ms > window.test_ms:
                self._times.append(close_ms)
                self._equity.append(worth)
                self._worth = worth
        self._trades += outcome.trades
        self._exposed += outcome.exposure_bars
        self._traded += outcome.traded_notional
        self._steps.append(Step(window, best.params, best.value, self._worth / before - 1.0, len(outcome.trades)))

    def forward(self) -> Forward:
        """All of it."""
        return Forward(self._steps, self._times, self._equity, self._trades, self._exposed, self._traded)
