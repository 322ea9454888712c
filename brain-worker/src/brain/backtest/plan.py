"""What a backtest runs on, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from brain.backtest.trade import ClosedTrade
from brain.bar import Bar
from brain.bars import Bars
from brain.request import Choice
from shared.backtest import Carry
from shared.desk import commands
from shared.model import Interval, symbol_of
from shared.model.decision import DecisionConfig


class Plan(NamedTuple):
    """`series` holds the bars of each symbol, ascending; a symbol may begin and end when it likes. `warmup_ms`: no proposal
    is made on a bar that closes at or before it."""

    venue: str
    interval: Interval
    choices: Sequence[Choice]
    opening: commands.Open
    series: Mapping[str, Sequence[Bar]]
    carry: Carry = Carry()
    warmup_ms: int = 0
    decisions: DecisionConfig | None = None


def open_times(series: Mapping[str, Sequence[Bar]]) -> list[int]:
    """Of all bars, ascending, each once."""
    if len(series) == 1:
        [alone] = series.values()
        return Bars.of(alone).open_time_ms
    return sorted({at for bars in series.values() for at in Bars.of(bars).open_time_ms})


class Refused(NamedTuple):
    """Something that was not done: by a strategy (the bar it failed on) or by the desk (how often, and the first bar)."""

    by: str
    symbol: str
    code: str
    detail: str
    bar_close_ms: int
    times: int = 1


class Refusals:
    """Each reason once, with how often it was given and the first bar it was given on."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, str], Refused] = {}

    def add(self, by: str, instrument: str, code: str, detail: str, close_ms: int) -> None:
        """One more."""
        key = by, instrument, code
        known = self._known.get(key)
        once = Refused(by, symbol_of(instrument), code, detail, close_ms)
        self._known[key] = once if known is None else known._replace(times=known.times + 1)

    def found(self) -> list[Refused]:
        """In the order in which they came up."""
        return list(self._known.values())


class Outcome(NamedTuple):
    """`equity` at each close of `times_ms`, in the account's currency; `fingerprint` is of the closed trades."""

    times_ms: Sequence[int]
    equity: Sequence[float]
    trades: Sequence[ClosedTrade]
    exposure_bars: int
    traded_notional: float
    refused: Sequence[Refused]
    proposals: int
    carry: float
    halted: str
    open_symbols: Sequence[str]
    fingerprint: str
