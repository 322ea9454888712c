"""An instrument that does not earn its keep."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.desk.protections.core import HOUR, Core


def desk(**settings: Any) -> Core:
    return Core({"low_profit_symbol": {"trades": 2, "min_profit_bps": 50, "within_s": 3600, "for_s": 7200, **settings}})


def test_two_trades_below_the_least_profit_lock_the_instrument() -> None:
    core = desk()
    core.trip("AAA", "0.50")
    assert len(core.place("AAA", kind="limit", limit_price="90")) == 32
    core.trip("AAA", "0.49")
    assert core.place("AAA") == "low_profit_symbol"
    assert core.status == "active"
    assert len(core.place("BBB")) == 32


def test_just_enough_profit_is_enough() -> None:
    core = desk()
    core.trip("AAA", "0.60")
    core.trip("AAA", "0.40")
    assert len(core.place("AAA")) == 32


def test_trades_of_another_instrument_or_from_too_long_ago_do_not_count() -> None:
    core = desk()
    core.trip("AAA", "-1")
    core.trip("BBB", "-1")
    core.later(HOUR)
    core.trip("AAA", "-1")
    assert len(core.place("AAA")) == 32
    assert len(core.place("BBB")) == 32


def test_the_lock_ends_after_market_time() -> None:
    core = desk()
    core.hold("CCC")
    core.trip("AAA", "-1")
    core.trip("AAA", "-1")
    core.now_ms += 100 * HOUR
    core.market_ms += 2 * HOUR - 1
    assert core.place("AAA") == "low_profit_symbol"
    assert len(core.place("CCC", "sell", "10", reduce_only=True)) == 32
    core.market_ms += 1
    assert len(core.place("AAA")) == 32


def test_the_lock_counts_from_the_newest_of_them() -> None:
    core = desk(trades=3)
    for _ in range(3):
        core.later(HOUR // 4)
        core.trip("AAA", "-1")
    core.later(2 * HOUR - 1)
    assert core.place("AAA") == "low_profit_symbol"
    core.later(1)
    assert len(core.place("AAA")) == 32


@given(st.integers(-500, 500), st.integers(-500, 500), st.integers(-400, 400))
def test_the_profit_is_what_both_made_of_what_both_cost(first: int, second: int, least_bps: int) -> None:
    core = desk(min_profit_bps=least_bps)
    for cents in (first, second):
        core.trip("AAA", str(Decimal(cents) / 100))
    # two of 1000 each: a cent a piece is one basis point of one of them
    assert (core.place("AAA") == "low_profit_symbol") is (first + second < 2 * least_bps)
