"""The JavaScript kernel, here on Node, says what the pure Python one does: to the last bit, but for the logarithm."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.dream.kernel import Kernel
from brain.dream.plain import Plain
from tools.dream.node_kernel import node_kernel
from tools.dream.series import KINDS
from tools.failure import ToolError

pytestmark = pytest.mark.native
PLAIN = Plain()
SERIES = st.lists(st.integers(-3, 3).map(float) | st.floats(-1e3, 1e3, allow_subnormal=False), min_size=24, max_size=60)


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    with node_kernel() as found:
        yield found


def compare(kernel: Kernel, series: list[float], dim: int, lag: int, reach: float) -> None:
    curve, wanted = (each.divergence(series, dim, lag, 3, 4) for each in (kernel, PLAIN))
    assert curve == pytest.approx(wanted, rel=1e-12, abs=1e-12, nan_ok=True)
    radii = [reach / 4, reach / 2, reach]
    assert kernel.correlation_counts(series, dim, lag, radii) == PLAIN.correlation_counts(series, dim, lag, radii)
    assert kernel.template_matches(series, dim, lag, reach) == PLAIN.template_matches(series, dim, lag, reach)
    for line in (2, 3):
        found = kernel.recurrences(series, dim, lag, reach, line)
        assert found == PLAIN.recurrences(series, dim, lag, reach, line)
    sizes = [4, 7, 12]
    for name in ("rescaled_ranges", "fluctuations"):
        got, known = (getattr(each, name)(series, sizes) for each in (kernel, PLAIN))
        assert [repr(each) for each in got] == [repr(each) for each in known], name


@settings(deadline=None)
@given(series=SERIES, dim=st.integers(1, 4), lag=st.integers(1, 3), reach=st.sampled_from([0.5, 1.0, 3.0, 100.0]))
def test_both_say_the_same_of_any_series(kernel: Kernel, series: list[float], dim: int, lag: int, reach: float) -> None:
    compare(kernel, series, dim, lag, reach)


@pytest.mark.parametrize("kind", KINDS)
def test_both_say_the_same_of_a_long_series(kernel: Kernel, kind: str) -> None:
    compare(kernel, KINDS[kind](random.Random(7), 300), 3, 1, 0.5)


def test_what_is_too_small_to_be_squared_is_left_out_by_both(kernel: Kernel) -> None:
    series = [0.0] * 23 + [7.397215443148272e-273]
    assert all(math.isnan(each) for each in PLAIN.rescaled_ranges(series, [4, 7, 12]))
    compare(kernel, series, 1, 1, 0.5)


def test_nothing_but_zeros_is_no_number(kernel: Kernel) -> None:
    assert all(math.isnan(each) for each in kernel.divergence([0.0] * 40, 2, 1, 3, 4))
    assert kernel.recurrences([0.0] * 10, 1, 1, 0.1, 2) == (45, 45, 44)


def test_a_kernel_that_breaks_is_said_so() -> None:
    with node_kernel() as broken, pytest.raises(ToolError, match="divergence"):
        broken.divergence([1.0], -5, 1, -5, -5)
