"""Writes vectors/indicators.json: what TA-Lib says of a few series. Run it from the root, natively:

python -m tests.unit.brain.make_vectors
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import talib

PATH = Path(__file__).parent / "vectors" / "indicators.json"
LENGTH = 80


def series(kind: str) -> dict[str, list[float]]:
    """High, low and close of one kind of market."""
    chance = random.Random(kind)
    scale = {"huge": 1e9, "tiny": 1e-5}.get(kind, 1.0)
    close, rows = 100.0, []
    for at in range(LENGTH):
        opened = close
        close = opened * (1.0 if kind == "plateau" and 30 <= at < 60 else 1.0 + chance.uniform(-0.02, 0.02))
        shown = close * 50.0 if kind == "spike" and at == 40 else close
        wide = 1.0 if opened == close else chance.uniform(1.0, 1.01)
        rows.append(
            [round(scale * price, 12) for price in (max(opened, shown) * wide, min(opened, shown) / wide, shown)]
        )
    high, low, last = (list(column) for column in zip(*rows, strict=True))
    return {"high": high, "low": low, "close": last}


def values(name: str, period: int, market: dict[str, list[float]]) -> list[float | None]:
    """What TA-Lib says, None for NaN."""
    high, low, close = (np.array(market[column]) for column in ("high", "low", "close"))
    found = {
        "sma": lambda: talib.SMA(close, period),
        "rsi": lambda: talib.RSI(close, period),
        "atr": lambda: talib.ATR(high, low, close, period),
        "true_range": lambda: talib.TRANGE(high, low, close),
    }[name]()
    return [None if np.isnan(value) else float(value) for value in found]


def vectors() -> dict[str, Any]:
    """All of them."""
    markets = {kind: series(kind) for kind in ("walk", "huge", "tiny", "spike", "plateau")}
    periods = {"sma": (5, 20), "rsi": (3, 14), "atr": (3, 14), "true_range": (1,)}
    cases = [
        {"indicator": name, "period": period, "series": kind, "values": values(name, period, market)}
        for name, choices in periods.items()
        for period in choices
        for kind, market in markets.items()
    ]
    return {"source": f"TA-Lib {talib.__ta_version__.decode()}", "series": markets, "cases": cases}


if __name__ == "__main__":
    PATH.write_text(json.dumps(vectors(), separators=(",", ":")) + "\n")
