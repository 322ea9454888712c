"""All of a run's numbers at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from brain.backtest.metrics import drawdown, growth, results, tail, year
from brain.backtest.metrics.account import check_activity, check_closes, check_equity, check_trades
from brain.backtest.metrics.undefined import UndefinedError, deviation, mean, settled
from brain.backtest.trade import ClosedTrade
from shared.errors import Invalid


class Metrics(NamedTuple):
    """A run judged. Shares and returns are fractions (0.1 is 10 %), losses positive, money in the account's currency.

    A field that has no answer is None, and `undefined` says why. `docs/metrics.md` has every unit and formula.
    """

    bars: int
    trades: int
    total_return: float | None
    cagr: float | None
    volatility: float | None
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    max_drawdown: float | None
    drawdown_peak_ms: int | None
    drawdown_trough_ms: int | None
    drawdown_recovered_ms: int | None
    drawdown_bars: int | None
    drawdown_ms: int | None
    longest_drawdown_bars: int
    longest_drawdown_ms: int
    value_at_risk: float | None
    expected_shortfall: float | None
    profit_factor: float | None
    expectancy: float | None
    win_rate: float | None
    sqn: float | None
    kelly: float | None
    exposure: float
    turnover: float | None
    average_mae: float | None
    average_mfe: float | None
    fees: float | None
    held_return: float | None
    undefined: Mapping[str, str]


def metrics(
    equity: Sequence[float],
    times_ms: Sequence[int],
    trades: Sequence[ClosedTrade],
    interval_ms: int,
    exposure_bars: int,
    traded_notional: float,
    *,
    periods_per_year: float | None = None,
    risk_free: float = 0.0,
    closes: Mapping[str, Sequence[float]] | None = None,
) -> Metrics:
    """Judge a run by the account's `equity` (money, shape (bars,)) at the closes `times_ms` and by its closed trades.

    A year is 365 days, or `periods_per_year` bars where that is given. `risk_free` is a fraction a year.
    `exposure_bars` counts the bars at whose close a position was open, `traded_notional` sums `qty * price` of every
    fill. `closes` are each symbol's, for the return of holding them. Invalid for input that cannot be.
    """
    check_equity(equity, times_ms)
    check_activity(len(equity), exposure_bars, traded_notional)
    check_trades(trades)
    check_closes(closes or {})
    if not -1.0 < risk_free < 1.0:
        raise Invalid.field("risk_free", risk_free, "must be above -1 and below 1", "give a fraction a year: 0.02")
    bars_a_year = year.bars_per_year(interval_ms, periods_per_year)
    table = _Table()
    _growth(table, equity, year.years(times_ms, periods_per_year), bars_a_year, risk_free)
    times = _drawdown(table, equity, times_ms)
    _trades(table, trades)
    table.put("turnover", lambda: _turnover(traded_notional, equity))
    table.put("held_return", lambda: growth.held_return(list((closes or {}).values())))
    return Metrics(
        bars=len(equity),
        trades=len(trades),
        exposure=exposure_bars / len(equity),
        undefined=table.reasons,
        **times,
        **table.values,
    )


class _Table:
    """Numbers by name as they are settled, and the reasons of those that have none."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.reasons: dict[str, str] = {}

    def put(self, name: str, formula: Callable[[], float]) -> float | None:
        value, reason = settled(formula)
        self.values[name] = value
        if reason:
            self.reasons[name] = reason
        return value


def _growth(table: _Table, equity: Sequence[float], years: float, bars_a_year: float, risk_free: float) -> None:
    returns = cache(lambda: growth.returns(equity))
    spread = cache(lambda: deviation(returns(), "returns"))
    rising = cache(lambda: tail.worst(returns()))
    table.put("total_return", lambda: growth.total_return(equity))
    table.put("cagr", lambda: growth.cagr(equity, years))
    table.put("volatility", lambda: growth.volatility(spread(), bars_a_year))
    table.put("sharpe", lambda: growth.sharpe(mean(returns(), "returns"), spread(), bars_a_year, risk_free))
    table.put("sortino", lambda: growth.sortino(returns(), bars_a_year, risk_free))
    table.put("value_at_risk", lambda: tail.value_at_risk(rising()))
    table.put("expected_shortfall", lambda: tail.expected_shortfall(rising()))


def _drawdown(table: _Table, equity: Sequence[float], times_ms: Sequence[int]) -> dict[str, Any]:
    """The drawdown's depth and Calmar go into the table; when it was and how long it took come back."""
    found = drawdown.deepest(equity)
    depth = table.put("max_drawdown", lambda: found.depth)
    table.put("calmar", lambda: growth.calmar(table.values["cagr"], found.depth))
    begin, end = found.longest
    times: dict[str, Any] = {
        "longest_drawdown_bars": end - begin,
        "longest_drawdown_ms": times_ms[end] - times_ms[begin],
    }
    names = ("drawdown_peak_ms", "drawdown_trough_ms", "drawdown_recovered_ms", "drawdown_bars", "drawdown_ms")
    if not depth:
        table.reasons |= dict.fromkeys(names, "there was no drawdown")
        return times | dict.fromkeys(names, None)
    until = len(equity) - 1 if found.recovered is None else found.recovered
    if found.recovered is None:
        table.reasons["drawdown_recovered_ms"] = "not recovered by the last bar"
    recovered = None if found.recovered is None else times_ms[until]
    lasted = (until - found.peak, times_ms[until] - times_ms[found.peak])
    return times | dict(zip(names, (times_ms[found.peak], times_ms[found.trough], recovered, *lasted), strict=True))


def _trades(table: _Table, trades: Sequence[ClosedTrade]) -> None:
    made = [trade.pnl for trade in trades]
    table.put("profit_factor", lambda: results.profit_factor(made))
    table.put("expectancy", lambda: results.expectancy(made))
    table.put("win_rate", lambda: results.win_rate(made))
    table.put("sqn", lambda: results.quality(made))
    table.put("kelly", lambda: results.kelly(made))
    table.put("average_mae", lambda: mean([trade.mae for trade in trades], "trade"))
    table.put("average_mfe", lambda: mean([trade.mfe for trade in trades], "trade"))
    table.put("fees", lambda: math.fsum(trade.fees for trade in trades))


def _turnover(traded_notional: float, equity: Sequence[float]) -> float:
    """How often the account was traded over in the whole run: notional of all fills over the mean equity."""
    average = mean(equity, "bars")
    if average <= 0.0:
        raise UndefinedError("equity was 0 or below on average")
    return traded_notional / average
