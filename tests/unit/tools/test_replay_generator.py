"""The generated market: the same for a seed, consistent, gappy, and made block by block."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.replay.bar import MINUTE_MS, parse_bar
from tools.replay.errors import DatasetError
from tools.replay.generator import KEPT_BLOCKS, REGIMES, START_MS, GeneratedSeries, generated_market

pytestmark = pytest.mark.native

MINUTES = 3_000


def test_a_seed_gives_the_same_bars_and_another_seed_others() -> None:
    first, again, other = (list(GeneratedSeries("A", seed).stream(600)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_bars_are_consistent_and_some_minutes_are_missing() -> None:
    bars = list(GeneratedSeries("A", 1).stream(20_000))
    for before, bar in pairwise(bars):
        assert parse_bar(bar.open_time_ms, bar[1:]) == bar
        assert bar.open_time_ms > before.open_time_ms
    assert 0 < 20_000 - len(bars) < 2_000


def test_every_regime_occurs() -> None:
    series = GeneratedSeries("A", 1)
    assert {series._outline(number).regime.name for number in range(40)} == {regime.name for regime in REGIMES}


@settings(max_examples=50)
@given(st.integers(-10, MINUTES), st.integers(0, 500), st.integers(1, 100))
def test_a_window_is_a_cut_of_the_stream(start: int, length: int, limit: int) -> None:
    start_ms = START_MS + start * MINUTE_MS
    end_ms = start_ms + length * MINUTE_MS
    whole = [bar for bar in GeneratedSeries("A", 3).stream(MINUTES + 500) if start_ms <= bar.open_time_ms < end_ms]
    assert list(GeneratedSeries("A", 3).window(start_ms, end_ms, limit)) == whole[:limit]


@settings(max_examples=50)
@given(st.integers(0, MINUTES))
def test_latest_counts_the_bars_that_closed(minute: int) -> None:
    market_ms = START_MS + minute * MINUTE_MS
    closed = list(GeneratedSeries("A", 3).stream(minute))
    latest = GeneratedSeries("A", 3).latest(market_ms)
    assert (latest and (latest.closed, latest.bar)) == ((len(closed), closed[-1]) if closed else None)


def test_memory_does_not_grow_with_the_stream() -> None:
    series = GeneratedSeries("A", 1)
    assert sum(1 for _ in series.stream(10_000)) > 9_000
    assert len(series._blocks) == KEPT_BLOCKS


def test_hundreds_of_symbols_on_one_clock() -> None:
    market = generated_market(300, days=2)
    assert (market.venue, len(market.instruments), len(market.closes)) == ("gen", 300, 2 * 1440 - 300)
    assert len(market.closed(("G0299", "1m"), market.play_from_ms, 0, None, 100)) == 100


@pytest.mark.parametrize("sizes", [{"symbols": 0}, {"symbols": 10_001}, {"days": 0}])
def test_absurd_sizes_are_refused(sizes: dict[str, int]) -> None:
    with pytest.raises(DatasetError, match="1 to 10000 symbols"):
        generated_market(**sizes)
