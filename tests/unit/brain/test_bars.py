"""Columns are the bars they were made of, and the search among them finds what looking at each would."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from brain.bar import Bar
from brain.bars import CHUNK, Bars
from tests.unit.brain.backtest.support import walk

WALK = walk(3, 3 * CHUNK + 7)
MADE = Bars.of(WALK)
PLACES = st.integers(0, len(WALK))


def test_columns_are_the_bars() -> None:
    assert list(MADE) == WALK
    assert MADE == WALK
    assert MADE[5] == WALK[5]
    assert MADE[-1] == WALK[-1]
    assert MADE[10:20] == WALK[10:20]
    assert WALK[1:] != MADE
    assert Bars.of(MADE) is MADE
    assert len(Bars.of([])) == 0
    assert isinstance(next(iter(MADE)), Bar)


def test_a_place_is_how_many_opened_before() -> None:
    assert [MADE.place(bar.open_time_ms) for bar in WALK] == list(range(len(WALK)))
    assert MADE.place(WALK[7].open_time_ms + 1) == 8
    assert MADE.place(WALK[-1].open_time_ms + 1) == len(WALK)


@given(low=st.floats(80, 120), high=st.floats(80, 120) | st.just(float("inf")), begin=PLACES, end=PLACES)
def test_the_first_bar_outside_a_band(low: float, high: float, begin: int, end: int) -> None:
    looked = (at for at in range(begin, end) if WALK[at].low <= low or WALK[at].high >= high)
    assert MADE.leaves(low, high, begin, end) == next(looked, end)
