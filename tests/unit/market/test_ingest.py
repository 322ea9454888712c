"""Fetching: pages, budgets, failures that stay with their symbol."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from shared.clock import FixedClock
from shared.errors import Refused, VenueUnavailable
from shared.market.bucket import Bucket
from shared.market.ingest import Budget, Fetched, Fetcher, merge
from shared.model import Candle, Instrument, Interval
from shared.venues.trouble import RefusedRow, Trouble
from shared.venues.venue import VenueClock
from tests.unit.native_ports import InstantWaits

STEP = 60_000


def candle(symbol: str, number: int, close: str = "10") -> Candle:
    return Candle.of(
        instrument=f"us:{symbol}", interval=Interval.M1, open_time_ms=number * STEP, open=close, high=close, low=close,
        close=close, volume="1",
    )  # fmt: skip


class Market:
    """Candles by symbol; symbols in `refuse` make any chunk refused, those in `down` unavailable."""

    def __init__(self, bars: Mapping[str, range]) -> None:
        self.bars = {symbol: [candle(symbol, n) for n in numbers] for symbol, numbers in bars.items()}
        self.refuse: set[str] = set()
        self.down: set[str] = set()
        self.left_out: set[str] = set()
        self.calls: list[tuple[tuple[str, ...], int]] = []
        self.active = self.most_active = 0

    async def clock(self) -> VenueClock:
        return VenueClock(0)

    async def instruments(self) -> list[Instrument]:
        return []

    async def candles(
        self, symbols: Sequence[str], interval: Interval, start_ms: int, limit: int
    ) -> Mapping[str, list[Candle]]:
        self.calls.append((tuple(symbols), start_ms))
        self.active += 1
        self.most_active = max(self.active, self.most_active)
        await asyncio.sleep(0)
        self.active -= 1
        if self.refuse & set(symbols):
            raise Refused("unknown symbol")
        if self.down & set(symbols):
            raise VenueUnavailable("500")
        kept = [symbol for symbol in symbols if symbol not in self.left_out]
        return {s: [each for each in self.bars[s] if each.open_time_ms >= start_ms][:limit] for s in kept}


def fetch(
    market: Market, starts: Mapping[str, int], market_ms: int, budget: Budget | None = None, concurrency: int = 4
) -> tuple[Fetched, Trouble]:
    trouble, clock = Trouble(), FixedClock()
    waits = InstantWaits(lambda seconds: clock.advance(int(seconds * 1000)))
    fetcher = Fetcher(market, Bucket(50, clock, waits), waits, lambda: 0.5, trouble, concurrency, budget)
    return asyncio.run(fetcher.fetch(starts, Interval.M1, market_ms)), trouble


def test_pages_up_to_the_market_clock() -> None:
    market = Market({"A": range(250), "B": range(250)})
    found, trouble = fetch(market, {"A": 0, "B": 0}, 230 * STEP)
    assert {s: len(bars) for s, bars in found.bars.items()} == {"A": 230, "B": 230}
    assert [start for _, start in market.calls] == [0, 100 * STEP, 200 * STEP]
    assert found.complete
    assert trouble.counts["bars_ahead"] == 40


def test_a_symbol_without_bars_is_asked_once() -> None:
    market = Market({"A": range(0), "B": range(5)})
    found, _ = fetch(market, {"A": 0, "B": 0}, 5 * STEP)
    assert list(found.bars) == ["B"]
    assert len(market.calls) == 1
    assert not found.failed


def test_delisted_symbol_does_not_hold_up_the_live_ones() -> None:
    market = Market({"DEAD": range(10), "LIVE": range(10_000)})
    found, _ = fetch(market, {"DEAD": 10 * STEP, "LIVE": 9_000 * STEP}, 9_001 * STEP)
    assert list(found.bars["LIVE"]) == [9_000 * STEP]


def test_a_failing_chunk_loses_only_itself() -> None:
    bars = {f"S{i:02d}": range(3) for i in range(60)}
    market = Market(bars)
    market.down = {"S55"}
    found, trouble = fetch(market, dict.fromkeys(bars, 0), 3 * STEP)
    assert sorted(found.failed) == [f"S{i}" for i in range(50, 60)]
    assert len(found.bars) == 50
    assert trouble.counts["retries"] == 2


def test_a_refused_symbol_is_found_by_halving_and_the_rest_is_kept() -> None:
    bars = {f"S{i:02d}": range(3) for i in range(50)}
    market = Market(bars)
    market.refuse = {"S17"}
    found, _ = fetch(market, dict.fromkeys(bars, 0), 3 * STEP)
    assert list(found.failed) == ["S17"]
    assert len(found.bars) == 49
    assert len(market.calls) <= 14


def test_a_symbol_left_out_of_the_answer_has_failed_not_ended() -> None:
    market = Market({"A": range(3), "B": range(3)})
    market.left_out = {"B"}
    found, _ = fetch(market, {"A": 0, "B": 0}, 3 * STEP)
    assert list(found.failed) == ["B"]


def test_a_page_of_refused_rows_is_not_the_end() -> None:
    market = Market({"A": range(150, 160)})
    trouble = Trouble()

    async def candles(
        symbols: Sequence[str], interval: Interval, start_ms: int, limit: int
    ) -> Mapping[str, list[Candle]]:
        if start_ms <= 99 * STEP:
            trouble.refuse(RefusedRow("A", 0, "open", "x", "bad"), 99 * STEP)
            return {"A": []}
        return {"A": market.bars["A"]}

    market.candles = candles  # type: ignore[method-assign]
    clock = FixedClock()
    fetcher = Fetcher(market, Bucket(50, clock, InstantWaits()), InstantWaits(), lambda: 0.5, trouble)
    found = asyncio.run(fetcher.fetch({"A": 0}, Interval.M1, 160 * STEP))
    assert len(found.bars["A"]) == 10


def test_budget_of_calls_ends_the_run_and_the_next_goes_on() -> None:
    market = Market({"A": range(1000)})
    found, _ = fetch(market, {"A": 0}, 1000 * STEP, Budget(calls=3))
    assert not found.complete
    assert max(found.bars["A"]) == 299 * STEP
    found, _ = fetch(market, {"A": 300 * STEP}, 1000 * STEP, Budget(calls=30))
    assert found.complete
    assert max(found.bars["A"]) == 999 * STEP


def test_budget_of_bars_holds_back_a_backfill_but_never_all_of_it() -> None:
    bars = {f"S{i:03d}": range(200) for i in range(100)}
    market = Market(bars)
    found, _ = fetch(market, dict.fromkeys(bars, 0), 200 * STEP, Budget(bars=6000))
    assert not found.complete
    assert found.rows == 5000
    found, _ = fetch(market, dict.fromkeys(bars, 0), 200 * STEP, Budget(bars=10))
    assert found.rows == 5000


def test_one_bar_of_many_symbols_is_no_backfill() -> None:
    bars = {f"S{i:03d}": range(200) for i in range(250)}
    found, _ = fetch(Market(bars), dict.fromkeys(bars, 199 * STEP), 200 * STEP, Budget(bars=1000))
    assert found.complete
    assert found.rows == 250


def test_never_more_calls_at_once_than_allowed() -> None:
    bars = {f"S{i:03d}": range(1) for i in range(250)}
    market = Market(bars)
    fetch(market, dict.fromkeys(bars, 0), STEP, concurrency=2)
    assert market.most_active == 2


_part = st.dictionaries(st.integers(0, 30), st.just(0)).map(lambda ns: {n * STEP: candle("A", n) for n in ns})


@given(a=_part, b=_part)
def test_merge_is_the_union_in_order_and_the_first_stands(a: dict[int, Candle], b: dict[int, Candle]) -> None:
    found = merge(a, b)
    assert list(found) == sorted({*a, *b})
    assert all(found[t] is (a[t] if t in a else b[t]) for t in found)
    assert merge(found, a) == found
