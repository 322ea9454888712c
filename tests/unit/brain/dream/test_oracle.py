"""The measures against nolds with the same parameters; docs/dream.md states the tolerances that are held here."""

from __future__ import annotations

import importlib.util
import random
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.dream.dimension import correlation_dimension, deviation, radii
from brain.dream.entropy import sample_entropy
from brain.dream.hurst import dfa, expected_range, hurst, scales
from brain.dream.lyapunov import lyapunov
from brain.dream.measure import Measure, power
from brain.dream.plain import Plain
from tests.unit.brain.support import walk
from tools.dream.series import KINDS


def measures() -> ModuleType:
    """`nolds.measures` by itself: the package also reads data sets as it is imported, in a way that needs Python 3.12."""
    found = importlib.util.find_spec("nolds")
    if found is None or not found.submodule_search_locations:
        pytest.skip("nolds only runs natively", allow_module_level=True)
    path = Path(found.submodule_search_locations[0], "measures.py")
    spec = importlib.util.spec_from_file_location("nolds_measures", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


pytestmark = pytest.mark.oracle
nolds = measures()
PLAIN = Plain()
LENGTH = 200
SERIES: dict[str, Callable[[], list[float]]] = {
    **{kind: lambda make=make: make(random.Random(3), LENGTH) for kind, make in KINDS.items()},  # type: ignore[misc]
    "prices": lambda: walk(5, LENGTH),
}
EVERY = pytest.mark.parametrize("kind", SERIES)


def same(got: Measure, wanted: float) -> None:
    assert got.value == pytest.approx(float(wanted), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(("dim", "lag", "apart", "steps"), [(3, 1, 10, 5), (2, 1, 0, 8), (10, 2, 20, 20)])
@EVERY
def test_lyapunov_equals_nolds(kind: str, dim: int, lag: int, apart: int, steps: int) -> None:
    series = SERIES[kind]()
    wanted = nolds.lyap_r(series, emb_dim=dim, lag=lag, min_tsep=apart, trajectory_len=steps, fit="poly")
    same(lyapunov(series, PLAIN, dim, lag, apart, steps), wanted)


@EVERY
def test_hurst_equals_nolds(kind: str) -> None:
    series, sizes = SERIES[kind](), scales(LENGTH)
    same(hurst(series, PLAIN, sizes), nolds.hurst_rs(series, nvals=sizes, fit="poly", corrected=True, unbiased=True))


@EVERY
def test_dfa_equals_nolds(kind: str) -> None:
    series = SERIES[kind]()
    for sizes in (scales(LENGTH), [4, 5, 6, 8, 11, 20, 30]):
        wanted = nolds.dfa(series, nvals=sizes, overlap=True, order=1, fit_trend="poly", fit_exp="poly")
        same(dfa(series, PLAIN, sizes), wanted)


def with_itself(series: list[float], dim: int, lag: int, within: list[float]) -> Measure:
    """As nolds counts: both ways, and each vector with itself too, though its words say that it would not."""
    vectors = len(series) - (dim - 1) * lag
    counts = PLAIN.correlation_counts(series, dim, lag, within)
    return power(within, [2 * count + vectors for count in counts])


@pytest.mark.parametrize(("dim", "lag"), [(4, 1), (2, 3)])
@EVERY
def test_correlation_dimension_equals_nolds_but_for_self_matches(kind: str, dim: int, lag: int) -> None:
    series = SERIES[kind]()
    within = radii(series, 0.3, 1.0)
    wanted = nolds.corr_dim(series, dim, lag=lag, rvals=within, fit="poly")
    same(with_itself(series, dim, lag, within), wanted)
    # every vector matched with itself is a point at any radius, and points have no dimension
    without = correlation_dimension(series, PLAIN, dim, lag, within)
    assert without.value is not None
    assert without.value > wanted


@pytest.mark.parametrize(("dim", "lag"), [(2, 1), (3, 2)])
@EVERY
def test_sample_entropy_equals_nolds(kind: str, dim: int, lag: int) -> None:
    series = SERIES[kind]()
    tolerance = 0.3 * deviation(series)
    same(sample_entropy(series, PLAIN, dim, lag, tolerance), nolds.sampen(series, dim, tolerance, lag=lag))


@settings(deadline=None, max_examples=60)
@given(
    series=st.lists(st.floats(-10, 10, allow_subnormal=False), min_size=60, max_size=80),
    dim=st.integers(1, 4),
)
def test_any_series_equals_nolds(series: list[float], dim: int) -> None:
    if deviation(series) < 1e-3:
        return
    within, tolerance = radii(series, 0.3, 1.0), 0.25 * deviation(series)
    same(with_itself(series, dim, 1, within), nolds.corr_dim(series, dim, rvals=within, fit="poly"))
    matched = sample_entropy(series, PLAIN, dim, 1, tolerance)
    if matched.value is not None:
        same(matched, nolds.sampen(series, dim, tolerance))


def test_the_correction_of_anis_and_lloyd_equals_nolds() -> None:
    for size in (2, 3, 8, 100, 340, 341, 1000):
        assert expected_range(size) == pytest.approx(float(nolds.expected_rs(size)), rel=1e-12)
