"""Streaming indicators: O(1) an update, NaN until warm, a state that survives JSON exactly.

Each class has `update(...) -> float`, the newest `value`, `warmup` (updates until the first number), `state()` and
`from_state()`.
"""

from brain.indicators.average import Sma
from brain.indicators.momentum import Rsi
from brain.indicators.volatility import Atr, TrueRange

__all__ = ["Atr", "Rsi", "Sma", "TrueRange"]
