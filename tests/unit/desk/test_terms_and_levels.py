"""Terms of an order and the levels of a position at their edges, on the core alone."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from shared.desk import brackets, commands, levels, terms
from shared.desk import events as ev
from shared.desk.context import Context
from shared.errors import Refused
from shared.model import Cause, Order, OrderKind, OrderStatus, Position, Side, TimeInForce, ids
from shared.venues.venue import Offers
from tests.unit.desk.protections.core import START, Core
from tests.unit.desk.test_state import AAA, limit, order

D = Decimal
ACK = OrderStatus.ACKNOWLEDGED


def asked(core: Core, **changes: Any) -> Order:
    return limit(1, **{"side": Side.BUY, "status": ACK, "market_ms": core.market_ms, **changes})


def context(core: Core, prior: Order | None = None, **changes: Any) -> Context:
    known = {"offers": core.offers, **changes}
    return Context(core.now_ms, dict(core.marks), core.market_ms, prior, **known)


@pytest.mark.parametrize(("side", "trigger", "limit_price", "code"), [
    (Side.BUY, "100.01", None, None), (Side.BUY, "100", None, "trigger_absurd"), (Side.BUY, "99", None, "trigger_absurd"),
    (Side.SELL, "99.99", None, None), (Side.SELL, "100", None, "trigger_absurd"), (Side.SELL, "101", None, "trigger_absurd"),
    (Side.BUY, "110", "132", None), (Side.BUY, "110", "132.01", "price_absurd"),
    (Side.BUY, "110", "88", None), (Side.BUY, "110", "87.99", "price_absurd"),
])  # fmt: skip
def test_a_trigger_lies_beyond_the_price_and_its_limit_near_it(
    side: Side, trigger: str, limit_price: str | None, code: str | None
) -> None:
    core = Core()
    core.offers = Offers(resting_stops=True)
    kind = OrderKind.STOP if limit_price is None else OrderKind.STOP_LIMIT
    at = order(1, kind=kind, side=side, trigger_price=D(trigger), limit_price=limit_price and D(limit_price))
    found = terms.refusal(core.known, core.known.instruments[AAA], at, context(core))
    assert (found and found.code) == code
    if code == "trigger_absurd":
        way = "above" if side is Side.BUY else "below"
        assert found is not None
        assert found.detail == f"{trigger} is not {way} the price, 100"


@pytest.mark.parametrize(("side", "price", "code"), [
    (Side.BUY, "100.99", None), (Side.BUY, "101", "post_only_crosses"), (Side.BUY, "102", "post_only_crosses"),
    (Side.SELL, "99.01", None), (Side.SELL, "99", "post_only_crosses"), (Side.SELL, "98", "post_only_crosses"),
])  # fmt: skip
def test_what_would_trade_at_once_is_not_post_only(side: Side, price: str, code: str | None) -> None:
    core = Core()
    at = order(1, kind=OrderKind.LIMIT, side=side, limit_price=D(price), post_only=True)
    listed = core.known.instruments[AAA]
    # without a quote the venue has the only word
    assert terms.refusal(core.known, listed, at, context(core)) is None
    core.mark("AAA", "100", bid="99", ask="101")
    found = terms.refusal(core.known, listed, at, context(core))
    assert (found and found.code) == code
    assert terms.refusal(core.known, listed, at.model_copy(update={"post_only": False}), context(core)) is None


@pytest.mark.parametrize(("till", "code"), [(0, "good_till_past"), (1, None)])
def test_good_till_lies_after_the_newest_time_that_is_known(till: int, code: str | None) -> None:
    core = Core()
    core.mark("AAA", "100", market_ms=START + 50)
    at = asked(core, time_in_force=TimeInForce.GTD, good_till_ms=START + 50 + till)
    found = terms.refusal(core.known, core.known.instruments[AAA], at, context(core))
    assert (found and found.code) == code
    assert terms.market_ms("us:BBB", context(core)) == terms.market_ms("us:ZZZ", context(core)) == START
    state = core.known.but(orders={at.client_id: at})
    ended = terms.due(state, context(core))
    assert [(event.kind, event.by, event.reason) for event in ended] == (  # type: ignore[attr-defined]
        [("order_cancel_requested", "desk", "good_till")] if code else []
    )


def test_an_order_of_which_nobody_knows_holds_entries_of_its_instrument_back() -> None:
    core = Core()
    lost = asked(core, status=OrderStatus.UNKNOWN)
    state = core.known.but(orders={lost.client_id: lost})
    found = terms.unresolved(state, AAA, reduce_only=False)
    assert found is not None
    assert (found.code, lost.client_id in found.detail) == ("symbol_unresolved", True)
    assert terms.unresolved(state, AAA, reduce_only=True) is None
    assert terms.unresolved(state, "us:BBB", reduce_only=False) is None


@pytest.mark.parametrize(("stop_", "target", "wanted"), [
    ("5", "10", ("95", "110")), ("5.005", "10.005", ("95", "110")), ("0.001", "0.001", ("99.99", "100.01")),
    ("100", None, (None, None)), ("99.99", None, ("0.01", None)), ("101", "1", (None, "101")), (None, None, (None, None)),
])  # fmt: skip
def test_distances_become_prices_on_the_tick(
    stop_: str | None, target: str | None, wanted: tuple[str | None, str | None]
) -> None:
    instrument = Core().known.instruments[AAA]
    found = levels.from_distances(instrument, D(100), stop_ and D(stop_), target and D(target))  # type: ignore[arg-type]
    assert (found.stop, found.target) == tuple(None if each is None else D(each) for each in wanted)
    assert found.trail is None


def test_no_stop_lies_below_the_smallest_price() -> None:
    instrument = Core().known.instruments[AAA]
    assert levels.from_distances(instrument, D("0.01"), D("0.001"), None).stop is None


@pytest.mark.parametrize(("stop_", "price", "wanted"), [
    ("90", "110", "100"), ("90", "100.5", "90.5"), ("90", "100.49", None), ("90", "99", None), (None, "99", "89"),
    (None, "9", None),
])  # fmt: skip
def test_a_stop_trails_by_steps_of_a_twentieth_of_its_distance(
    stop_: str | None, price: str, wanted: str | None
) -> None:
    position = Position(instrument=AAA, qty=D(1), trail_distance=D(10), stop_price=stop_ and D(stop_))  # type: ignore[arg-type]
    instrument = Core().known.instruments[AAA]
    assert levels.trailed(instrument, position, D(price)) == (None if wanted is None else D(wanted))
    for still in ({"qty": D(0)}, {"qty": D(-1)}, {"trail_distance": None}):
        assert levels.trailed(instrument, position.model_copy(update=still), D(500)) is None


def test_a_strategys_levels_keep_their_distance_from_what_was_paid() -> None:
    core = Core()
    paid = order(1, side=Side.BUY, cause=Cause.PROPOSAL, reference_price=D(100), stop_price=D(95), target_price=D(108))
    paid = paid.model_copy(update={"filled_qty": D(2), "filled_value": D(206), "qty": D(4)})
    flat, instrument = core.known.position(AAA), core.known.instruments[AAA]
    assert levels.after_fill(instrument, paid, flat) == levels.Prices(D(98), D(111), None)
    by_hand = paid.model_copy(update={"cause": Cause.MANUAL})
    assert levels.after_fill(instrument, by_hand, flat) == levels.Prices(D(95), D(108), None)
    deep = paid.model_copy(update={"filled_value": D(2)})
    assert levels.after_fill(instrument, deep, flat).stop == 95
    for none in ({"side": Side.SELL}, {"stop_price": None, "target_price": None}):
        assert levels.after_fill(instrument, paid.model_copy(update=none), flat) == levels.NONE


def test_a_persons_levels_are_checked_against_the_price_that_could_be_sold_at() -> None:
    core = Core()
    core.hold("AAA", "10")
    core.mark("AAA", "100", bid="99.50", ask="100.50")

    def code(**prices: str) -> str | None:
        try:
            core.run(commands.SetLevels(AAA, "me", **{name: D(value) for name, value in prices.items()}))
        except Refused as refused:
            return refused.error_code
        return None

    assert [code(stop_price=price) for price in ("99.49", "99.50", "99.495")] == [None, "stop_absurd", "tick"]
    assert [code(target_price=price) for price in ("99.51", "99.50", "99.515")] == [None, "target_absurd", "tick"]
    assert [code(trail_distance=distance) for distance in ("99.49", "99.50", "120")] == [
        None,
        "stop_absurd",
        "stop_absurd",
    ]
    assert core.known.position(AAA).stop_price == D("0.01")
    before = len(core.events)
    assert code(trail_distance="99.49", stop_price="0.01") is None
    assert len(core.events) == before
    del core.marks[AAA]
    assert code(stop_price="90") == "stale_data"
    with pytest.raises(Refused) as caught:
        core.run(commands.SetLevels("us:BBB", "me"))
    assert caught.value.error_code == "no_position"


def test_guards_are_named_as_the_desks_own_and_sized_as_the_position() -> None:
    core = Core()
    core.offers = Offers(resting_stops=True, oco=True)
    core.hold("AAA", "10", stop_price="95", target_price="120")
    opened_ms = core.known.position(AAA).opened_ms or 0
    first, second = core.known.orders.values()
    kinds = (levels.LevelKind.STOP, levels.LevelKind.TARGET)
    assert [first.client_id, second.client_id] == [
        ids.exit_order_id("alpha", AAA, opened_ms, kind, number) for number, kind in enumerate(kinds, 1)
    ]
    assert first.oco == second.oco == first.client_id
    for guard, cause in ((first, Cause.STOP), (second, Cause.TARGET)):
        assert (guard.cause, guard.by, guard.side, guard.qty, guard.reduce_only) == (cause, "desk", Side.SELL, 10, True)
        assert (guard.market_ms, guard.intended_ms) == (core.market_ms, core.now_ms)
    assert (first.kind, first.trigger_price, first.limit_price, first.reference_price) == (OrderKind.STOP, 95, None, 95)
    assert (second.kind, second.trigger_price, second.limit_price) == (OrderKind.LIMIT, None, 120)
    core.run(commands.Sending(first.client_id), first.client_id)
    found = core.run(commands.SetLevels(AAA, "me"))
    reasons = [(e.by, e.reason) for e in found if isinstance(e, ev.OrderCancelRequested)]
    assert reasons == [("desk", "not_needed")] * 2


def test_a_trailing_stop_is_moved_by_the_desk() -> None:
    core = Core()
    core.hold("AAA", "10", trail_distance=D(5))
    core.mark("AAA", "120")
    (moved,) = core.run(commands.Review())
    assert isinstance(moved, ev.LevelsMoved)
    assert (moved.by, moved.stop_price, moved.trail_distance, moved.instrument) == ("desk", 115, 5, AAA)


def test_no_guard_is_placed_where_no_more_orders_fit() -> None:
    core = Core()
    core.hold("AAA", "10", stop_price="95")
    core.offers = Offers(resting_stops=True)
    for count, placed in ((999, 1), (1000, 0)):
        others = {f"{n:032}": limit(n, instrument="us:BBB", side=Side.BUY, status=ACK) for n in range(count)}
        brackets._settled.clear()
        found = brackets.due(core.known.but(orders=others), context(core))
        assert [event.kind for event in found] == ["order_intended"] * placed


def test_a_guard_that_is_alone_belongs_to_no_group() -> None:
    core = Core()
    core.offers = Offers(resting_stops=True, oco=True)
    core.hold("AAA", "10", stop_price="95")
    (guard,) = core.known.orders.values()
    assert guard.oco is None


def test_a_trail_longer_than_the_price_begins_nowhere() -> None:
    core = Core()
    bought = order(1, side=Side.BUY, qty=D(2), filled_qty=D(2), filled_value=D(200), trail_distance=D(100))
    instrument = core.known.instruments[AAA]
    assert levels.after_fill(instrument, bought, core.known.position(AAA)) == levels.Prices(None, None, D(100))
    held = core.known.position(AAA).model_copy(update={"qty": D(1), "stop_price": D(90)})
    assert levels.after_fill(instrument, bought, held) == levels.Prices(D(90), None, D(100))
