"""The shortest series of which each measure says something, and one less, of which it says why not."""

from __future__ import annotations

import random
import statistics

import pytest

from brain.dream.dimension import correlation_dimension, deviation, radii
from brain.dream.hurst import dfa, hurst, scales
from brain.dream.lyapunov import lyapunov
from brain.dream.panel import panel
from brain.dream.plain import Plain
from brain.dream.verdict import RULES, bands_of
from tools.dream import series

PLAIN = Plain()


def white(length: int) -> list[float]:
    return series.white(random.Random(2), length)


@pytest.mark.parametrize(("dim", "lag", "apart", "steps"), [(3, 1, 10, 5), (2, 3, 0, 2), (4, 2, 5, 8)])
def test_every_vector_needs_a_neighbour_that_is_far_enough_in_time(dim: int, lag: int, apart: int, steps: int) -> None:
    # vectors that are followed `steps` steps; the one in the middle has `apart` on either side that do not count
    least = (dim - 1) * lag + (steps - 1) + 2 * apart + 2
    assert lyapunov(white(least), PLAIN, dim, lag, apart, steps).value is not None
    assert lyapunov(white(least - 1), PLAIN, dim, lag, apart, steps).reason == "too_short"


@pytest.mark.parametrize(("dim", "lag"), [(1, 1), (4, 1), (3, 5)])
def test_a_distance_needs_two_vectors(dim: int, lag: int) -> None:
    least = (dim - 1) * lag + 2
    assert correlation_dimension(white(least), PLAIN, dim, lag, [0.5, 1.0]).reason != "too_short"
    assert correlation_dimension(white(least - 1), PLAIN, dim, lag, [0.5, 1.0]).reason == "too_short"


def test_two_sizes_of_windows_make_a_slope() -> None:
    assert scales(31) == []
    assert scales(32) == [8]
    assert scales(40) == [8, 10]
    for measure in (hurst, dfa):
        assert measure(white(40), PLAIN, scales(40)).value is not None
        assert measure(white(39), PLAIN, scales(39)).reason == "too_short"


def test_a_window_fits_into_the_series() -> None:
    assert hurst(white(10), PLAIN, [8, 10]).value is not None
    assert hurst(white(9), PLAIN, [8, 10]).reason == "too_short"
    assert dfa(white(11), PLAIN, [8, 10]).reason != "too_short"
    assert dfa(white(10), PLAIN, [8, 10]).reason == "too_short"


def test_radii_are_in_units_of_the_sample_deviation() -> None:
    values = white(20)
    assert deviation(values) == pytest.approx(statistics.stdev(values))
    found = radii(values, 0.3, 1.0)
    assert (found[0], found[-1]) == pytest.approx((0.3 * statistics.stdev(values), statistics.stdev(values)))


def test_every_piece_of_evidence_has_its_number_and_its_band() -> None:
    found = panel(series.prices(series.henon(random.Random(1), 255)), PLAIN)
    bands = bands_of(256) or {}
    assert len(found.verdict.evidence) == len(RULES)
    for rule, said in zip(RULES, found.verdict.evidence, strict=True):
        assert (said.measure, said.regime, said.weight) == (rule.measure, rule.regime, rule.weight)
        assert said.value == found.measures[rule.measure].value
        assert (said.low, said.middle, said.high) == bands[rule.measure]
        assert 0.0 <= said.strength <= 1.0
    assert any(said.strength for said in found.verdict.evidence)
