"""What the tests of strategies share: markets with wicks, and what a strategy said of them."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from brain.bar import Bar, Idea
from brain.follower import MarketFollower
from brain.registry import STRATEGIES, AnyStrategy
from brain.request import Choice
from shared.model import Action
from tests.unit.brain.support import DAY_MS, bars, say, walk

Said = list[tuple[int, Idea]]
Series = dict[str, list[Bar]]
SYMBOLS = ("A", "B", "C")
LENGTH = 180

QUICK: dict[str, dict[str, Any]] = {
    "bollinger_reversion": {"period": 5, "deviations": 1.5, "atr_period": 3},
    "donchian_breakout": {"entry": 5, "exit": 3, "atr_period": 4},
    "dual_momentum": {"lookback": 4, "top": 2, "every": 3, "atr_period": 3},
    "frame_pullback": {"bars": 3, "trend": 2, "period": 2, "atr_period": 3},
    "keltner_squeeze": {"period": 5, "min_bars": 2, "atr_period": 4, "multiple": 1.0},
    "macd_adx": {"fast": 2, "slow": 5, "signal": 3, "adx_period": 3, "atr_period": 3},
    "pairs": {"first": "A", "second": "B", "window": 20, "entry_z": 1.2, "pull_t": -0.5, "atr_period": 3},
    "regime_switch": {"points": 128, "every": 4, "confidence": 0.3, "period": 4, "atr_period": 3, "entry_z": 0.5},
    "regression_trend": {"period": 6, "atr_period": 3},
    "rsi_reversion": {"period": 3, "atr_period": 3, "target_atr": 3.5},
    "sma_cross": {"fast": 2, "slow": 4, "atr_period": 3},
    "supertrend": {"period": 3, "multiple": 1.5},
}
"""Parameters that make each say much on few bars."""
DOWN = [float(price) for price in range(120, 100, -1)]
UP = [float(price) for price in range(101, 121)]


def quick(name: str) -> dict[str, Any]:
    """The quick parameters of a strategy; AssertionError that says where to write them for one that has none."""
    if name not in QUICK:
        raise AssertionError(
            f"{name} has no line in QUICK: in tests/unit/brain/strategies/scenes.py, give it parameters that make it say"
            " much on few bars"
        )
    return QUICK[name]


def made(name: str, **params: Any) -> AnyStrategy:
    """The strategy with its quick parameters, and those that are given."""
    strategy = STRATEGIES[name]
    return strategy(strategy.params_model.of(**{**quick(name), **params}), DAY_MS)


def choice(name: str, **params: Any) -> Choice:
    strategy = STRATEGIES[name]
    return Choice(strategy, strategy.params_model.of(**{**quick(name), **params}), "0" * 32, name)


def market(seed: int, length: int, step: float = 0.02, start: int = 0) -> list[Bar]:
    """Daily bars of a walk, with wicks and gaps, from day `start` on."""
    chance, made_up = random.Random(seed), []
    for at, close in enumerate(walk(seed, length, step=step)):
        opened = round(close * (1.0 + chance.uniform(-step, step)), 2)
        high = round(max(opened, close) * (1.0 + chance.uniform(0.0, step)), 2)
        low = round(min(opened, close) * (1.0 - chance.uniform(0.0, step)), 2)
        made_up.append(
            Bar((start + at) * DAY_MS, opened, max(high, opened, close), min(low, opened, close), close, 5.0)
        )
    return made_up


def wicked(closes: Iterable[float], wick: float = 0.5) -> list[Bar]:
    """Bars that reach `wick` beyond open and close."""
    return [bar._replace(high=bar.high + wick, low=bar.low - wick) for bar in bars(closes)]


def follow(strategy: AnyStrategy, series: Sequence[Any]) -> Said:
    """Its ideas, each with the number of its bar; of closes, or of bars."""
    taken = series if series and isinstance(series[0], Bar) else bars(series)
    return [(at, idea) for at, idea in enumerate(say(strategy, taken)) if idea]


def actions(strategy: AnyStrategy, series: Sequence[Any]) -> list[Action]:
    return [idea.action for _, idea in follow(strategy, series)]


def at_of(said: Said, action: Action) -> list[int]:
    """The bars on which it said so."""
    return [at for at, idea in said if idea.action is action]


def closes_of(series: Mapping[str, Sequence[Bar]]) -> list[tuple[int, list[tuple[str, Bar]]]]:
    """What closed together, oldest first: the day, and the bars by symbol."""
    days: dict[int, list[tuple[str, Bar]]] = {}
    for symbol in sorted(series):
        for bar in series[symbol]:
            days.setdefault(bar.open_time_ms // DAY_MS, []).append((symbol, bar))
    return sorted(days.items())


def follow_all(name: str, series: Mapping[str, Sequence[Bar]], **params: Any) -> list[tuple[int, str, Idea]]:
    """Of a strategy on the whole market: each idea with its day and symbol."""
    follower = MarketFollower(choice(name, **params), DAY_MS)
    found = []
    for day, rows in closes_of(series):
        thoughts = follower.take_all(rows, (day + 1) * DAY_MS)
        assert follower.refusal is None, follower.refusal
        found += [(day, thought.symbol, thought.idea) for thought in thoughts]
    return found


def three(seed: int, length: int = LENGTH) -> Series:
    """A walk, another that goes with it, and a third."""
    series = {name: market(seed * 10 + at, length) for at, name in enumerate(SYMBOLS)}
    for at, bar in enumerate(series["A"]):
        by = 0.5 * (1.0 + 0.02 * math.sin(at * 1.7 + seed))
        row = series["B"][at]
        close = round(bar.close * by, 3)
        series["B"][at] = row._replace(
            open=close, high=max(close, bar.high * by), low=min(close, bar.low * by), close=close
        )
    return series


def quick_panel(prices: Sequence[float], _kernel: Any) -> Any:
    """In place of the real one, which takes long: any function of the closes will do here."""
    regime = ("trending", "mean_reverting", "noisy")[int(prices[-1] * 100) % 3]
    return SimpleNamespace(verdict=SimpleNamespace(regime=regime, confidence=0.75))
