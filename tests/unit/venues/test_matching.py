"""The paper venue's rules for everything but plain market and limit orders: one by one, and what holds for any bars."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.config import Paper
from shared.errors import Refused
from shared.model import Candle, Fill, Order, OrderKind, OrderStatus, Side, TimeInForce, exact, ids
from shared.venues.matching import Working, match, step, work
from shared.venues.paper import PaperVenue
from tests.unit.desk.bench import DAY, T0
from tests.unit.desk.native_sql import NativeSql
from tests.unit.venues.test_paper import AAA, RULES, bar, bars, cents, order, place

D = Decimal
NO_SLIP = Paper(fee_bps=D(0), slippage_bps=D(0), volume_share_bps=1000)
RESTING = RULES.model_copy(update={"resting_stops": True})


def stop(side: Side, trigger: str, limit: str | None = None, **changes: Any) -> Order:
    kind = OrderKind.STOP_LIMIT if limit else OrderKind.STOP
    return order(side, limit=limit, **{"kind": kind, "trigger_price": D(trigger), **changes})


def venue(**holding: str) -> PaperVenue:
    made = PaperVenue(NativeSql())
    made.configure(RESTING, {"us:AAA": AAA}, {"USD": D(100_000)})
    for day, (name, qty) in enumerate(holding.items(), 1):
        place(made, order(Side.BUY, qty, name=name))
        made.on_bars([bar(day, "100")])
    return made


def told(fill: Fill | None) -> tuple[str, int] | None:
    return None if fill is None else (exact.text(fill.price), (fill.ts_ms - T0) // DAY)


@pytest.mark.parametrize(
    ("side", "bar_", "found"),
    [
        # beyond the trigger at the open: a gap is paid in full
        (Side.SELL, ("90", "91", "89", "91"), ("89.95", 1)),
        (Side.SELL, ("95", "96", "95", "96"), ("94.95", 1)),
        # within the bar: at the trigger, less the slippage
        (Side.SELL, ("100", "101", "95", "100"), ("94.95", 2)),
        (Side.SELL, ("100", "101", "95.01", "100"), None),
        (Side.BUY, ("96", "96", "94", "95"), ("96.05", 1)),
        (Side.BUY, ("94", "95", "93", "94"), ("95.05", 2)),
        (Side.BUY, ("94", "94.99", "93", "94"), None),
    ],
)
def test_a_stop_fills_at_the_open_beyond_it_or_at_its_trigger_and_worse(
    side: Side, bar_: tuple[str, str, str, str], found: tuple[str, int] | None
) -> None:
    assert told(step(Working.of_order(stop(side, "95")), bar(1, *bar_), AAA, RULES).fill) == found


def test_half_the_spread_is_paid_by_what_takes_and_not_by_what_rests() -> None:
    wide = RULES.model_copy(update={"spread_bps": Decimal(20)})
    up = bar(1, "95", "97", "95", "96")
    assert told(step(Working.of_order(stop(Side.SELL, "95")), up, AAA, wide).fill) == ("94.85", 1)
    assert told(step(Working.of_order(order(Side.SELL, limit="96")), up, AAA, wide).fill) == ("96", 2)


@pytest.mark.parametrize(
    ("bar_", "found"),
    [
        # the open is beyond the trigger and still good enough for the limit
        (("94.50", "96", "93", "93"), ("94.5", 1)),
        # the open is too low; the price comes back through the limit later in the bar
        (("90", "94.01", "89", "90"), ("94", 2)),
        (("90", "94", "89", "90"), None),
        # set off within the bar: only a close through the limit proves that it was there afterwards
        (("100", "101", "90", "94.01"), ("94", 2)),
        (("100", "101", "90", "94"), None),
        (("100", "101", "95.01", "100"), None),
    ],
)
def test_a_stop_limit_fills_only_where_the_price_was_there_after_the_trigger(
    bar_: tuple[str, str, str, str], found: tuple[str, int] | None
) -> None:
    assert told(step(Working.of_order(stop(Side.SELL, "95", "94")), bar(1, *bar_), AAA, RULES).fill) == found


def test_a_stop_limit_that_has_set_off_rests_as_a_limit_order() -> None:
    first = step(Working.of_order(stop(Side.SELL, "95", "94")), bar(1, "100", "101", "90", "91"), AAA, RULES)
    assert (first.order.set_off, first.fill) == (True, None)
    assert told(step(first.order, bar(2, "91", "94.01", "90", "91"), AAA, RULES).fill) == ("94", 3)


def test_what_is_left_of_a_stop_goes_at_the_next_open() -> None:
    after, fills = work(
        Working.of_order(stop(Side.SELL, "95", qty="100")),
        [bar(1, "100", "101", "95", "100", "300"), bar(2, "120", volume="0"), bar(3, "120")],
        AAA,
        NO_SLIP,
    )
    assert [(told(fill), fill.qty) for fill in fills] == [(("95", 2), 30), (("120", 3), 70)]
    assert after.status is OrderStatus.FILLED


@pytest.mark.parametrize(
    ("force", "limit", "bar_", "filled", "status"),
    [
        (TimeInForce.IOC, None, ("100", "100", "100", "100"), 50, OrderStatus.EXPIRED),
        (TimeInForce.FOK, None, ("100", "100", "100", "100"), 0, OrderStatus.EXPIRED),
        (TimeInForce.IOC, "100", ("100", "101", "99", "100"), 50, OrderStatus.EXPIRED),
        # a price later in the bar is not at once
        (TimeInForce.IOC, "99", ("100", "101", "90", "100"), 0, OrderStatus.EXPIRED),
        (TimeInForce.FOK, "99", ("100", "101", "90", "100"), 0, OrderStatus.EXPIRED),
    ],
)
def test_what_does_not_fill_at_once_expires(
    force: TimeInForce, limit: str | None, bar_: tuple[str, str, str, str], filled: int, status: OrderStatus
) -> None:
    each = Working.of_order(order(qty="80", limit=limit, time_in_force=force))
    after = step(each, bar(1, *bar_, volume="500"), AAA, RULES).order
    assert (after.filled_qty, after.status, after.reason) == (filled, status, str(force))


def test_all_or_nothing_takes_all_where_there_is_enough() -> None:
    for force in (TimeInForce.IOC, TimeInForce.FOK):
        after = step(
            Working.of_order(order(qty="50", time_in_force=force)), bar(1, "100", volume="500"), AAA, RULES
        ).order
        assert (after.filled_qty, after.status) == (50, OrderStatus.FILLED)


def test_a_first_bar_without_volume_ends_what_must_fill_at_once_and_judges_nothing_else() -> None:
    still = bar(1, "90", volume="0")
    assert step(Working.of_order(order(time_in_force=TimeInForce.IOC)), still, AAA, RULES).order.reason == "ioc"
    resting = step(Working.of_order(order(limit="95", post_only=True)), still, AAA, RULES).order
    assert (resting.status, resting.rested) == (OrderStatus.ACKNOWLEDGED, False)


def test_post_only_is_rejected_where_it_would_take_and_never_gets_a_better_price() -> None:
    each = Working.of_order(order(limit="99", post_only=True))
    crossed = step(each, bar(1, "99", "100", "98", "100"), AAA, RULES)
    assert (crossed.order.status, crossed.order.reason) == (OrderStatus.REJECTED, "post_only_crosses")
    rested = step(each, bar(1, "100"), AAA, RULES).order
    assert told(step(rested, bar(2, "90"), AAA, RULES).fill) == ("99", 2)


@pytest.mark.parametrize(
    ("till_day", "day", "open_", "low", "filled", "open_after"),
    [
        (2, 1, "100", "98", True, False),
        # it may have come after the time was over
        (1.5, 1, "100", "98", False, False),
        (1.5, 1, "98", "98", True, False),
        (3, 1, "100", "100", False, True),
        (1, 1, "98", "98", False, False),
    ],
)
def test_good_till_counts_what_happened_by_then_for_certain(
    till_day: float, day: int, open_: str, low: str, filled: bool, open_after: bool
) -> None:
    each = order(limit="99", time_in_force=TimeInForce.GTD, good_till_ms=T0 + int(till_day * DAY))
    after, fill = step(Working.of_order(each), bar(day, open_, "101", low, open_), AAA, RULES)
    assert (fill is not None) == filled
    assert after.status.is_open == open_after
    if not filled and not open_after:
        assert (after.status, after.reason) == (OrderStatus.EXPIRED, "good_till")


def guards(qty: str = "10", **changes: Any) -> tuple[Order, Order]:
    group = {"oco": ids.digest("group"), "reduce_only": True, "market_ms": T0 + 2 * DAY, **changes}
    return stop(Side.SELL, "95", qty=qty, name="s", **group), order(Side.SELL, qty, "110", name="t", **group)


@pytest.mark.parametrize(
    ("bar_", "first"),
    [
        (("100", "101", "90", "100"), "s"),
        (("100", "120", "99", "100"), "t"),
        # both could have been: the stop is the one, even where the open was at the target
        (("100", "120", "90", "100"), "s"),
        (("112", "120", "90", "100"), "s"),
    ],
)
def test_of_a_group_one_fills_and_ends_the_other(bar_: tuple[str, str, str, str], first: str) -> None:
    paper = venue(a="10")
    stop_, target = guards()
    place(paper, target, stop_)
    reports = {report.client_id: report for report in paper.on_bars([bar(2, *bar_)])}
    won, lost = (stop_, target) if first == "s" else (target, stop_)
    assert reports[won.client_id].status is OrderStatus.FILLED
    assert (reports[lost.client_id].status, reports[lost.client_id].reason) == (OrderStatus.CANCELLED, "oco")
    assert asyncio.run(paper.account(0)).positions == {}


def test_a_stop_that_has_set_off_ends_its_group_before_it_has_filled_anything() -> None:
    paper = venue(a="10")
    stop_, target = guards()
    place(paper, stop_, target)
    (report,) = paper.on_bars([bar(2, "100", "101", "90", "100", volume="9")])
    assert (report.client_id, report.status) == (target.client_id, OrderStatus.CANCELLED)


def test_a_reduce_only_order_fills_what_is_held_and_ends_when_nothing_is() -> None:
    paper = venue(a="10")
    place(paper, order(Side.SELL, "30", name="x", reduce_only=True, market_ms=T0 + 2 * DAY))
    (report,) = paper.on_bars([bar(2, "100")])
    assert [fill.qty for fill in report.fills] == [10]
    (report,) = paper.on_bars([bar(3, "100")])
    assert (report.status, report.reason) == (OrderStatus.CANCELLED, "reduce_only")


def test_stops_rest_only_where_the_rules_say_so() -> None:
    paper = PaperVenue(NativeSql())
    assert not paper.offers.resting_stops
    paper.configure(RULES, {"us:AAA": AAA})
    assert (paper.offers.resting_stops, paper.offers.oco) == (False, False)
    with pytest.raises(Refused) as caught:
        place(paper, stop(Side.SELL, "95"))
    assert caught.value.error_code == "not_offered"
    paper.configure(RESTING, {"us:AAA": AAA})
    assert (paper.offers.resting_stops, paper.offers.oco) == (True, True)


def test_the_account_is_what_its_fills_add_up_to() -> None:
    paper = venue(a="10", b="5")
    seen = asyncio.run(paper.account(T0 + 2 * DAY))
    assert seen.positions == {"us:AAA": D(15)}
    # 10 and 5 at 100.05, and 10 basis points of it
    assert seen.balances == {"USD": D(100_000) - D("1500.75") - D("1.50075")}
    assert [fill.client_id for fill in seen.fills] == [ids.digest("b")]
    place(paper, order(Side.SELL, "15", name="c", market_ms=T0 + 3 * DAY), order(name="d", limit="50"))
    paper.on_bars([bar(3, "100")])
    seen = asyncio.run(paper.account(0))
    assert (seen.positions, len(seen.fills)) == ({}, 3)
    assert [report.client_id for report in seen.orders] == [ids.digest("d")]
    paper.configure(RULES, {"us:AAA": AAA})
    assert asyncio.run(paper.account(0)).balances is None


@st.composite
def any_order(draw: st.DrawFn, name: str = "1", **changes: Any) -> Order:
    kind = draw(st.sampled_from(OrderKind))
    terms: dict[str, Any] = {
        "kind": kind,
        "limit_price": draw(cents) if kind.has_limit else None,
        "trigger_price": draw(cents) if kind.has_trigger else None,
    }
    forces = [TimeInForce.GTC, TimeInForce.GTD] if kind.has_trigger else list(TimeInForce)
    force = draw(st.sampled_from(forces))
    terms |= {
        "time_in_force": force,
        "post_only": kind is OrderKind.LIMIT and force is TimeInForce.GTC and draw(st.booleans()),
    }
    if force is TimeInForce.GTD:
        terms["good_till_ms"] = T0 + draw(st.integers(1, 6)) * DAY
    side, qty = draw(st.sampled_from(Side)), str(draw(st.integers(1, 100)))
    return order(side, qty, name=name, **{**terms, **changes})


@settings(max_examples=150, deadline=None)
@given(any_order(), bars())
def test_no_order_of_any_kind_gets_more_or_better_than_its_terms_allow(each: Order, some: list[Candle]) -> None:
    after, fills = work(Working.of_order(each), some, AAA, NO_SLIP)
    assert sum((fill.qty for fill in fills), D(0)) == after.filled_qty <= each.qty
    assert (after.status is OrderStatus.FILLED) == (after.filled_qty == each.qty)
    sign = each.side.sign
    reached = False
    for candle_ in some:
        reached = (
            reached
            or each.trigger_price is None
            or (sign * (candle_.high if each.side is Side.BUY else candle_.low) >= sign * each.trigger_price)
        )
        for fill in [
            fill for fill in fills if fill.fill_id == ids.digest("paper", each.client_id, candle_.open_time_ms)
        ]:
            assert reached, "filled before its trigger"
            assert fill.qty * 10 <= candle_.volume
            # it may be worse than any price of the bar, never better
            best = candle_.low if each.side is Side.BUY else candle_.high
            assert sign * (fill.price - best) >= 0
            if each.limit_price is not None:
                assert (fill.price - each.limit_price) * sign <= 0
            if each.post_only:
                assert fill.price == each.limit_price
            assert each.good_till_ms is None or fill.ts_ms <= each.good_till_ms
    if each.time_in_force in (TimeInForce.IOC, TimeInForce.FOK):
        assert not after.status.is_open
        assert {fill.ts_ms for fill in fills} <= {some[0].open_time_ms}
    if each.time_in_force is TimeInForce.FOK:
        assert after.filled_qty in (0, each.qty)


@settings(max_examples=150, deadline=None)
@given(bars(), cents, cents, st.integers(1, 60), st.booleans())
def test_of_a_group_never_both_fill_nor_more_than_is_held(
    some: list[Candle], trigger: Decimal, limit: Decimal, held: int, turned: bool
) -> None:
    terms: dict[str, Any] = {"oco": ids.digest("group"), "reduce_only": True}
    both = [
        stop(Side.SELL, exact.text(trigger), qty="50", name="s", **terms),
        order(Side.SELL, "50", exact.text(limit), name="t", **terms),
    ]
    working = [Working.of_order(each) for each in (reversed(both) if turned else both)]
    left, filled = D(held), dict[str, Decimal]()
    for candle_ in some:
        found = match(working, candle_, AAA, RULES, left)
        working = [each.order for each in found]
        for each in found:
            if each.fill is not None:
                filled[each.order.client_id] = filled.get(each.order.client_id, D(0)) + each.fill.qty
                left -= each.fill.qty
    assert len(filled) <= 1, "both of a group have filled"
    assert left >= 0
