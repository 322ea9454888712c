"""A period below the least that a formula needs is refused, not worked with."""

from __future__ import annotations

import pytest

from tests.unit.brain.indicators.market import make


@pytest.mark.parametrize("name", ["Hma", "Cci", "RealisedVolatility", "ZScore", "LinearRegression"])
def test_one_bar_is_too_few_for_what_needs_two(name: str) -> None:
    with pytest.raises(ValueError, match="period 1 must be 2 or more"):
        make(name, (1,))
    assert make(name, (2,)).warmup >= 2
