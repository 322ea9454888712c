"""A goal is met up to and with its bound."""

from __future__ import annotations

import pytest

from bench.report import Row, Verdict, at_most
from bench.timing import compared, percentile

pytestmark = pytest.mark.native


@pytest.mark.parametrize(
    ("value", "verdict"), [(95.9, Verdict.MET), (96.0, Verdict.MET), (96.0001, Verdict.MISSED), (200.0, Verdict.MISSED)]
)
def test_at_most_holds_at_the_bound_and_not_above(value: float, verdict: Verdict) -> None:
    assert at_most("heap", value, 96, "MiB", 1).verdict is verdict


def test_at_most_says_what_was_measured_and_wanted() -> None:
    assert at_most("heap", 12.345, 96, "MiB") == Row("heap", "12.35 MiB", "", "", "<= 96 MiB", Verdict.MET)


@pytest.mark.parametrize(("ours", "verdict"), [(2.9, Verdict.MET), (3.0, Verdict.MET), (3.1, Verdict.MISSED)])
def test_a_ratio_holds_at_its_goal_and_not_above(ours: float, verdict: Verdict) -> None:
    assert compared("GET /", [ours] * 3, [2.0] * 3, 1.5).verdict is verdict


def test_the_goal_is_for_the_median_not_for_the_tail() -> None:
    row = compared("GET /", [1.0, 1.0, 1.0, 50.0], [1.0] * 4, 1.0)
    assert row == Row("GET /", "1.00 / 50.00 ms", "1.00 / 1.00 ms", "1.00 / 50.00", "p50 <= 1 x", Verdict.MET)


def test_without_a_goal_there_is_no_verdict() -> None:
    row = compared("GET /", [9.0], [1.0])
    assert (row.ratio, row.goal, row.verdict) == ("9.00 / 9.00", "", Verdict.SAID)


def test_a_percentile_is_the_nearest_rank() -> None:
    hundred = [float(n) for n in range(100, 0, -1)]
    assert [percentile(hundred, share) for share in (0.0, 0.5, 0.99, 1.0)] == [1.0, 50.0, 99.0, 100.0]
    assert percentile([1.0, 2.0], 0.5) == 1.0
    assert percentile([7.0], 0.99) == 7.0
