"""The yardstick: backtesting.py with the same rule on the same bars, by its own documentation's example."""

from __future__ import annotations

import time
from typing import Any

import pandas as pd
from backtesting import Backtest, Strategy
from backtesting.lib import crossover


def average(values: Any, period: int) -> Any:
    """A simple moving average, vectorised."""
    return pd.Series(values).rolling(period).mean()


def seconds(asked: dict[str, Any]) -> float:
    """Of `run` alone, the second time."""
    columns, fast, slow = asked["columns"], asked["fast"], asked["slow"]

    class Cross(Strategy):  # type: ignore[misc, unused-ignore]
        """Long above, out below."""

        def init(self) -> None:
            """The two averages."""
            self.fast = self.I(average, self.data.Close, fast)
            self.slow = self.I(average, self.data.Close, slow)

        def next(self) -> None:
            """One bar."""
            if crossover(self.fast, self.slow):
                self.buy()
            elif crossover(self.slow, self.fast):
                self.position.close()

    names = {"Open": "o", "High": "h", "Low": "l", "Close": "c", "Volume": "v"}
    frame = pd.DataFrame({name: columns[short] for name, short in names.items()})
    frame.index = pd.to_datetime(columns["t"], unit="ms")
    backtest = Backtest(frame, Cross, cash=1_000_000, commission=0)
    backtest.run()
    begun = time.perf_counter()
    backtest.run()
    return time.perf_counter() - begun
