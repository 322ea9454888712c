"""Streaming indicators: NaN until warm, a state that survives JSON exactly, one file a family.

`batch` gives the same numbers for whole columns. `INDICATORS` names them all; docs/indicators.md is made from it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from brain.indicators.adaptive import EfficiencyRatio, Kama
from brain.indicators.average import Dema, Ema, Hma, Sma, Tema, Vwma, Wma
from brain.indicators.batch import batch
from brain.indicators.channels import Bollinger, Donchian, Keltner
from brain.indicators.extremes import Highest, Lowest
from brain.indicators.ichimoku import Ichimoku
from brain.indicators.indicator import Indicator
from brain.indicators.momentum import Macd, Mom, Roc, Rsi
from brain.indicators.oscillators import Cci, Stochastic, StochRsi, WilliamsR
from brain.indicators.realised import GarmanKlass, Parkinson, RealisedVolatility
from brain.indicators.statistics import LinearRegression, StdDev, ZScore
from brain.indicators.trend import Adx, Aroon, ParabolicSar, SuperTrend
from brain.indicators.volatility import Atr, Natr, TrueRange
from brain.indicators.volume import Cmf, Mfi, Obv, Vwap

_ALL: Final[tuple[type[Indicator], ...]] = (
    *(Sma, Ema, Wma, Dema, Tema, Hma, Kama, Vwma),
    *(Rsi, Macd, Mom, Roc, EfficiencyRatio),
    *(Stochastic, StochRsi, Cci, WilliamsR),
    *(TrueRange, Atr, Natr, RealisedVolatility, Parkinson, GarmanKlass),
    *(Bollinger, Donchian, Keltner, Highest, Lowest),
    *(Adx, Aroon, SuperTrend, ParabolicSar, Ichimoku),
    *(Obv, Mfi, Cmf, Vwap),
    *(StdDev, ZScore, LinearRegression),
)
INDICATORS: Final[Mapping[str, type[Indicator]]] = MappingProxyType({each.__name__: each for each in _ALL})
"""Every indicator by its name, in the order of its family."""

__all__ = [
    "INDICATORS",
    "Adx",
    "Aroon",
    "Atr",
    "Bollinger",
    "Cci",
    "Cmf",
    "Dema",
    "Donchian",
    "EfficiencyRatio",
    "Ema",
    "GarmanKlass",
    "Highest",
    "Hma",
    "Ichimoku",
    "Indicator",
    "Kama",
    "Keltner",
    "LinearRegression",
    "Lowest",
    "Macd",
    "Mfi",
    "Mom",
    "Natr",
    "Obv",
    "ParabolicSar",
    "Parkinson",
    "RealisedVolatility",
    "Roc",
    "Rsi",
    "Sma",
    "StdDev",
    "StochRsi",
    "Stochastic",
    "SuperTrend",
    "Tema",
    "TrueRange",
    "Vwap",
    "Vwma",
    "WilliamsR",
    "Wma",
    "ZScore",
    "batch",
]
