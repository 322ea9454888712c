"""Which symbols share a call."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.market import plan
from shared.model import Interval

STEP = 60_000
_starts = st.dictionaries(st.sampled_from([f"S{i}" for i in range(130)]), st.integers(0, 500).map(lambda n: n * STEP))


@given(starts=_starts, size=st.integers(1, 50))
def test_every_symbol_in_one_chunk_near_its_start(starts: dict[str, int], size: int) -> None:
    found = plan.chunks(starts, Interval.M1, size)
    assert sorted(s for chunk in found for s in chunk.symbols) == sorted(starts)
    for chunk in found:
        assert 1 <= len(chunk.symbols) <= size
        assert min(starts[s] for s in chunk.symbols) == chunk.start_ms
        assert all(starts[s] - chunk.start_ms <= plan.PAGE_BARS // 2 * STEP for s in chunk.symbols)


def test_250_symbols_side_by_side_are_five_calls() -> None:
    assert len(plan.chunks(dict.fromkeys(map(str, range(250)), 0), Interval.M1)) == 5


def test_starts_after_the_watermark_or_the_listing_and_only_when_a_bar_may_have_closed() -> None:
    listed = {"OLD": 0, "NEW": 50 * STEP + 1, "LATER": 999 * STEP, "DONE": 0}
    marks = {"DONE": 99 * STEP}
    assert plan.starts(listed, marks, 10 * STEP, 100 * STEP, Interval.M1) == {"OLD": 10 * STEP, "NEW": 51 * STEP}
    assert plan.starts({"A": 0}, {"A": 98 * STEP}, 0, 100 * STEP, Interval.M1) == {"A": 99 * STEP}


@pytest.mark.parametrize(
    ("interval", "calendar", "bars"),
    [(Interval.M1, "continuous", 200), (Interval.D1, "session", 300), (Interval.H1, "session", 400)],
)
def test_history_reaches_back_over_nights_and_weekends(interval: Interval, calendar: str, bars: int) -> None:
    market_ms = 20_000 * 86_400_000
    assert plan.history_start_ms(market_ms, interval, 200, calendar) == market_ms - bars * interval.ms
    assert plan.history_start_ms(10, interval, 200, calendar) == 0
