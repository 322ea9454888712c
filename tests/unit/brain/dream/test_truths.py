"""The measures against what is known of a system without measuring it."""

from __future__ import annotations

import math
import random
from itertools import accumulate

import pytest

from brain.dream.dimension import correlation_dimension, radii
from brain.dream.entropy import missing_patterns, patterns, permutation_entropy, sample_entropy
from brain.dream.hurst import dfa, hurst, scales
from brain.dream.lyapunov import lyapunov
from brain.dream.measure import Measure
from brain.dream.plain import Plain
from brain.dream.recurrence import recurrence
from tools.dream import series

PLAIN = Plain()


def value(measure: Measure) -> float:
    assert measure.value is not None, measure.reason
    return measure.value


def test_the_logistic_map_comes_apart_by_the_logarithm_of_2() -> None:
    orbit = series.logistic(random.Random(1), 500)
    assert value(lyapunov(orbit, PLAIN, 2, 1, 10, 5)) == pytest.approx(math.log(2), abs=0.02)


def test_the_henon_map_comes_apart_by_0_419() -> None:
    orbit = series.henon(random.Random(1), 500)
    assert value(lyapunov(orbit, PLAIN, 2, 1, 10, 7)) == pytest.approx(0.419, abs=0.04)


def test_the_lorenz_system_comes_apart_by_0_906_a_unit_of_time() -> None:
    orbit = series.lorenz(random.Random(1), 1000, 0.1)
    assert value(lyapunov(orbit, PLAIN, 7, 2, 15, 20)) / 0.1 == pytest.approx(0.906, abs=0.1)


def test_a_circle_does_not_come_apart() -> None:
    circle = [math.sin(0.37 * at) for at in range(400)]
    assert abs(value(lyapunov(circle, PLAIN, 3, 1, 10, 5))) < 0.01


def test_the_henon_attractor_has_the_dimension_that_grassberger_and_procaccia_found() -> None:
    """1.25 from 10,000 points; of 1,000 it comes out a little lower."""
    orbit = series.henon(random.Random(2), 1000)
    assert value(correlation_dimension(orbit, PLAIN, 2, 1, radii(orbit, 0.05, 0.5))) == pytest.approx(1.22, abs=0.07)


def test_a_circle_has_one_dimension_and_noise_as_many_as_it_is_given() -> None:
    golden = (math.sqrt(5) - 1) / 2
    circle = [math.sin(2 * math.pi * golden * at) for at in range(400)]
    chance = random.Random(3)
    noise = [chance.random() for _ in range(400)]
    assert value(correlation_dimension(circle, PLAIN, 2, 1, radii(circle, 0.1, 0.5))) == pytest.approx(1.0, abs=0.05)
    for dim in (1, 2, 3):
        found = value(correlation_dimension(noise, PLAIN, dim, 1, radii(noise, 0.2, 0.5)))
        assert found == pytest.approx(dim, rel=0.12)


def test_white_noise_has_the_hurst_exponent_one_half() -> None:
    found = [series.white(random.Random(seed), 1000) for seed in range(8)]
    for measure in (hurst, dfa):
        values = [value(measure(each, PLAIN, scales(1000))) for each in found]
        assert sum(values) / 8 == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(("exponent", "by_range"), [(0.3, 0.35), (0.7, 0.66), (0.9, 0.78)])
def test_fractional_noise_has_the_exponent_it_was_made_with(exponent: float, by_range: float) -> None:
    """Rescaled range is known to be drawn towards 0.5 and below 1; what it gives at this length stands beside."""
    found = [series.fractional(exponent)(random.Random(seed), 800) for seed in range(4)]
    fluctuating = [value(dfa(each, PLAIN, scales(800))) for each in found]
    ranging = [value(hurst(each, PLAIN, scales(800))) for each in found]
    assert sum(fluctuating) / 4 == pytest.approx(exponent, abs=0.06)
    assert sum(ranging) / 4 == pytest.approx(by_range, abs=0.06)


def test_fractional_motion_has_an_exponent_of_one_more() -> None:
    moved = [list(accumulate(series.fractional(0.3)(random.Random(seed), 800))) for seed in range(4)]
    assert sum(value(dfa(each, PLAIN, scales(800))) for each in moved) / 4 == pytest.approx(1.3, abs=0.08)


def test_the_example_of_bandt_and_pompe() -> None:
    """4, 7, 9, 10, 6, 11, 3: 0.918 bits of order 2 and 1.522 of order 3."""
    example = [4.0, 7.0, 9.0, 10.0, 6.0, 11.0, 3.0]
    for order, bits in ((2, 0.918), (3, 1.522)):
        found = value(permutation_entropy(patterns(example, order, 1), order))
        assert found * math.log2(math.factorial(order)) == pytest.approx(bits, abs=0.0006)


def test_a_logistic_map_never_falls_twice() -> None:
    """Amigó's example: of the six orders of three only the steady fall is forbidden."""
    seen = patterns(series.logistic(random.Random(1), 500), 3, 1)
    assert value(missing_patterns(seen, 3)) == 1
    assert (2, 1, 0) not in seen


def test_the_entropy_of_the_logistic_map_is_near_its_exponent() -> None:
    """Both are ln 2 in the limit of small tolerances (Pesin)."""
    orbit = series.logistic(random.Random(1), 1000)
    assert value(sample_entropy(orbit, PLAIN, 2, 1, 0.05)) == pytest.approx(math.log(2), abs=0.1)


def test_what_repeats_is_determined_and_noise_is_by_chance() -> None:
    ring, noise = [float(at % 20) for at in range(400)], series.white(random.Random(5), 400)
    assert value(recurrence(ring, PLAIN, 2, 1, 0.5, 3).determinism) == 1.0
    found = recurrence(noise, PLAIN, 1, 1, 0.5, 2)
    rate = math.erf(0.25)  # two normal draws within 0.5
    assert value(found.rate) == pytest.approx(rate, abs=0.02)
    # a point is alone when neither neighbour on its diagonal recurs
    assert value(found.determinism) == pytest.approx(1 - (1 - rate) ** 2, abs=0.03)
