"""Longer bars out of shorter ones, and what is fed with them."""

from __future__ import annotations

import json
import math
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.bar import Bar
from brain.feed import Feed
from brain.frame import Frame
from brain.indicators import Atr, Sma
from brain.indicators.numbers import pack

HOUR = 3_600_000


def short(at: int, price: float = 10.0) -> Bar:
    return Bar(at * HOUR, price, price + 1, price - 1, price + 0.5, 2.0)


def closed(frame: Frame, bars: list[Bar]) -> list[tuple[int, Bar]]:
    """Each long bar, with the short bar that showed it."""
    return [(bar.open_time_ms // HOUR, frame.bar) for bar in bars if frame.take(bar) and frame.bar]


def test_a_long_bar_closes_with_its_last_short_one() -> None:
    found = closed(Frame(4, HOUR), [short(at, 10.0 + at) for at in range(8)])
    assert [at for at, _ in found] == [3, 7]
    assert found[0][1] == Bar(0, 10.0, 14.0, 9.0, 13.5, 8.0)


def test_the_first_is_left_out_when_its_beginning_was_not_seen() -> None:
    found = closed(Frame(4, HOUR), [short(at) for at in range(2, 9)])
    assert [(at, bar.open_time_ms) for at, bar in found] == [(7, 4 * HOUR)]


def test_where_the_last_short_bar_is_missing_the_next_one_closes_it() -> None:
    found = closed(Frame(4, HOUR), [short(at) for at in (0, 1, 2, 5, 7)])
    assert [(at, bar.open_time_ms) for at, bar in found] == [(5, 0), (7, 4 * HOUR)]
    assert found[0][1].volume == 6.0


def test_a_short_bar_may_close_two_and_both_are_fed() -> None:
    frame = Frame(4, HOUR)
    seen = Sma(1)
    count = Sma(2)
    frame.feed.add(seen)
    frame.feed.add(count)
    for bar in (short(0, 1.0), short(1, 2.0), short(7, 5.0)):
        frame.take(bar)
    assert (seen.value, count.value) == (5.5, (2.5 + 5.5) / 2)


@given(times=st.sets(st.integers(0, 60), min_size=1), ratio=st.integers(2, 6), cut=st.integers(0, 60))
def test_long_bars_are_those_of_the_definition_and_none_is_seen_early(times: set[int], ratio: int, cut: int) -> None:
    bars = [short(at, 10.0 + at % 7) for at in sorted(times)]
    frame, found = Frame(ratio, HOUR), []
    for number, bar in enumerate(bars):
        if number == cut:
            again = Frame(ratio, HOUR)
            again.restore(json.loads(json.dumps(frame.state())))
            frame = again
        found += [(bar, frame.bar)] if frame.take(bar) else []
    for bar, long in found:
        assert long is not None
        assert long.open_time_ms + ratio * HOUR <= bar.open_time_ms + HOUR
    groups = [list(group) for _, group in groupby(bars, key=lambda bar: bar.open_time_ms // HOUR // ratio)]
    if groups[0][0].open_time_ms // HOUR % ratio:
        groups = groups[1:]
    if groups and (groups[-1][-1].open_time_ms // HOUR + 1) % ratio:
        groups = groups[:-1]
    wanted = [
        Bar(
            group[0].open_time_ms // (ratio * HOUR) * ratio * HOUR,
            group[0].open,
            max(bar.high for bar in group),
            min(bar.low for bar in group),
            group[-1].close,
            sum(bar.volume for bar in group),
        )
        for group in groups
    ]
    # where one short bar closes two, only the newest is shown
    assert [long for _, long in found] == [w for w in wanted if w in [long for _, long in found]]
    assert not wanted or frame.bar == wanted[-1]


PARTS, LAST = [1.0] * 5, [0.0, 1.0, 1.0, 1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    "numbers",
    [
        [],
        [0.0, 1.0],
        [0.0, 1.0, 0.0],
        [0.0, 1.0, 1.0, 1.0, 0.0],
        [0.5, 1.0, 0.0, 0.0],
        [0.0, 0.5, 0.0, 0.0],
        [0.0, math.nan, 0.0, 0.0],
        [0.0, 2.0, 0.0, 0.0],
        [math.inf, 1.0, 0.0, 0.0],
        [0.0, 1.0, 5.0, *PARTS[:4], math.nan, 0.0],
        [0.0, 1.0, 5.0, *PARTS, 5.0, *PARTS],
        [0.0, 1.0, 5.0, *PARTS, 6.0, *LAST[:5], math.inf],
        [0.0, 1.0, 5.0, *PARTS, 6.0, 0.5, *LAST[1:]],
        [0.0, 1.0, 5.0, *PARTS, 6.0, *LAST, 0.0],
    ],
)
def test_a_state_that_does_not_fit_is_refused(numbers: list[float]) -> None:
    Frame(4, HOUR).restore(pack([0.0, 1.0, 5.0, *PARTS, 6.0, *LAST]))
    with pytest.raises((ValueError, TypeError, LookupError)):
        Frame(4, HOUR).restore(pack(numbers))


def test_a_frame_is_longer_than_a_bar() -> None:
    with pytest.raises(ValueError, match="2 or more"):
        Frame(1, HOUR)


class TestFeed:
    def test_each_indicator_has_its_inputs_or_those_it_was_given(self) -> None:
        feed, close, volume, ranges, both = Feed(), Sma(1), Sma(1), Atr(1), Atr(1)
        feed.add(close)
        feed.add(volume, ["volume"])
        feed.add(ranges)
        feed.add(both, ["close", "open", "volume"])
        feed.take(short(0, 5.0))
        feed.take(short(1, 7.0))
        assert (close.value, volume.value, ranges.value) == (7.5, 2.0, 2.5)
        assert both.value == ranges_of(7.5, 7.0, 2.0)
        assert feed.warmup == 2

    @pytest.mark.parametrize(
        ("inputs", "rule"), [(["price"], "a bar has no 'price'"), (["open", "close"], "takes 1 inputs, not 2")]
    )
    def test_columns_that_do_not_fit_are_refused(self, inputs: list[str], rule: str) -> None:
        with pytest.raises(ValueError, match=rule):
            Feed().add(Sma(3), inputs)


def ranges_of(high: float, low: float, last: float) -> float:
    return max(high, last) - min(low, last)
