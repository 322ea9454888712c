"""Times in force, post-only and stops by hand: passed on, kept by the desk itself, or refused; and trailing stops."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.desk.levels import trailed
from shared.desk.terms import as_offered
from shared.errors import Refused
from shared.model import Order, OrderKind, Position, TimeInForce
from shared.venues.venue import Offers
from tests.unit.desk.bench import DAY, PAPER, T0, Bench, candle, opening, quote, run
from tests.unit.desk.faulty import FaultyVenue
from tests.unit.venues.test_paper import AAA, order

D = Decimal


class Sparse(FaultyVenue):
    """Offers as little as there can be, and shows what it was sent."""

    offered = Offers(post_only=False, times_in_force=frozenset({TimeInForce.GTC}))

    @property
    def offers(self) -> Offers:
        return self.offered

    async def place(self, order: Order) -> Any:
        self.got = order
        return await super().place(order)


def desk(venue: Any = FaultyVenue, **paper: Any) -> Bench:
    made = Bench(venue=venue, opened=False)
    run(made.desk.open(opening(paper={**PAPER, **paper})))
    made.bars(candle("AAA", 0, "100"))
    return made


def refused(bench: Bench, side: str = "buy", **order_: Any) -> str:
    with pytest.raises(Refused) as caught:
        bench.place("AAA", side, "10", **order_)
    return caught.value.error_code


LIMIT = {"kind": "limit", "limit_price": "90"}


@pytest.mark.parametrize(
    "terms",
    [
        {"time_in_force": "ioc"},
        {**LIMIT, "time_in_force": "fok"},
        {**LIMIT, "post_only": True},
        {"kind": "stop", "trigger_price": "110"},
        {"kind": "stop_limit", "trigger_price": "110", "limit_price": "111"},
    ],
)
def test_what_neither_venue_nor_desk_can_do_is_refused_before_it_is_sent(terms: dict[str, Any]) -> None:
    bench = desk(Sparse)
    assert refused(bench, **terms) == "not_offered"
    assert bench.venue.places == []
    full = desk(resting_stops=True)
    name = full.place("AAA", "buy", "10", **terms)["client_id"]
    assert full.order(name)["status"] == "acknowledged"


def test_good_till_is_kept_by_the_desk_where_the_venue_does_not() -> None:
    bench = desk(Sparse)
    name = bench.place("AAA", "buy", "10", **LIMIT, time_in_force="gtd", good_till_ms=T0 + 2 * DAY)["client_id"]
    assert (bench.venue.got.time_in_force, bench.venue.got.good_till_ms) == (TimeInForce.GTC, None)
    assert bench.order(name)["time_in_force"] == "gtd"
    bench.call("heartbeat", quotes=[quote("AAA", "99", "100", T0 + 2 * DAY - 1)])
    assert bench.order(name)["status"] == "acknowledged"
    bench.call("heartbeat", quotes=[quote("AAA", "99", "100", T0 + 2 * DAY)])
    order_ = bench.order(name)
    assert (order_["status"], order_["reason"]) == ("expired", "good_till")


def test_good_till_ends_an_order_that_never_left_and_one_that_nobody_knows() -> None:
    for script in (["before"], ["before", "before"]):
        bench = desk()
        bench.venue.script.extend(script)
        terms = {**LIMIT, "time_in_force": "gtd", "good_till_ms": T0 + DAY + 5}
        name = bench.place("AAA", "buy", "10", **terms)["client_id"]
        bench.call("heartbeat", quotes=[quote("AAA", "99", "100", T0 + DAY + 5)])
        bench.clock.advance(3000)
        bench.fire()
        order_ = bench.order(name)
        assert (order_["status"], order_["reason"]) == ("expired", "good_till")
        assert run(bench.venue.open_orders()) == []


def test_a_time_that_is_over_already_is_refused() -> None:
    bench = desk()
    assert refused(bench, **LIMIT, time_in_force="gtd", good_till_ms=T0 + DAY) == "good_till_past"


def test_post_only_is_refused_where_the_known_quote_would_cross() -> None:
    bench = desk()
    bench.held("AAA", 1)
    bench.call("heartbeat", quotes=[quote("AAA", "99", "101", T0 + 3 * DAY + 1)])
    terms = {"kind": "limit", "post_only": True}
    assert refused(bench, **terms, limit_price="101") == "post_only_crosses"
    assert refused(bench, "sell", **terms, limit_price="99", reduce_only=True) == "post_only_crosses"
    assert bench.place("AAA", "buy", "10", **terms, limit_price="98.99")["post_only"] is True
    assert bench.place("AAA", "sell", "10", **terms, limit_price="99.01", reduce_only=True)["post_only"] is True


def test_the_paper_venue_rejects_what_would_take() -> None:
    bench = desk()
    name = bench.place("AAA", "buy", "10", **LIMIT, post_only=True)["client_id"]
    bench.bars(candle("AAA", 1, "89"))
    order_ = bench.order(name)
    assert (order_["status"], order_["reason"]) == ("rejected", "post_only_crosses")


@pytest.mark.parametrize(
    ("side", "terms", "code"),
    [
        ("buy", {"kind": "stop", "trigger_price": "100"}, "trigger_absurd"),
        ("buy", {"kind": "stop", "trigger_price": "110.001"}, "tick"),
        ("buy", {"kind": "stop_limit", "trigger_price": "110", "limit_price": "133"}, "price_absurd"),
        ("buy", {"kind": "stop", "trigger_price": "1100"}, "price_absurd"),
    ],
)
def test_a_stop_by_hand_makes_sense_or_is_refused(side: str, terms: dict[str, Any], code: str) -> None:
    assert refused(desk(resting_stops=True), side, **terms) == code


def test_a_stop_by_hand_is_counted_at_its_trigger_and_buys_when_it_is_reached() -> None:
    bench = desk(resting_stops=True)
    name = bench.place("AAA", "buy", "10", kind="stop", trigger_price="110", stop_price="105")["client_id"]
    assert bench.order(name)["reference_price"] == "110"
    bench.bars(candle("AAA", 1, "100", high="109.99"))
    assert bench.order(name)["status"] == "acknowledged"
    bench.bars(candle("AAA", 2, "100", high="111"))
    assert bench.order(name)["status"] == "filled"
    assert bench.state.position("us:AAA").stop_price == 105


def test_only_what_is_not_offered_is_left_away() -> None:
    group = order(limit="90", time_in_force=TimeInForce.GTD, good_till_ms=5, oco="a" * 32)
    assert as_offered(group, Offers(oco=True)) == group
    bare = as_offered(group, Offers(times_in_force=frozenset()))
    assert (bare.time_in_force, bare.good_till_ms, bare.oco) == (TimeInForce.GTC, None, None)
    assert bare.client_id == group.client_id


def stop_of(bench: Bench) -> Decimal | None:
    stop: Decimal | None = bench.state.position("us:AAA").stop_price
    return stop


def test_a_trailing_stop_begins_below_what_was_paid_and_follows_the_price_upwards() -> None:
    bench = desk()
    bench.held("AAA", 1, trail_distance="5")
    # paid 100.05
    assert stop_of(bench) == D("95.05")
    bench.bars(candle("AAA", 3, "100", high="120", close="103"))
    assert stop_of(bench) == D("98")
    bench.call("heartbeat", quotes=[quote("AAA", "104", "104.1", T0 + 4 * DAY + 1)])
    # from the bid, not from the middle
    assert stop_of(bench) == D("99")
    moved = bench.kinds().count("levels_moved")
    bench.call("heartbeat", quotes=[quote("AAA", "104.24", "104.3", T0 + 4 * DAY + 2)])
    bench.call("heartbeat", quotes=[quote("AAA", "100", "100.1", T0 + 4 * DAY + 3)])
    assert (stop_of(bench), bench.kinds().count("levels_moved")) == (D("99"), moved)
    bench.call("heartbeat", quotes=[quote("AAA", "104.25", "104.3", T0 + 4 * DAY + 4)])
    assert stop_of(bench) == D("99.25")
    answer = bench.call("heartbeat", quotes=[quote("AAA", "99.25", "99.3", T0 + 4 * DAY + 5)])
    assert answer["levels"] == []
    assert [each.kind for each in bench.state.orders.values()] == [OrderKind.MARKET]


def test_a_trailing_stop_at_the_venue_is_moved_with_it() -> None:
    bench = desk(resting_stops=True)
    bench.held("AAA", 1, trail_distance="5", target_price="150")
    bench.bars(candle("AAA", 3, "100", close="110"))
    prices = sorted(str(each.trigger_price or each.limit_price) for each in bench.state.orders.values())
    assert prices == ["105", "150"]


def test_an_addition_never_lowers_a_trailing_stop() -> None:
    bench = desk()
    bench.held("AAA", 1, trail_distance="5")
    bench.bars(candle("AAA", 3, "100", close="104"))
    assert stop_of(bench) == D("99")
    bench.place("AAA", "buy", "10", trail_distance="5")
    # paid 102.05, five below which is less than what stands
    bench.bars(candle("AAA", 4, "102"))
    assert (bench.state.position("us:AAA").qty, stop_of(bench)) == (20, D("99"))
    bench.place("AAA", "buy", "10", trail_distance="2")
    bench.bars(candle("AAA", 5, "102.50"))
    assert stop_of(bench) == D("100.56")


def test_a_given_stop_stays_until_the_price_has_run_away_from_it() -> None:
    bench = desk()
    bench.held("AAA", 1, trail_distance="5", stop_price="99")
    assert stop_of(bench) == D("99")
    bench.bars(candle("AAA", 3, "100", close="104"))
    assert stop_of(bench) == D("99")
    bench.bars(candle("AAA", 4, "104", close="105"))
    assert stop_of(bench) == D("100")


prices = st.integers(1, 50_000).map(lambda cents: D(cents) / 100)


@given(prices, prices | st.none(), st.lists(prices, min_size=1, max_size=30))
def test_a_trailing_stop_never_falls_and_stays_at_least_its_distance_away(
    distance: Decimal, stop: Decimal | None, path: list[Decimal]
) -> None:
    position = Position(instrument="us:AAA", qty=D(1), cost=D(1), stop_price=stop, trail_distance=distance)
    for price in path:
        moved = trailed(AAA, position, price)
        if moved is None:
            continue
        before = position.stop_price
        assert before is None or moved - before >= max(AAA.tick, distance / 20)
        # on the tick above, and a tick below the price at least
        assert 0 < moved < price
        assert (
            moved == min(price - distance if price - distance > 0 else moved, price - AAA.tick) or distance < AAA.tick
        )
        position = position.model_copy(update={"stop_price": moved})
