"""Sets of parameters: every one within what was asked for, each once, the same ones again."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Invalid
from shared.sweep import MAX_RUNS, Range, Sweep

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
WHOLE = st.integers(-1000, 1000)
NUMBERS = WHOLE | st.floats(-1e6, 1e6)
RANGES = st.tuples(NUMBERS, NUMBERS).map(lambda ends: {"min": min(ends), "max": max(ends)})


@given(grid=st.dictionaries(NAMES, st.lists(NUMBERS, min_size=1, max_size=5), min_size=1, max_size=3))
def test_a_grid_is_every_point_of_it_once(grid: dict[str, list[float]]) -> None:
    sets = Sweep.parse(json.dumps({"grid": grid})).sets()
    assert len(sets) <= MAX_RUNS
    assert len({json.dumps(each, sort_keys=True) for each in sets}) == len(sets)
    for each in sets:
        assert each.keys() == grid.keys()
        assert all(value in grid[name] for name, value in each.items())
    for name, values in grid.items():
        assert {each[name] for each in sets} == set(values)


@given(ranges=st.dictionaries(NAMES, RANGES, min_size=1, max_size=3), count=st.integers(1, 60), seed=st.integers(0, 99))
def test_draws_lie_within_their_ranges_and_come_again(
    ranges: dict[str, dict[str, float]], count: int, seed: int
) -> None:
    body = json.dumps({"random": ranges, "count": count, "seed": seed})
    sets = Sweep.parse(body).sets()
    assert sets == Sweep.parse(body).sets()
    assert 1 <= len(sets) <= count
    for each in sets:
        for name, value in each.items():
            low, high = ranges[name]["min"], ranges[name]["max"]
            assert low <= value <= high  # type: ignore[operator]
            assert type(value) is (int if type(low) is type(high) is int else float)


@given(low=WHOLE, width=st.integers(0, 50), share=st.floats(0, 1, exclude_max=True))
def test_a_whole_range_has_whole_values_up_to_both_ends(low: int, width: int, share: float) -> None:
    span = Range(min=low, max=low + width)
    value = span.at(share)
    assert type(value) is int
    assert low <= value <= low + width
    assert (span.at(0.0), span.at(1 - 2**-53)) == (low, low + width)


@given(st.recursive(st.none() | st.booleans() | NUMBERS | st.text(max_size=5), lambda inner: st.dictionaries(
    st.sampled_from(["grid", "random", "count", "seed", "strategy", "min", "max", "a"]), inner | st.lists(inner, max_size=3)
), max_leaves=8))  # fmt: skip
def test_whatever_is_sent_is_read_or_refused(body: object) -> None:
    try:
        sets = Sweep.parse(json.dumps(body)).sets()
    except Invalid:
        return
    assert 0 < len(sets) <= MAX_RUNS
