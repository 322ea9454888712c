"""How far equity may fall below its peak."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.desk.protections.core import HOUR, Core


def desk(**settings: Any) -> Core:
    core = Core({"max_drawdown": {"limit_bps": 1000, **settings}})
    core.later(1)
    core.review()
    core.hold("AAA", "500")
    return core


def test_it_halts_at_the_limit_below_the_peak_and_not_just_inside() -> None:
    core = desk()
    core.mark("AAA", "120")
    assert core.review() == ["equity_marked"]
    core.mark("AAA", "98.01")
    core.review()
    assert core.status == "active"
    core.mark("AAA", "98")
    core.review()
    assert (core.status, core.known.halt_code) == ("halted", "max_drawdown")


def test_at_bars_every_new_peak_is_marked_at_quotes_only_one_well_above_it() -> None:
    core = desk()
    core.mark("AAA", "100.01")
    assert core.review() == ["equity_marked"]
    core.mark("AAA", "100.21", bid="100.21", ask="100.23")
    assert core.review() == []
    core.mark("AAA", "100.22", bid="100.22", ask="100.23")
    assert core.review() == ["equity_marked"]
    assert core.known.equity is not None
    assert core.known.equity.peak == Decimal(100_110)


def test_a_reduction_ends_at_nine_tenths_of_the_limit() -> None:
    core = desk(calls_for="reducing")
    core.mark("AAA", "80")
    core.review()
    assert core.reductions == {"max_drawdown"}
    core.mark("AAA", "82")
    assert core.review() == []
    core.mark("AAA", "82.01")
    assert core.review() == ["reduction_lifted"]
    core.mark("AAA", "81")
    assert core.review() == []


def test_a_reduction_lasts_for_for_s_at_least() -> None:
    core = desk(calls_for="reducing", for_s=3600)
    core.mark("AAA", "80")
    core.review()
    core.mark("AAA", "99")
    core.market_ms += HOUR - 1
    assert core.review() == []
    core.market_ms += 1
    assert core.review() == ["reduction_lifted"]


def test_a_peak_is_not_lost_overnight() -> None:
    core = desk()
    core.mark("AAA", "120")
    core.review()
    core.later(24 * HOUR)
    core.mark("AAA", "110", before="120")
    core.review()
    assert core.known.equity is not None
    assert core.known.equity.peak == Decimal(110_000)


def test_a_way_out_is_never_held_back() -> None:
    core = desk()
    core.mark("AAA", "50")
    assert core.place("BBB") == "halted"
    assert len(core.place("AAA", "sell", "500", reduce_only=True)) == 32


@given(st.lists(st.integers(5_000, 15_000), min_size=1, max_size=12))
def test_the_peak_never_falls_and_bounds_the_drawdown(cents: list[int]) -> None:
    core = desk(limit_bps=1500)
    peak = Decimal(100_000)
    for each in cents:
        price = Decimal(each) / 100
        core.mark("AAA", str(price))
        core.review()
        if core.status == "halted":
            break
        worth = 50_000 + 500 * price
        peak = max(peak, worth)
        assert core.known.equity is not None
        assert core.known.equity.peak == peak
        assert (peak - worth) * 10_000 < 1500 * peak
        assert core.review() == []
    else:
        return
    worth = 50_000 + 500 * price
    assert (peak - worth) * 10_000 >= 1500 * peak
