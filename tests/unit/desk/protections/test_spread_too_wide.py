"""A market that is too thin to enter."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.desk.protections.core import Core


def desk(**settings: Any) -> Core:
    core = Core({"spread_too_wide": {"max_bps": 100, **settings}}, max_data_age_ms=60_000)
    core.mark("AAA", "100", bid="100", ask="100")
    core.hold("AAA")
    return core


def test_a_spread_may_be_as_wide_as_the_limit_and_no_wider() -> None:
    core = desk()
    core.mark("AAA", "100", bid="99.50", ask="100.50")
    assert len(core.place("AAA")) == 32
    core.mark("AAA", "100", bid="99.49", ask="100.51")
    assert core.place("AAA") == "spread_too_wide"
    assert core.place("AAA", kind="limit", limit_price="90") == "spread_too_wide"
    assert len(core.place("AAA", "sell", "10", reduce_only=True)) == 32


def test_without_a_fresh_quote_it_passes_unless_one_is_required() -> None:
    assert len(desk().place("BBB")) == 32
    core = desk(require_quote=True)
    assert core.place("BBB") == "no_quote"
    core.mark("BBB", "100", bid="99.99", ask="100.01")
    assert len(core.place("BBB")) == 32
    assert len(core.place("AAA", "sell", "10", reduce_only=True)) == 32


def test_an_old_quote_is_stale_before_it_is_wide() -> None:
    core = desk()
    core.mark("AAA", "100", bid="90", ask="110")
    core.now_ms += 60_001
    assert core.place("AAA") == "stale_data"


@given(st.integers(1, 2000), st.integers(1, 400))
def test_the_spread_over_the_middle_decides(half_cents: int, max_bps: int) -> None:
    core = desk(max_bps=max_bps)
    half = Decimal(half_cents) / 100
    core.mark("AAA", "100", bid=str(100 - half), ask=str(100 + half))
    assert (core.place("AAA") == "spread_too_wide") is (2 * half_cents > max_bps)
