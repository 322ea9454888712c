"""How many times its equity a desk may have at stake."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.desk.protections.core import Core


def test_exposure_over_equity_may_be_the_limit_and_no_more() -> None:
    core = Core({"leverage": {"max": "0.1"}})
    core.hold("AAA", "50")
    core.place("BBB", qty="25", kind="limit", limit_price="80")
    assert core.place("CCC", qty="31") == "leverage"
    assert len(core.place("CCC", qty="30")) == 32


def test_what_prices_did_to_equity_counts() -> None:
    core = Core({"leverage": {"max": "0.5"}})
    core.hold("AAA", "400")
    core.mark("AAA", "90")
    assert core.place("BBB", qty="121") == "leverage"
    assert len(core.place("BBB", qty="120")) == 32


def test_unknown_equity_is_no_equity_and_a_way_out_stays_open() -> None:
    core = Core({"leverage": {}})
    core.hold("AAA", "10")
    del core.marks["us:AAA"]
    assert core.place("BBB") == "equity_unknown"
    assert len(core.place("AAA", "sell", "10", reduce_only=True)) == 32


@given(st.integers(1, 300), st.integers(1, 100))
def test_what_passes_is_within_it(qty: int, percent: int) -> None:
    core = Core({"leverage": {"max": f"0.{percent:02}" if percent < 100 else "1"}})
    found = core.place("AAA", qty=str(qty))
    assert (found == "leverage") is (qty * 100 > percent * 1000)
