"""The probabilistic and the deflated Sharpe ratio against the examples of the papers that brought them."""

from __future__ import annotations

import math
import random
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.backtest.deflated import Moments, deflated_sharpe, expected_maximum, moments, probabilistic_sharpe
from brain.backtest.metrics import UndefinedError
from shared.errors import Invalid

DAYS = 250
CHOSEN = Moments(2.5 / math.sqrt(DAYS), -3.0, 10.0, 5 * DAYS)
"""The strategy of the 2014 paper: Sharpe ratio 2.5 a year over five years of days, skewed and with fat tails."""
VARIANCE = 0.5 / DAYS


def test_the_example_of_the_deflated_sharpe_ratio() -> None:
    best = expected_maximum(VARIANCE, 100)
    assert best == pytest.approx(0.1132, abs=5e-5)
    assert probabilistic_sharpe(CHOSEN, best) == pytest.approx(0.9004, abs=5e-5)
    fewer = probabilistic_sharpe(CHOSEN, expected_maximum(VARIANCE, 46))
    assert fewer == pytest.approx(0.9505, abs=5e-5), "46 tries would still have been significant"
    normal = probabilistic_sharpe(CHOSEN._replace(skew=0.0, kurtosis=3.0), expected_maximum(VARIANCE, 88))
    assert normal == pytest.approx(0.9505, abs=5e-5), "and 88, had the returns been normal"


def test_the_example_of_the_probabilistic_sharpe_ratio() -> None:
    fund = Moments(0.458, -2.448, 10.164, 24)
    assert probabilistic_sharpe(fund) == pytest.approx(0.913, abs=5e-4)
    assert probabilistic_sharpe(fund._replace(skew=0.0, kurtosis=3.0)) == pytest.approx(0.982, abs=5e-4)


def test_the_moments_by_hand() -> None:
    found = moments([1.0, 2.0, 3.0, 6.0])  # mean 3, deviations -2 -1 0 3
    assert found.sharpe == pytest.approx(3 / math.sqrt(14 / 3))
    assert found.skew == pytest.approx((18 / 4) / 3.5**1.5)
    assert found.kurtosis == pytest.approx((98 / 4) / 3.5**2)
    assert found.bars == 4


def test_the_deflated_ratio_takes_the_variance_and_number_of_all_tries() -> None:
    tried = [0.0, 0.05, 0.1, 0.15]
    variance = sum((each - 0.075) ** 2 for each in tried) / 3
    wanted = probabilistic_sharpe(CHOSEN, expected_maximum(variance, 4))
    assert deflated_sharpe(CHOSEN, tried) == pytest.approx(wanted)
    assert deflated_sharpe(CHOSEN, tried, trials=2.5) > wanted, "fewer of them independent: less luck to expect"
    assert deflated_sharpe(CHOSEN, [CHOSEN.sharpe]) == probabilistic_sharpe(CHOSEN), "one try needs no correction"
    assert deflated_sharpe(CHOSEN, [0.1, 0.1]) == probabilistic_sharpe(CHOSEN), "the same one twice is one"


def test_the_best_of_many_is_what_chance_alone_makes_of_it() -> None:
    chance, tries = random.Random(5), 50
    best = [max(chance.gauss(0.0, 0.2) for _ in range(tries)) for _ in range(2000)]
    assert expected_maximum(0.04, tries) == pytest.approx(sum(best) / len(best), rel=0.02)


@given(
    sharpe=st.floats(-0.5, 0.5),
    low=st.floats(1.0, 1e9),
    more=st.floats(1.0, 1e9),
    skew=st.floats(-3.0, 3.0),
    bars=st.integers(2, 5000),
)
def test_more_tries_never_make_it_surer(sharpe: float, low: float, more: float, skew: float, bars: int) -> None:
    run = Moments(sharpe, skew, 1.5 + skew * skew, bars)
    few, many = expected_maximum(0.01, low), expected_maximum(0.01, low + more)
    assert many >= few - 1e-12 or low < 2.0, "below two the formula for many is only an approach"
    assert 0.0 <= probabilistic_sharpe(run, few + 0.1) <= probabilistic_sharpe(run, few) <= 1.0


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: expected_maximum(-1.0, 5), "variance"),
        (lambda: expected_maximum(math.nan, 5), "variance"),
        (lambda: expected_maximum(1.0, 0.5), "trials"),
        (lambda: expected_maximum(1.0, math.inf), "trials"),
        (lambda: deflated_sharpe(CHOSEN, []), "sharpes"),
        (lambda: deflated_sharpe(CHOSEN, [0.1, math.nan]), "sharpes"),
        (lambda: deflated_sharpe(CHOSEN, [0.1], trials=2), "trials"),
        (lambda: probabilistic_sharpe(CHOSEN._replace(bars=1)), "bars"),
    ],
)
def test_input_that_cannot_be_is_refused_by_name(call: Any, field: str) -> None:
    with pytest.raises(Invalid, match=re.escape(field)):
        call()


def test_what_cannot_be_said() -> None:
    with pytest.raises(UndefinedError, match="fewer than two"):
        moments([0.1])
    with pytest.raises(UndefinedError, match="do not vary"):
        moments([0.1, 0.1])
    with pytest.raises(UndefinedError, match="no spread"):
        probabilistic_sharpe(Moments(1.0, 2.0, 5.0, 10))


@pytest.mark.oracle
def test_equals_scipy() -> None:
    stats = pytest.importorskip("scipy.stats", reason="scipy only runs natively")
    chance = random.Random(8)
    returns = [chance.gauss(0.001, 0.01) * (3.0 if chance.random() < 0.1 else 1.0) for _ in range(700)]
    found = moments(returns)
    assert found.skew == pytest.approx(stats.skew(returns), rel=1e-9)
    assert found.kurtosis == pytest.approx(stats.kurtosis(returns, fisher=False), rel=1e-9)
    width = 1 - found.skew * found.sharpe + (found.kurtosis - 1) / 4 * found.sharpe**2
    wanted = stats.norm.cdf((found.sharpe - 0.02) * math.sqrt(699 / width))
    assert probabilistic_sharpe(found, 0.02) == pytest.approx(wanted, rel=1e-9)
    for trials in (2, 10, 1e3, 1e8):
        upper = stats.norm.isf([1 / trials, 1 / trials / math.e])
        gamma = 0.57721566490153286
        assert expected_maximum(0.09, trials) == pytest.approx(0.3 * ((1 - gamma) * upper[0] + gamma * upper[1]), 1e-9)
