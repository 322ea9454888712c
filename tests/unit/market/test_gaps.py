"""Gaps: the finder against brute force, and what becomes of one."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from shared.market.gaps import MAX_ATTEMPTS, Gap, expected, find, outcome
from shared.model import Interval

STEP = 60_000
_times = st.sets(st.integers(0, 40)).map(lambda numbers: sorted(n * STEP for n in numbers))


def _inside(gaps: list[Gap], expected_ms: list[int]) -> list[int]:
    return [t for t in expected_ms if any(gap.from_ms <= t <= gap.to_ms for gap in gaps)]


@given(expected_ms=_times, have=_times)
def test_finder_agrees_with_brute_force(expected_ms: list[int], have: list[int]) -> None:
    gaps = find("A", expected_ms, set(have))
    assert _inside(gaps, expected_ms) == [t for t in expected_ms if t not in have]
    for gap in gaps:
        assert gap.from_ms in expected_ms
        assert gap.to_ms in expected_ms
    for left, right in pairwise(gaps):
        assert any(left.to_ms < t < right.from_ms for t in have), "neighbouring gaps are one"


@given(others=_times, start=st.integers(0, 40), end=st.integers(0, 40))
def test_session_expects_what_others_have(others: list[int], start: int, end: int) -> None:
    found = expected("session", Interval.M1, start * STEP, end * STEP, others)
    assert list(found) == [t for t in others if start * STEP <= t <= end * STEP]


def test_continuous_expects_the_grid() -> None:
    assert list(expected("continuous", Interval.M1, STEP, 4 * STEP, [])) == [STEP, 2 * STEP, 3 * STEP, 4 * STEP]


@given(wanted=_times.filter(bool), got=_times, attempts=st.integers(0, MAX_ATTEMPTS - 1))
def test_what_is_left_of_a_gap_is_exactly_what_did_not_come(wanted: list[int], got: list[int], attempts: int) -> None:
    gap = Gap("A", wanted[0], wanted[-1], attempts)
    rows = outcome(gap, wanted, set(got))
    assert gap.from_ms in {each.from_ms for each in rows}
    assert len({each.from_ms for each in rows}) == len(rows)
    assert all(each.attempts == attempts + 1 for each in rows)
    unfilled = [each for each in rows if each.state != "filled"]
    assert _inside(unfilled, wanted) == [t for t in wanted if t not in got]
    last = "empty" if attempts + 1 == MAX_ATTEMPTS else "open"
    assert {each.state for each in unfilled} <= {last}


def test_a_gap_nobody_knows_more_of_is_still_judged_by_its_ends() -> None:
    assert outcome(Gap("A", 0, 2 * STEP), [], {}) == [Gap("A", 0, 2 * STEP, 1)]
    assert outcome(Gap("A", 0, 2 * STEP), [], {0: 1, 2 * STEP: 1}) == [Gap("A", 0, 2 * STEP, 1, "filled")]
