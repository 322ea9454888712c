"""What TA-Lib says of a market, by our names; natively only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import talib

from tests.unit.brain.indicators.market import Columns, Lines

Arrays = dict[str, Any]


def _adx(a: Arrays, period: int) -> tuple[Any, ...]:
    hlc = (a["high"], a["low"], a["close"])
    index = talib.ADX(*hlc, period)
    cold = np.isnan(index)
    sides = [np.where(cold, np.nan, each(*hlc, period)) for each in (talib.PLUS_DI, talib.MINUS_DI)]
    return (index, *sides)


def _bollinger(a: Arrays, period: int, deviations: float = 2.0) -> tuple[Any, ...]:
    upper, middle, lower = talib.BBANDS(a["close"], period, deviations, deviations)
    return middle, upper, lower, (a["close"] - lower) / (upper - lower), (upper - lower) / middle


def _regression(a: Arrays, period: int) -> tuple[Any, ...]:
    close = a["close"]
    time = np.arange(float(len(close)))
    return talib.LINEARREG(close, period), talib.LINEARREG_SLOPE(close, period), talib.CORREL(time, close, period) ** 2


def _aroon(a: Arrays, period: int) -> tuple[Any, ...]:
    down, up = talib.AROON(a["high"], a["low"], period)
    return talib.AROONOSC(a["high"], a["low"], period), up, down


def _middle_first(bands: tuple[Any, Any, Any]) -> tuple[Any, ...]:
    upper, middle, lower = bands
    return middle, upper, lower


def _kama(a: Arrays, period: int) -> tuple[Any, ...]:
    return (talib.KAMA(a["close"], period),)


def _super_trend(a: Arrays, *settings: Any) -> tuple[Any, ...]:
    line, trend = talib.SUPERTREND(a["high"], a["low"], a["close"], *settings)
    return line, np.where(np.isnan(line), np.nan, trend.astype(float))


HLC = ("high", "low", "close")
SAYS: dict[str, Callable[..., tuple[Any, ...]]] = {
    **{
        name: lambda a, *s, function=function, columns=columns: (function(*(a[each] for each in columns), *s),)
        for name, function, columns in (
            ("Sma", talib.SMA, ("close",)),
            ("Ema", talib.EMA, ("close",)),
            ("Wma", talib.WMA, ("close",)),
            ("Dema", talib.DEMA, ("close",)),
            ("Tema", talib.TEMA, ("close",)),
            ("Hma", talib.HMA, ("close",)),
            ("Vwma", talib.VWMA, ("close", "volume")),
            ("Rsi", talib.RSI, ("close",)),
            ("Mom", talib.MOM, ("close",)),
            ("Roc", talib.ROC, ("close",)),
            ("EfficiencyRatio", talib.ER, ("close",)),
            ("Cci", talib.CCI, HLC),
            ("WilliamsR", talib.WILLR, HLC),
            ("TrueRange", talib.TRANGE, HLC),
            ("Atr", talib.ATR, HLC),
            ("Natr", talib.NATR, HLC),
            ("Highest", talib.MAX, ("high",)),
            ("Lowest", talib.MIN, ("low",)),
            ("ParabolicSar", talib.SAR, ("high", "low")),
            ("Obv", talib.OBV, ("close", "volume")),
            ("Mfi", talib.MFI, (*HLC, "volume")),
            ("Cmf", talib.CMF, (*HLC, "volume")),
            ("Vwap", talib.VWAP, (*HLC, "volume")),
            ("StdDev", talib.STDDEV, ("close",)),
        )
    },
    "Kama": _kama,
    "Macd": lambda a, *s: talib.MACD(a["close"], *s),
    "Stochastic": lambda a, k, smooth, d: talib.STOCH(a["high"], a["low"], a["close"], k, smooth, 0, d, 0),
    "StochRsi": lambda a, period, window, d: talib.STOCHRSI(a["close"], period, window, d),
    "Bollinger": _bollinger,
    "Donchian": lambda a, *s: _middle_first(talib.DONCHIAN(a["high"], a["low"], *s)),
    "Keltner": lambda a, *s: _middle_first(talib.KC(a["high"], a["low"], a["close"], *s)),
    "Adx": _adx,
    "Aroon": _aroon,
    "SuperTrend": _super_trend,
    "LinearRegression": _regression,
}
"""Our name -> its lines in our order, for those settings that TA-Lib has too."""
LINES = {
    "ParabolicSar": ("value",),
}
"""Where TA-Lib has fewer lines than ours."""


def says(name: str, settings: Sequence[Any], columns: Columns, lines: Sequence[str]) -> Lines:
    """Line -> values, NaN before the first."""
    arrays = {column: np.array(values, dtype=float) for column, values in columns.items()}
    with np.errstate(all="ignore"):
        found = SAYS[name](arrays, *settings)
    return {line: values.tolist() for line, values in zip(lines, found, strict=False)}
