"""Returns, and what is made of their mean and spread."""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import truediv

from brain.backtest.metrics.undefined import NOISE, UndefinedError, mean


def returns(equity: Sequence[float]) -> list[float]:
    """Simple return of each bar but the first, as a fraction: `equity[i] / equity[i - 1] - 1`.

    UndefinedError where equity is 0 or below before the last bar: nothing can be said of a return on it.
    """
    if len(equity) > 1 and min(equity[:-1]) <= 0.0:
        raise UndefinedError("equity fell to 0 or below")
    return [ratio - 1.0 for ratio in map(truediv, equity[1:], equity)]


def total_return(equity: Sequence[float]) -> float:
    """Fraction of the first equity: `last / first - 1`."""
    return equity[-1] / equity[0] - 1.0


def cagr(equity: Sequence[float], years: float) -> float:
    """Compound annual growth rate, a fraction a year: `(last / first) ** (1 / years) - 1`.

    UndefinedError if no time passed or the last equity is below 0.
    """
    if years <= 0.0:
        raise UndefinedError("fewer than two bars")
    if equity[-1] < 0.0:
        raise UndefinedError("equity ended below 0")
    return float((equity[-1] / equity[0]) ** (1.0 / years) - 1.0)


def volatility(spread: float, bars_per_year: float) -> float:
    """Annualised: the sample standard deviation `spread` of the bars' returns times `sqrt(bars_per_year)`."""
    return spread * math.sqrt(bars_per_year)


def sharpe(average: float, spread: float, bars_per_year: float, risk_free: float = 0.0) -> float:
    """Annualised Sharpe ratio: `(average - risk_free / bars_per_year) / spread * sqrt(bars_per_year)`.

    `average` and `spread` are the mean and the sample standard deviation of the bars' returns, `risk_free` a fraction a
    year. UndefinedError where the returns do not vary.
    Source: W. F. Sharpe, The Sharpe Ratio, Journal of Portfolio Management (1994).
    """
    if spread == 0.0:
        raise UndefinedError("the returns do not vary")
    return (average - risk_free / bars_per_year) / spread * math.sqrt(bars_per_year)


def sortino(returns: Sequence[float], bars_per_year: float, risk_free: float = 0.0) -> float:
    """Annualised Sortino ratio: the mean excess return over the root mean square of those below 0, of all bars.

    `risk_free`, a fraction a year, is also the least acceptable return. UndefinedError where none is below it.
    Source: F. A. Sortino and L. N. Price, Performance Measurement in a Downside Risk Framework (1994).
    """
    if len(returns) < 2:
        raise UndefinedError("fewer than two returns")
    least = risk_free / bars_per_year
    excess = [value - least for value in returns]
    below = [value * value for value in excess if value < -NOISE]
    if not below:
        raise UndefinedError("no bar lost")
    downside = math.sqrt(math.fsum(below) / len(excess))
    return mean(excess, "returns") / downside * math.sqrt(bars_per_year)


def calmar(cagr: float | None, max_drawdown: float) -> float:
    """CAGR over the largest drawdown, both fractions. Source: T. W. Young, Calmar Ratio, Futures (1991)."""
    if cagr is None:
        raise UndefinedError("there is no CAGR")
    if max_drawdown == 0.0:
        raise UndefinedError("there was no drawdown")
    return cagr / max_drawdown


def held_return(closes: Sequence[Sequence[float]]) -> float:
    """Buying every symbol for the same amount at its first close and keeping it to its last: the mean of
    `last / first - 1`, a fraction, without fees.
    """
    return mean([prices[-1] / prices[0] - 1.0 for prices in closes], "closes of a symbol were given")
