"""Venue `gen`: hundreds of made-up symbols with one-minute bars, for load tests only.

Time is cut into blocks of four hours. A block's regime, its end price and its missing minutes are the first draws of
`random.Random(f"{seed}/{symbol}/{block}")`, so that any block can be made without the bars before it; the bars between
are a random walk bent to meet the end price. A series keeps a handful of blocks, however long it is.
The same seed gives the same bars on the same platform; prices are floats rounded to cents.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from tools.replay.bar import MINUTE_MS, Bar
from tools.replay.errors import DatasetError
from tools.replay.instrument import Instrument
from tools.replay.market import Market, SeriesKey
from tools.replay.series import Latest, Series

VENUE = "gen"
START_MS = 1_704_067_200_000
"""2024-01-01T00:00Z"""
HISTORY_MINUTES = 300
BLOCK_MINUTES = 240
BLOCK_MS = BLOCK_MINUTES * MINUTE_MS
KEPT_BLOCKS = 3
GAP_SHARE = 0.2
JUMP_SHARE = 0.05
PRICE_RANGE = (5.0, 2_000.0)


@dataclass(frozen=True, slots=True)
class Regime:
    """`sigma`: standard deviation of a minute's log return; `drift`: of a block's; `memory`: 1 walks, < 1 reverts."""

    name: str
    sigma: float
    drift: float
    memory: float


REGIMES = (
    Regime("trend", 0.0005, 0.03, 1.0),
    Regime("mean-reverting", 0.0008, 0.001, 0.9),
    Regime("volatile", 0.003, 0.02, 1.0),
    Regime("calm", 0.0002, 0.002, 1.0),
)


@dataclass(frozen=True, slots=True)
class Block:
    """The outline of four hours: log prices at both ends, the minutes that are missing, and bars before it."""

    regime: Regime
    log_start: float
    log_end: float
    jump: float
    missing: range
    bars_before: int

    @property
    def bars(self) -> int:
        """How many bars the block has."""
        return BLOCK_MINUTES - len(self.missing)


class GeneratedSeries:
    """The one-minute bars of one symbol, made block by block when asked for."""

    def __init__(self, symbol: str, seed: int, first_ms: int = START_MS) -> None:
        """`first_ms` is the open time of the first bar, on a whole minute."""
        self.interval_ms = MINUTE_MS
        self.first_ms = first_ms
        self._name = f"{seed}/{symbol}"
        self._outlines: list[Block] = []
        self._blocks: OrderedDict[int, list[Bar]] = OrderedDict()

    def window(self, start_ms: int, end_ms: int, limit: int) -> Sequence[Bar]:
        """At most `limit` bars, ascending, with start_ms <= open_time_ms < end_ms."""
        found: list[Bar] = []
        at_ms = max(start_ms, self.first_ms)
        while at_ms < end_ms and len(found) < limit:
            number = (at_ms - self.first_ms) // BLOCK_MS
            bars = self._block(number)
            low = bisect_left(bars, at_ms, key=_open_time)
            high = bisect_left(bars, end_ms, key=_open_time)
            found += bars[low : min(high, low + limit - len(found))]
            at_ms = self.first_ms + (number + 1) * BLOCK_MS
        return found

    def latest(self, market_ms: int) -> Latest | None:
        """The last bar that has closed at `market_ms`; None before the first has."""
        last_open_ms = market_ms - MINUTE_MS
        if last_open_ms < self.first_ms:
            return None
        number = (last_open_ms - self.first_ms) // BLOCK_MS
        bars = self._block(number)
        count = bisect_left(bars, last_open_ms + 1, key=_open_time)
        # The first minute of a block is never missing, so count is at least one.
        return Latest(self._outline(number).bars_before + count, bars[count - 1])

    def stream(self, minutes: int) -> Iterator[Bar]:
        """The bars of the first `minutes`, one block in memory at a time."""
        end_ms = self.first_ms + minutes * MINUTE_MS
        for number in range(-(-minutes // BLOCK_MINUTES)):
            yield from (bar for bar in self._block(number) if bar.open_time_ms < end_ms)

    def _outline(self, number: int) -> Block:
        while len(self._outlines) <= number:
            before = self._outlines[-1] if self._outlines else None
            self._outlines.append(_outline(self._random(len(self._outlines)), before))
        return self._outlines[number]

    def _block(self, number: int) -> list[Bar]:
        if number not in self._blocks:
            self._blocks[number] = self._make(number)
            if len(self._blocks) > KEPT_BLOCKS:
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(number)
        return self._blocks[number]

    def _make(self, number: int) -> list[Bar]:
        outline = self._outline(number)
        random = self._random(number)
        before = self._outlines[number - 1] if number else None
        _outline(random, before)  # the same first draws again: the bars come after them
        return list(_bars(outline, random, self.first_ms + number * BLOCK_MS))

    def _random(self, number: int) -> Random:
        return Random(f"{self._name}/{number}")  # noqa: S311 : made-up prices, not secrets


def generated_market(symbols: int = 250, *, seed: int = 1, days: int = 30) -> Market:
    """`symbols` made-up instruments `G0000`, `G0001`, … over `days`; 300 minutes of it are history.

    Raises DatasetError when a size is out of range.
    """
    if not 1 <= symbols <= 10_000 or not 1 <= days <= 3_650:
        raise DatasetError(f"symbols={symbols}, days={days}: 1 to 10000 symbols and 1 to 3650 days; choose within")
    series: dict[SeriesKey, Series] = {}
    instruments = {}
    for number in range(symbols):
        symbol = f"G{number:04d}"
        series[symbol, "1m"] = GeneratedSeries(symbol, seed)
        instruments[symbol] = _instrument(symbol)
    play_from_ms = START_MS + HISTORY_MINUTES * MINUTE_MS
    closes = range(play_from_ms + MINUTE_MS, START_MS + days * 1440 * MINUTE_MS + 1, MINUTE_MS)
    return Market(VENUE, instruments, series, play_from_ms, closes)


def _outline(random: Random, before: Block | None) -> Block:
    regime = random.choice(REGIMES)
    move = random.gauss(0.0, regime.drift) + random.gauss(0.0, regime.sigma * math.sqrt(BLOCK_MINUTES) / 4)
    jump = random.gauss(0.0, 0.01) if random.random() < JUMP_SHARE else 0.0
    first_missing, length = random.randrange(1, BLOCK_MINUTES - 30), random.randrange(1, 31)
    missing = range(first_missing, first_missing + length) if random.random() < GAP_SHARE else range(0)
    low, high = map(math.log, PRICE_RANGE)
    log_start = before.log_end if before else random.uniform(low + 1, high - 1)
    log_end = min(max(log_start + jump + move, low), high)
    return Block(regime, log_start, log_end, jump, missing, before.bars_before + before.bars if before else 0)


def _bars(block: Block, random: Random, start_ms: int) -> Iterator[Bar]:
    regime, walk = block.regime, [0.0]
    for _ in range(BLOCK_MINUTES):
        walk.append(walk[-1] * regime.memory + random.gauss(0.0, regime.sigma))
    first = block.log_start + block.jump
    bend = (block.log_end - first - walk[-1]) / BLOCK_MINUTES
    prices = [math.exp(first + walk[minute] + bend * minute) for minute in range(BLOCK_MINUTES + 1)]
    for minute in range(BLOCK_MINUTES):
        open_, close = prices[minute], prices[minute + 1]
        high = max(open_, close) * (1 + abs(random.gauss(0.0, regime.sigma / 2)))
        low = min(open_, close) * (1 - min(0.5, abs(random.gauss(0.0, regime.sigma / 2))))
        volume = int(10 ** random.gauss(4.0, 0.3) * (1 + abs(close / open_ - 1) / regime.sigma))
        if minute not in block.missing:
            o, h, lo, c = (f"{price:.2f}" for price in (open_, high, low, close))
            yield Bar(start_ms + minute * MINUTE_MS, o, h, lo, c, str(volume))


def _open_time(bar: Bar) -> int:
    return bar.open_time_ms


def _instrument(symbol: str) -> Instrument:
    return Instrument(
        symbol=symbol,
        base=symbol,
        quote="USD",
        tick="0.01",
        lot="1",
        min_qty="1",
        min_notional="1",
        multiplier="1",
        listed_ms=START_MS,
        intervals=("1m",),
    )
