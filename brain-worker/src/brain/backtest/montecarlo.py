"""What else could have happened: the same trades in another order, the same bars in another sequence.

Chance is handed in, a `random.Random(seed)` of the caller's: the same seed gives the same answer on every Python, for
nothing but its `random()` is asked. Sources: B. Efron, Bootstrap Methods, Annals of Statistics (1979); D. N. Politis and
J. P. Romano, A Circular Block-Resampling Procedure for Stationary Data (1992).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Final, NamedTuple, Protocol

from brain.backtest.each import Each
from brain.backtest.metrics.account import check_trades
from brain.backtest.metrics.drawdown import depth
from brain.backtest.trade import ClosedTrade
from brain.bar import Bar
from shared.errors import Invalid

MOST_RUNS: Final = 100_000
_PRICES: Final = (1e-12, 1e15)
"""What a made price may be: beyond it the bars' own jumps were drawn too often to mean anything."""

_EQUAL: Final = 1e-12
"""Drawdowns as close as this are the same: another order rounds otherwise."""


class Chance(Protocol):
    """Where draws come from."""

    def random(self) -> float:
        """Uniform in [0, 1)."""


class Quantiles(NamedTuple):
    """Of many runs: the value that 5, 25, 50, 75 and 95 % of them do not exceed, interpolated, and the mean."""

    p05: float
    p25: float
    p50: float
    p75: float
    p95: float
    mean: float


class Reordered(NamedTuple):
    """`max_drawdown` are fractions, `final_equity` money, `ruined` the share of the runs whose equity fell to 0 or below.

    `as_deep` is the share of the runs whose drawdown was at least the recorded one: near 1, the recorded order was kind.
    """

    runs: int
    max_drawdown: Quantiles
    final_equity: Quantiles
    ruined: float
    as_deep: float


def quantiles(values: Sequence[float]) -> Quantiles:
    """Of finite numbers in any order, at least one; the same interpolation as the value at risk."""
    if not values or not all(map(math.isfinite, values)):
        raise Invalid.field("values", list(values[:3]), "must be finite, one at least", "judge every run by a number")
    rising = sorted(values)
    p05, p25, p50, p75, p95 = (_quantile(rising, percent) for percent in (5, 25, 50, 75, 95))
    return Quantiles(p05, p25, p50, p75, p95, math.fsum(rising) / len(rising))


def _quantile(rising: Sequence[float], percent: int) -> float:
    below, rest = divmod((len(rising) - 1) * percent, 100)
    low = rising[below]
    return low + (rising[below + 1] - low) * (rest / 100) if rest else low


def reordered(
    trades: Sequence[ClosedTrade],
    start: float,
    runs: int,
    chance: Chance,
    *,
    replace: bool = False,
    compound: bool = False,
) -> Reordered:
    """The trades in `runs` other orders, or drawn with replacement, on an account that starts with `start`.

    Each trade adds its result, or with `compound` its share of the equity it was recorded at. Trades are taken as
    closed one after the other; an account that is lost trades no more.
    Invalid for no trades, or where the recorded account was lost and shares are asked for.
    """
    _check_runs(runs)
    check_trades(trades)
    if not trades:
        raise Invalid.field("trades", [], "must hold at least one", "run a strategy that trades")
    if not 0.0 < start < math.inf:
        raise Invalid.field("start", start, "must be finite and above 0", "give the money at the start")
    made = [trade.pnl for trade in sorted(trades, key=lambda trade: trade.exit_ms)]
    if compound:
        made = _factors(made, start)
    step = _multiplied if compound else _added
    recorded = depth(list(accumulate(made, step, initial=start)))
    draw = _drawn if replace else _shuffled
    depths, ends, ruined = [], [], 0
    for _ in range(runs):
        path = list(accumulate(draw(made, chance), step, initial=start))
        depths.append(depth(path))
        ends.append(path[-1])
        ruined += path[-1] <= 0.0
    as_deep = sum(each >= recorded - _EQUAL for each in depths)
    return Reordered(runs, quantiles(depths), quantiles(ends), ruined / runs, as_deep / runs)


def _added(equity: float, result: float) -> float:
    return equity + result if equity > 0.0 else equity


def _multiplied(equity: float, factor: float) -> float:
    return equity * factor


def _factors(made: Sequence[float], start: float) -> list[float]:
    """What each trade multiplied the account by; 0 where it took more than all."""
    equity = list(accumulate(made, initial=start))
    for at, before in enumerate(equity[:-1]):
        if before <= 0.0:
            raise Invalid.field(f"trades[{at}]", before, "must begin with equity above 0", "leave compound off")
    return [max(0.0, (before + result) / before) for before, result in zip(equity, made, strict=False)]


def _shuffled(values: Sequence[float], chance: Chance) -> list[float]:
    """Fisher and Yates: every order is as likely."""
    mixed = list(values)
    for at in range(len(mixed) - 1, 0, -1):
        other = int(chance.random() * (at + 1))
        mixed[at], mixed[other] = mixed[other], mixed[at]
    return mixed


def _drawn(values: Sequence[float], chance: Chance) -> list[float]:
    return [values[int(chance.random() * len(values))] for _ in values]


def resampled(bars: Sequence[Bar], block: int, chance: Chance) -> list[Bar]:
    """A market that could have been: as many bars at the same times, from the same first one on.

    Every other bar is a recorded one relative to the close before it, drawn in blocks of `block` that follow each other
    in the record (circular, so that all are as likely): what stands within a block, such as swings of volatility, is
    kept, and so is low <= open, close <= high. Volume comes with the bar. Prices are not rounded to ticks.
    """
    if len(bars) < 2:
        raise Invalid.field("bars", len(bars), "must be at least 2", "give bars to draw from")
    if not 1 <= block < len(bars):
        raise Invalid.field("block", block, f"must be 1 to {len(bars) - 1}", "give the length of a block in bars")
    for at, bar in enumerate(bars):
        if not 0.0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high < math.inf:
            raise Invalid.field(f"bars[{at}]", tuple(bar), "must have 0 < low <= open, close <= high", "mend the bar")
    made = [bars[0]]
    for at, place in zip(range(1, len(bars)), _blocks(len(bars) - 1, block, chance), strict=False):
        made.append(_moved(bars[place + 1], bars[place].close, made[-1].close, bars[at].open_time_ms))
    return made


def _blocks(count: int, block: int, chance: Chance) -> Iterator[int]:
    """Places 0..count - 1, endlessly, `block` in a row from wherever chance says."""
    while True:
        first = int(chance.random() * count)
        for step in range(block):
            yield (first + step) % count


def _moved(bar: Bar, before: float, close: float, open_time_ms: int) -> Bar:
    """The bar as it would be after `close` instead of `before`. Rounding keeps the order of its prices."""
    prices = [close * (price / before) for price in (bar.open, bar.high, bar.low, bar.close)]
    if not _PRICES[0] <= prices[2] <= prices[1] <= _PRICES[1]:
        rule = f"a made price left {_PRICES[0]:g} to {_PRICES[1]:g}"
        raise Invalid.field(f"bar at {open_time_ms}", prices, rule, "leave jumps and splits out of the bars")
    return Bar(open_time_ms, prices[0], prices[1], prices[2], prices[3], bar.volume)


def over_markets(
    bars: Sequence[Bar],
    block: int,
    runs: int,
    chance: Chance,
    judge: Callable[[list[Bar]], float],
    each: Each = map,
) -> Quantiles:
    """What `judge` (a backtest, and one number of it) says of `runs` markets made from the bars."""
    _check_runs(runs)
    return quantiles(list(each(judge, (resampled(bars, block, chance) for _ in range(runs)))))


def _check_runs(runs: int) -> None:
    if not 1 <= runs <= MOST_RUNS:
        raise Invalid.field("runs", runs, f"must be 1 to {MOST_RUNS}", "a few hundred tell the middle, more the tails")
