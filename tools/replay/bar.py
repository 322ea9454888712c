"""A bar: one interval of one instrument's recorded trading."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from tools.replay.errors import RuleError
from tools.replay.number import on_step, parse_decimal

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
MINUTE_MS = 60_000

INTERVALS_MS = {
    "1m": MINUTE_MS,
    "5m": 5 * MINUTE_MS,
    "15m": 15 * MINUTE_MS,
    "30m": 30 * MINUTE_MS,
    "1h": HOUR_MS,
    "4h": 4 * HOUR_MS,
    "1d": DAY_MS,
}


class Bar(NamedTuple):
    """Exact decimal text, in the order of the wire: `[open_time_ms, open, high, low, close, volume]`."""

    open_time_ms: int
    open: str
    high: str
    low: str
    close: str
    volume: str

    def rounded(self, tick: Decimal, lot: Decimal) -> Bar:
        """The bar with prices on `tick` and volume on `lot`; rounding is monotonic, so the bar stays consistent.

        Raises RuleError when the low rounds to zero.
        """
        prices = [on_step(Decimal(text), tick) for text in self[1:5]]
        if Decimal(prices[2]) <= 0:
            raise RuleError("low", self.low, f"rounds to zero on tick {tick}", "use a finer tick")
        return Bar(self.open_time_ms, prices[0], prices[1], prices[2], prices[3], on_step(Decimal(self.volume), lot))


def parse_bar(open_time_ms: int, texts: tuple[str, str, str, str, str]) -> Bar:
    """A consistent bar out of (open, high, low, close, volume) as text.

    Rules: prices finite and positive, low <= min(open, close) <= max(open, close) <= high, volume >= 0.
    Raises RuleError naming the first column that breaks one.
    """
    columns = ("open", "high", "low", "close", "volume")
    numbers = dict(zip(columns, map(parse_decimal, columns, texts), strict=True))
    for column in columns[:4]:
        if numbers[column] <= 0:
            raise RuleError(column, numbers[column], "a price must be > 0", "correct it or leave the row out")
    if numbers["volume"] < 0:
        raise RuleError("volume", numbers["volume"], "volume must be >= 0", "write 0 when it is not known")
    lowest, highest = min(numbers["open"], numbers["close"]), max(numbers["open"], numbers["close"])
    if numbers["low"] > lowest:
        raise RuleError("low", numbers["low"], f"low <= min(open, close) = {lowest}", "correct it or leave it out")
    if numbers["high"] < highest:
        raise RuleError("high", numbers["high"], f"high >= max(open, close) = {highest}", "correct it or leave it out")
    return Bar(open_time_ms, *(format(numbers[column], "f") for column in columns))
