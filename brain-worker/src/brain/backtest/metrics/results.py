"""What the closed trades made; money in the account's currency, net of fees."""

from __future__ import annotations

import math
from collections.abc import Sequence

from brain.backtest.metrics.undefined import UndefinedError, deviation, mean

_EQUAL = 1e-12
"""Relative to the largest result: a spread below it is rounding."""


def profit_factor(results: Sequence[float]) -> float:
    """Gross profit over gross loss, a ratio; above 1 the run made money. UndefinedError without a losing trade."""
    lost = math.fsum(value for value in results if value < 0.0)
    if lost == 0.0:
        raise UndefinedError("no losing trade" if results else "no trade")
    return math.fsum(value for value in results if value > 0.0) / -lost


def expectancy(results: Sequence[float]) -> float:
    """Money made by the average trade."""
    return mean(results, "trade")


def win_rate(results: Sequence[float]) -> float:
    """Share of the trades that made money, 0..1; one that broke even did not."""
    return mean([1.0 if value > 0.0 else 0.0 for value in results], "trade")


def quality(results: Sequence[float]) -> float:
    """System quality number: `sqrt(trades) * mean / sample deviation` of the results, a ratio.

    Source: V. K. Tharp, Definitive Guide to Position Sizing (2008); of money instead of multiples of the risk, and
    without his limit of 100 trades.
    """
    largest = max(map(abs, results), default=0.0)
    spread = deviation(results, "trades", _EQUAL * largest)
    if spread == 0.0:
        raise UndefinedError("the trades do not vary")
    return math.sqrt(len(results)) * mean(results, "trade") / spread


def kelly(results: Sequence[float]) -> float:
    """Kelly fraction: `p - (1 - p) / b`, of the money at risk in a trade; below 0: do not trade.

    `p` is the share of winners and `b` the average win over the average loss. Trades that broke even are left out: they
    change neither the odds nor the bet. UndefinedError without winners or without losers.
    Source: J. L. Kelly, A New Interpretation of Information Rate (1956).
    """
    won = [value for value in results if value > 0.0]
    lost = [-value for value in results if value < 0.0]
    if not won or not lost:
        raise UndefinedError("no trade" if not results else "no losing trade" if won else "no winning trade")
    share = len(won) / (len(won) + len(lost))
    return share - (1.0 - share) * mean(lost, "trade") / mean(won, "trade")
