"""What may be lost in one day."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.desk import commands
from shared.desk import events as ev
from tests.unit.desk.bench import DAY
from tests.unit.desk.protections.core import HOUR, MINUTE, START, Core


def desk(**settings: Any) -> Core:
    """A desk that holds 500 AAA at 100, half of what it is worth, in the middle of a day."""
    core = Core({"daily_loss": {"limit_bps": 100, **settings}})
    core.later(12 * HOUR)
    core.review()
    core.hold("AAA", "500")
    return core


def test_it_halts_at_the_limit_and_not_just_inside() -> None:
    core = desk()
    core.mark("AAA", "98.01")
    core.review()
    assert core.status == "active"
    core.mark("AAA", "98")
    core.review()
    assert (core.status, core.known.halt_code) == ("halted", "daily_loss")
    assert core.known.hold_until_ms == 0


def test_it_is_effective_on_the_very_next_order_without_any_review() -> None:
    core = desk(calls_for="reducing")
    core.mark("AAA", "98")
    assert core.place("BBB") == "reducing"
    assert core.reductions == {"daily_loss"}
    assert len(core.place("AAA", "sell", "1", reduce_only=True)) == 32


def test_open_positions_count_at_the_bid() -> None:
    core = desk()
    core.mark("AAA", "98.50", bid="98", ask="99")
    core.review()
    assert core.known.halt_code == "daily_loss"


def test_a_reduction_lasts_until_the_market_day_is_over() -> None:
    core = desk(calls_for="reducing")
    core.mark("AAA", "97")
    core.review()
    assert core.known.reductions["daily_loss"].until_ms == START + DAY
    core.mark("AAA", "100")
    assert core.review() == []
    core.market_ms = START + DAY - 1
    assert core.review() == []
    core.market_ms = START + DAY
    assert core.review() == ["reduction_lifted"]
    assert core.status == "active"


def test_for_s_is_how_long_a_reduction_lasts_at_least() -> None:
    core = desk(calls_for="reducing", for_s=3600)
    core.mark("AAA", "98")
    core.review()
    core.mark("AAA", "100")
    core.market_ms += HOUR - 1
    assert core.review() == []
    core.market_ms += 1
    assert core.review() == ["reduction_lifted"]


def test_a_halt_holds_for_for_s_of_wall_time() -> None:
    core = desk(for_s=3600)
    core.mark("AAA", "98")
    core.review()
    assert core.known.hold_until_ms == core.now_ms + HOUR


def test_refuse_refuses_each_entry_and_leaves_the_desk_alone() -> None:
    core = desk(calls_for="refuse")
    core.mark("AAA", "98")
    assert core.place("BBB") == "daily_loss"
    assert core.status == "active"
    core.mark("AAA", "98.01")
    assert len(core.place("BBB")) == 32


def test_a_new_day_begins_with_the_closes_before_its_first_prices() -> None:
    core = desk(calls_for="reducing")
    core.market_ms = START + DAY
    core.mark("AAA", "99")
    core.review()
    # the first bar of the next day: what it moved belongs to that day
    core.market_ms += DAY
    core.mark("AAA", "98", before="99")
    assert "equity_marked" in core.review()
    assert core.known.equity is not None
    assert core.known.equity.day_start == Decimal(99_500)
    assert core.status == "active"
    core.mark("AAA", "97", before="99")
    core.review()
    assert core.reductions == {"daily_loss"}


def test_a_gap_that_is_booked_with_the_day_s_first_bar_counts_in_that_day() -> None:
    core = desk()
    client_id = core.place("AAA", "sell", "500", reduce_only=True)
    core.market_ms = START + 2 * DAY
    core.mark("AAA", "90", before="100")
    found = core.fill(client_id, "90")
    assert found[0].kind == "equity_marked"
    assert core.known.halt_code == "daily_loss"


def test_equity_that_is_unknown_reduces_by_itself_and_lifts_when_it_is_known() -> None:
    core = desk()
    mark = core.marks.pop("us:AAA")
    core.review()
    assert (core.status, core.reductions) == ("reducing", {"equity_unknown"})
    core.marks["us:AAA"] = mark
    core.review()
    assert core.status == "active"


def test_without_positions_a_missing_price_is_no_reason() -> None:
    core = Core({"daily_loss": {}})
    core.marks.clear()
    core.review()
    assert core.status == "active"


def test_after_a_resume_it_counts_anew() -> None:
    core = desk()
    core.mark("AAA", "98")
    core.review()
    core.run(commands.RequestResume("adm", "looked at it", "h"))
    found = core.run(commands.ConfirmResume("adm", "h"))
    assert [event.kind for event in found] == ["resumed", "equity_marked"]
    assert core.known.equity is not None
    assert core.known.equity.day_start == Decimal(99_000)
    assert core.status == "active"


def test_a_fill_that_trips_stops_the_orders_that_come_after_it() -> None:
    core = desk(calls_for="reducing")
    dear = core.place("BBB", qty="100")
    assert len(core.place("CCC")) == 32
    core.fill(dear, "110")
    assert core.reductions == {"daily_loss"}
    assert core.place("CCC", qty="2") == "reducing"


@pytest.mark.parametrize("on_halt", ["cancel", "flatten"])
def test_on_a_halt_what_is_open_is_cancelled_and_with_flatten_all_is_sold(on_halt: str) -> None:
    core = desk(on_halt=on_halt)
    entry = core.place("BBB", kind="limit", limit_price="90")
    core.mark("AAA", "98")
    core.review()
    assert core.order(entry).status in ("cancelling", "cancelled")
    sold = [order for order in core.known.orders.values() if order.cause == "flatten"]
    assert [(order.instrument, order.qty) for order in sold] == (
        [("us:AAA", Decimal(500))] if on_halt == "flatten" else []
    )
    assert core.review() == []


@given(st.integers(1, 10_000), st.integers(9_000, 11_000))
def test_it_trips_exactly_when_the_loss_is_the_limit_or_more(limit_bps: int, cents: int) -> None:
    core = Core({"daily_loss": {"limit_bps": limit_bps}})
    core.later(MINUTE)
    core.review()
    core.hold("AAA", "400")
    price = Decimal(cents) / 100
    core.mark("AAA", str(price))
    core.review()
    lost = (100 - price) * 400
    assert (core.status == "halted") is (lost * 10_000 >= limit_bps * 100_000)
    assert core.review() == []
    assert isinstance(core.events[-1], ev.Event)
