"""The indicators by their formulas, the whole window anew for every bar, in exact fractions as far as they go."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

from brain.indicators import INDICATORS, Rsi, batch
from tests.unit.brain.indicators.market import HOUR_MS, Columns, Lines

Found = tuple[float, ...]


def exact(values: Sequence[float]) -> list[Fraction]:
    return [Fraction(value) for value in values]


def mean(values: Sequence[Fraction]) -> Fraction:
    return sum(values, Fraction(0)) / len(values)


def root(value: Fraction) -> float:
    return math.sqrt(float(value))


def weighted(values: Sequence[Fraction]) -> Fraction:
    weights = range(1, len(values) + 1)
    return sum((each * weight for each, weight in zip(values, weights, strict=True)), Fraction(0)) / sum(weights)


def variance(values: Sequence[Fraction]) -> Fraction:
    middle = mean(values)
    return mean([(value - middle) ** 2 for value in values])


class Bars:
    """The columns up to one bar."""

    def __init__(self, columns: Columns, at: int) -> None:
        self.columns = columns
        self.at = at

    def last(self, name: str, bars: int, back: int = 0) -> list[float]:
        """The newest `bars` of a column, as of `back` bars before."""
        end = self.at + 1 - back
        return self.columns[name][end - bars : end]

    def typical(self, bars: int) -> list[float]:
        rows = zip(*(self.last(name, bars) for name in ("high", "low", "close")), strict=True)
        return [(high + low + close) / 3.0 for high, low, close in rows]

    def middle(self, bars: int, back: int = 0) -> float:
        return 0.5 * (max(self.last("high", bars, back)) + min(self.last("low", bars, back)))


def sma(bars: Bars, period: int) -> Found:
    return (float(mean(exact(bars.last("close", period)))),)


def wma(bars: Bars, period: int) -> Found:
    return (float(weighted(exact(bars.last("close", period)))),)


def hma(bars: Bars, period: int) -> Found:
    smooth = math.isqrt(period)
    raw = []
    for back in reversed(range(smooth)):
        window = exact(bars.last("close", period, back))
        raw.append(2 * weighted(window[-(period // 2) :]) - weighted(window))
    return (float(weighted(raw)),)


def vwma(bars: Bars, period: int) -> Found:
    closes, volumes = exact(bars.last("close", period)), exact(bars.last("volume", period))
    if not sum(volumes):
        return (float(closes[-1]),)
    return (float(sum(map(Fraction.__mul__, closes, volumes), Fraction(0)) / sum(volumes)),)


def std_dev(bars: Bars, period: int) -> Found:
    return (root(variance(exact(bars.last("close", period)))),)


def z_score(bars: Bars, period: int) -> Found:
    closes = exact(bars.last("close", period))
    spread = root(variance(closes))
    return (float(closes[-1] - mean(closes)) / spread if spread else 0.0,)


def bollinger(bars: Bars, period: int, deviations: float = 2.0) -> Found:
    closes = exact(bars.last("close", period))
    middle, half = mean(closes), deviations * root(variance(closes))
    share = float(closes[-1] - middle + Fraction(half)) / (2 * half) if half else 0.5
    return float(middle), float(middle) + half, float(middle) - half, share, 2 * half / float(middle)


def linear_regression(bars: Bars, period: int) -> Found:
    closes = exact(bars.last("close", period))
    times = [Fraction(at) for at in range(period)]
    away = [time - mean(times) for time in times]
    cross = sum((each * (close - mean(closes)) for each, close in zip(away, closes, strict=True)), Fraction(0))
    slope = cross / sum(each * each for each in away)
    spread = variance(closes) * period
    explained = slope * cross / spread if spread else Fraction(0)
    return float(mean(closes) + slope * (times[-1] - mean(times))), float(slope), float(explained)


def cci(bars: Bars, period: int) -> Found:
    typical = exact(bars.typical(period))
    middle = mean(typical)
    deviation = mean([abs(each - middle) for each in typical])
    return (float((typical[-1] - middle) / (deviation * 15 / 1000)) if deviation > middle / 10**12 else 0.0,)


def efficiency_ratio(bars: Bars, period: int) -> Found:
    closes = exact(bars.last("close", period + 1))
    way = sum(abs(now - before) for before, now in pairwise(closes))
    return (float(abs(closes[-1] - closes[0]) / way) if way else 0.0,)


def where(bars: Bars, period: int, back: int) -> Fraction:
    """Where the close stands in the range, in percent; 50 without one."""
    highest, lowest = max(bars.last("high", period, back)), min(bars.last("low", period, back))
    [close] = bars.last("close", 1, back)
    wide = Fraction(highest) - Fraction(lowest)
    return 100 * (Fraction(close) - Fraction(lowest)) / wide if wide else Fraction(50)


def williams_r(bars: Bars, period: int) -> Found:
    return (float(where(bars, period, 0) - 100),)


def stochastic(bars: Bars, period: int, smooth: int, signal: int) -> Found:
    slow = [mean([where(bars, period, back + more) for more in range(smooth)]) for back in range(signal)]
    return float(slow[0]), float(mean(slow))


def stoch_rsi(bars: Bars, period: int, window: int, signal: int) -> Found:
    index = batch(Rsi(period), {"close": bars.columns["close"][: bars.at + 1]})["value"]
    found = []
    for back in range(signal):
        end = len(index) - back
        last = index[end - window : end]
        wide = max(last) - min(last)
        found.append(100.0 * (last[-1] - min(last)) / wide if wide > 1e-9 else 50.0)
    return found[0], math.fsum(found) / signal


def highest(bars: Bars, period: int) -> Found:
    return (max(bars.last("high", period)),)


def lowest(bars: Bars, period: int) -> Found:
    return (min(bars.last("low", period)),)


def donchian(bars: Bars, period: int) -> Found:
    return bars.middle(period), max(bars.last("high", period)), min(bars.last("low", period))


def aroon(bars: Bars, period: int) -> Found:
    highs, lows = bars.last("high", period + 1)[::-1], bars.last("low", period + 1)[::-1]
    up, down = (100.0 * (period - age) / period for age in (highs.index(max(highs)), lows.index(min(lows))))
    return up - down, up, down


def ichimoku(bars: Bars, conversion: int, middle: int, slow: int, displacement: int) -> Found:
    def leads(back: int) -> tuple[float, float]:
        return 0.5 * (bars.middle(conversion, back) + bars.middle(middle, back)), bars.middle(slow, back)

    return bars.middle(conversion), bars.middle(middle), *leads(displacement), *leads(0)


def realised(bars: Bars, period: int, year: float = 365.0) -> Found:
    closes = bars.last("close", period + 1)
    returns = exact([math.log(now / before) for before, now in pairwise(closes)])
    return (root(variance(returns) * period / (period - 1) * Fraction(year)),)


def parkinson(bars: Bars, period: int, year: float = 365.0) -> Found:
    rows = zip(bars.last("high", period), bars.last("low", period), strict=True)
    total = math.fsum(math.log(high / low) ** 2 for high, low in rows)
    return (math.sqrt(year / (4.0 * period * math.log(2.0)) * total),)


def garman_klass(bars: Bars, period: int, year: float = 365.0) -> Found:
    rows = zip(*(bars.last(name, period) for name in ("open", "high", "low", "close")), strict=True)
    terms = [
        math.log(high / low) ** 2 / 2 - (2 * math.log(2.0) - 1) * math.log(close / opened) ** 2
        for opened, high, low, close in rows
    ]
    return (math.sqrt(year / period * math.fsum(terms)),)


def mfi(bars: Bars, period: int) -> Found:
    typical, volumes = bars.typical(period + 1), bars.last("volume", period + 1)
    rising = falling = Fraction(0)
    for at in range(1, period + 1):
        flow = Fraction(typical[at]) * Fraction(volumes[at])
        if not math.isclose(typical[at], typical[at - 1], rel_tol=1e-14):
            rising += flow if typical[at] > typical[at - 1] else 0
            falling += flow if typical[at] < typical[at - 1] else 0
    return (float(100 * rising / (rising + falling)) if rising + falling else 50.0,)


def cmf(bars: Bars, period: int) -> Found:
    flow = Fraction(0)
    for high, low, close, volume in zip(
        *(exact(bars.last(name, period)) for name in ("high", "low", "close", "volume")), strict=True
    ):
        flow += volume * (2 * close - low - high) / (high - low) if high > low else 0
    volume = sum(exact(bars.last("volume", period)))
    return (float(flow / volume) if volume else 0.0,)


def vwap(bars: Bars, session: int = 24 * HOUR_MS, anchor: int = 0) -> Found:
    times = bars.columns["open_time_ms"][: bars.at + 1]
    length = sum((time - anchor) // session == (times[-1] - anchor) // session for time in times)
    typical, volumes = exact(bars.typical(length)), exact(bars.last("volume", length))
    if not sum(volumes):
        return (float(typical[-1]),)
    return (float(sum(map(Fraction.__mul__, typical, volumes), Fraction(0)) / sum(volumes)),)


REFERENCE: dict[str, Callable[..., Found]] = {
    "Sma": sma,
    "Wma": wma,
    "Hma": hma,
    "Vwma": vwma,
    "EfficiencyRatio": efficiency_ratio,
    "Stochastic": stochastic,
    "StochRsi": stoch_rsi,
    "Cci": cci,
    "WilliamsR": williams_r,
    "RealisedVolatility": realised,
    "Parkinson": parkinson,
    "GarmanKlass": garman_klass,
    "Bollinger": bollinger,
    "Donchian": donchian,
    "Highest": highest,
    "Lowest": lowest,
    "Aroon": aroon,
    "Ichimoku": ichimoku,
    "Mfi": mfi,
    "Cmf": cmf,
    "Vwap": vwap,
    "StdDev": std_dev,
    "ZScore": z_score,
    "LinearRegression": linear_regression,
}


def formula(name: str, settings: Sequence[Any], columns: Columns) -> Lines:
    """Line -> values, NaN before the warm-up."""
    made = INDICATORS[name](*settings)
    rows: list[Found] = []
    for at in range(len(columns["close"])):
        cold = at + 1 < made.warmup
        rows.append((math.nan,) * len(made.lines) if cold else REFERENCE[name](Bars(columns, at), *settings))
    return {line: [row[place] for row in rows] for place, line in enumerate(made.lines)}
