"""Depth around a recorded price: the rule by which the replay venue quotes, since candles record no book.

In whole ticks, with p the price and h = max(1, ceil(p / 10,000)), that is one basis point rounded up to the tick:

    bids at p - h, p - 2h, ... p - 5h (those that are positive)      asks at p + h, p + 2h, ... p + 5h

Level i (1 to 5) holds i thousandths of the bar's volume, rounded down to the lot, and never less than `min_qty`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from tools.replay.bar import Bar
from tools.replay.instrument import Instrument
from tools.replay.number import steps_in, steps_text

LEVELS = 5
HALF_SPREAD_PER = 10_000
VOLUME_SHARE_PER = 1_000
POINTS = 4
"""How many prices of each bar are quoted: open, the two extremes, close."""

Level = tuple[str, str]
"""(price, quantity), exact decimal text"""


class Point(NamedTuple):
    """One price along the path of a bar; `number` counts from 1 to 4."""

    number: int
    ts_ms: int
    price: str


class Depth(NamedTuple):
    """Both sides of a book, best level first."""

    bids: list[Level]
    asks: list[Level]


def path(bar: Bar, interval_ms: int) -> list[Point]:
    """The bar's four prices in the order they are assumed to have traded, at the end of each quarter of the bar.

    Up bars and unchanged ones go open, low, high, close; down bars open, high, low, close. The last is at the close.
    """
    falls = Decimal(bar.close) < Decimal(bar.open)
    prices = (bar.open, bar.high, bar.low, bar.close) if falls else (bar.open, bar.low, bar.high, bar.close)
    return [
        Point(number, bar.open_time_ms + interval_ms * number // POINTS, price)
        for number, price in enumerate(prices, start=1)
    ]


def depth(instrument: Instrument, price: str, volume: str) -> Depth:
    """Five levels on each side of `price` (on tick), sized by the bar's `volume`; see the module for the rule."""
    tick, lot = instrument.tick_size, instrument.lot_size
    middle = steps_in(Decimal(price), tick)
    half = max(1, -(-middle // HALF_SPREAD_PER))
    lots = steps_in(Decimal(volume), lot)
    least = max(1, steps_in(Decimal(instrument.min_qty), lot))
    numbers = range(1, LEVELS + 1)
    qty = {number: steps_text(max(least, lots * number // VOLUME_SHARE_PER), lot) for number in numbers}
    bids = [(steps_text(middle - number * half, tick), qty[number]) for number in numbers if middle > number * half]
    asks = [(steps_text(middle + number * half, tick), qty[number]) for number in numbers]
    return Depth(bids, asks)


def message(instrument: Instrument, bar: Bar, closed: int, point: Point) -> dict[str, object]:
    """The depth message of one point of the symbol's `closed`-th bar (from 1).

    `seq` is 4 * (closed - 1) + point.number: it rises by one from message to message, and a restart does not reset it.
    """
    bids, asks = depth(instrument, point.price, bar.volume)
    return {
        "type": "depth",
        "symbol": instrument.symbol,
        "seq": POINTS * (closed - 1) + point.number,
        "ts_ms": point.ts_ms,
        "bids": bids,
        "asks": asks,
    }
