"""The orders that guard a position at the venue: as large as it is, where its levels are, through cancels, losses and crashes."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.desk import commands, exits, gates
from shared.desk.levels import levels
from shared.desk.state import is_guard, together
from shared.errors import Refused
from shared.model import Candle, Cause, Fill, Money, OrderKind, OrderStatus, Side
from shared.venues.venue import Offers, OrderReport
from tests.unit.desk.bench import DAY, PAPER, T0, Bench, candle, opening, proposal, quote, run
from tests.unit.desk.faulty import Crash, Doom, FaultyVenue
from tests.unit.desk.native_sql import NativeSql

RESTING = {**PAPER, "resting_stops": True}


def resting(path: str | Path = ":memory:", venue: Any = FaultyVenue) -> Bench:
    made = Bench(path, venue=venue, opened=False)
    run(made.desk.open(opening(paper=RESTING)))
    return made


@pytest.fixture
def bench() -> Bench:
    return resting()


def guards(bench: Bench, symbol: str = "AAA") -> list[tuple[str, str, str]]:
    """Kind, price and quantity of what rests at the venue, by its own account."""
    found = []
    for report in run(bench.venue.open_orders()):
        order = bench.state.orders[report.client_id]
        if order.instrument == f"us:{symbol}" and order.cause in (Cause.STOP, Cause.TARGET):
            assert order.reduce_only
            assert order.side is Side.SELL
            price = order.trigger_price or order.limit_price
            found.append((order.kind.value, str(price), str(order.remaining_qty)))
    return sorted(found, reverse=True)


def set_levels(bench: Bench, **levels: str) -> None:
    engine = bench.desk.engine
    engine.ready()
    draft = engine.session.draft(engine.now_ms)
    draft.decide(commands.SetLevels("us:AAA", "me", **{name: Decimal(price) for name, price in levels.items()}))
    engine.commit(draft)
    run(engine.settle())


def test_a_position_is_guarded_by_a_stop_and_a_target_that_end_one_another(bench: Bench) -> None:
    bench.held("AAA", 0, stop_price="95", target_price="110")
    assert guards(bench) == [("stop", "95", "10"), ("limit", "110", "10")]
    stop, target = bench.state.orders.values()
    assert stop.oco == target.oco is not None
    assert (stop.cause, target.cause) == (Cause.STOP, Cause.TARGET)
    bench.call("heartbeat", quotes=[])
    bench.call("tick")
    assert bench.kinds().count("order_intended") == 3


def test_nothing_rests_where_the_venue_offers_no_stops_or_the_position_has_no_levels(bench: Bench) -> None:
    bench.held("AAA", 0)
    assert guards(bench) == []
    plain = Bench()
    plain.held("AAA", 0, stop_price="95")
    assert plain.state.orders == {}


@pytest.mark.parametrize(("bar", "price"), [(("100", "101", "90"), "94.95"), (("100", "120", "99"), "110")])
def test_the_venue_ends_the_position_by_itself_and_nothing_is_left(
    bench: Bench, bar: tuple[str, str, str], price: str
) -> None:
    bench.held("AAA", 0, stop_price="95", target_price="110")
    opened, high, low = bar
    bench.bars(candle("AAA", 2, opened, high=high, low=low))
    assert bench.state.position("us:AAA").is_flat
    assert bench.state.orders == {}
    assert "level_triggered" not in bench.kinds()
    (sold,) = bench.sql.rows(
        "SELECT json_extract(body, '$.fill.price') FROM events WHERE kind = 'order_filled' LIMIT 1, 1"
    )
    assert sold == (price,)
    assert run(bench.venue.open_orders()) == []


def test_guards_grow_with_the_entry_and_shrink_with_the_exit(bench: Bench) -> None:
    bench.bars(candle("AAA", 0, "100"))
    bench.place("AAA", "buy", "100", stop_price="80", target_price="200")
    for day, held in ((1, "30"), (2, "60"), (3, "90")):
        bench.bars(candle("AAA", day, "100", volume="300"))
        assert guards(bench) == [("stop", "80", held), ("limit", "200", held)]
    bench.bars(candle("AAA", 4, "100"))
    bench.place("AAA", "sell", "40", reduce_only=True)
    # what leaves is not guarded any more
    assert guards(bench) == [("stop", "80", "60"), ("limit", "200", "60")]
    bench.bars(candle("AAA", 5, "100", volume="300"), candle("AAA", 6, "100"))
    assert bench.state.position("us:AAA").qty == 60
    assert guards(bench) == [("stop", "80", "60"), ("limit", "200", "60")]


def test_a_target_that_fills_in_part_is_grouped_anew_with_a_stop(bench: Bench) -> None:
    bench.held("AAA", 0, stop_price="95", target_price="110")
    target = next(order for order in bench.state.orders.values() if order.cause is Cause.TARGET)
    sold = Fill(
        fill_id="f",
        client_id=target.client_id,
        instrument="us:AAA",
        side=Side.SELL,
        qty=Decimal(4),
        price=Decimal(110),
        fee=Money(amount=Decimal(0), asset="USD"),
        ts_ms=T0 + 2 * DAY,
    )
    bench.desk.engine.book(OrderReport(target.client_id, target.venue_order_id, OrderStatus.PARTLY_FILLED, (sold,)))
    run(bench.desk.engine.settle())
    assert bench.order(target.client_id)["status"] == "cancelled"
    assert guards(bench) == [("stop", "95", "6"), ("limit", "110", "6")]
    assert len({order.oco for order in bench.state.orders.values()}) == 1


def test_what_a_bar_leaves_of_a_target_the_desk_sells_itself(bench: Bench) -> None:
    bench.held("AAA", 0, stop_price="95", target_price="110")
    bench.bars(candle("AAA", 2, "100", high="111", volume="40"))
    ((kind, _, left),) = guards(bench)
    assert (kind, left) == ("market", "6")
    bench.bars(candle("AAA", 3, "100"))
    assert bench.state.position("us:AAA").is_flat


def test_a_stop_that_has_set_off_is_let_go_on(bench: Bench) -> None:
    bench.held("AAA", 0, stop_price="95", target_price="110")
    bench.bars(candle("AAA", 2, "100", low="94", volume="40"))
    ((kind, _, left),) = guards(bench)
    assert (kind, left) == ("stop", "6")
    assert bench.call("heartbeat", quotes=[])["levels"] == []
    bench.bars(candle("AAA", 3, "90"))
    assert bench.state.position("us:AAA").is_flat
    assert "level_triggered" not in bench.kinds()


def test_moved_levels_move_the_guards_one_after_the_other(bench: Bench) -> None:
    bench.held("AAA", 0, stop_price="95")
    before = next(iter(bench.state.orders))
    set_levels(bench, stop_price="97", target_price="120")
    assert guards(bench) == [("stop", "97", "10"), ("limit", "120", "10")]
    order = bench.order(before)
    assert (order["status"], order["reason"]) == ("cancelled", "moved")
    set_levels(bench)
    assert guards(bench) == []


def test_a_new_guard_waits_until_the_old_one_is_gone(bench: Bench) -> None:
    bench.held("AAA", 0, stop_price="95")
    bench.venue.script.extend(["before"])
    set_levels(bench, stop_price="97")
    assert guards(bench) == [("stop", "95", "10")]
    # in between the desk's own watch is at the new price
    (level,) = bench.call("heartbeat", quotes=[])["levels"]
    assert level["price"] == "97"
    bench.clock.advance(1000)
    bench.fire()
    assert guards(bench) == [("stop", "97", "10")]


@pytest.mark.parametrize("way", ["by hand", "proposal", "limit"])
def test_guards_yield_to_every_other_sell_and_are_gone_before_it_is_sent(way: str) -> None:
    class Watching(FaultyVenue):
        async def place(self, order: Any) -> Any:
            if order.cause not in (Cause.STOP, Cause.TARGET) and order.side is Side.SELL:
                assert not bench.sql.rows("SELECT 1 FROM paper_orders WHERE is_open = 1"), (
                    "two orders for the same shares"
                )
            return await super().place(order)

    bench = resting(venue=Watching)
    bench.held("AAA", 0, stop_price="95", target_price="110")
    if way == "proposal":
        (result,) = bench.propose(proposal("AAA", 1, "100", action="exit", side="sell", stop_distance=None))
        name = result["client_id"]
    else:
        limit = {"kind": "limit", "limit_price": "130"} if way == "limit" else {}
        name = bench.place("AAA", "sell", "10", reduce_only=True, **limit)["client_id"]
    assert bench.order(name)["status"] == "acknowledged"
    assert list(bench.state.orders) == [name]
    if way == "limit":
        bench.call("cancel", client_id=name, by="me", idempotency_key="c")
        assert guards(bench) == [("stop", "95", "10"), ("limit", "110", "10")]
    else:
        bench.bars(candle("AAA", 2, "100"))
        assert bench.state.position("us:AAA").is_flat


def test_an_exit_waits_for_the_guard_that_has_not_answered_and_ends_if_that_one_filled_first(bench: Bench) -> None:
    bench.held("AAA", 0, stop_price="95")
    bench.venue.script.extend(["before"])
    name = bench.place("AAA", "sell", "10", reduce_only=True)["client_id"]
    assert bench.order(name)["status"] == "intended"
    bench.bars(candle("AAA", 2, "100", low="90"))
    order = bench.order(name)
    assert (order["status"], order["reason"]) == ("cancelled", "outgrown")
    assert bench.state.position("us:AAA").is_flat
    assert bench.state.orders == {}


def test_guards_that_the_venue_rejects_are_tried_again_with_backoff_and_do_not_hold_back_the_desks_own(
    bench: Bench,
) -> None:
    bench.bars(candle("AAA", 0, "100"))
    bench.place("AAA", "buy", "10", stop_price="95")
    bench.venue.script.extend(["no"] * 4)
    bench.bars(candle("AAA", 1, "100"))
    start = len(bench.venue.places)
    for _ in range(16):
        bench.clock.advance(1000)
        bench.call("heartbeat", quotes=[quote("AAA", "100", "100.1", T0 + 2 * DAY, received_ms=bench.clock.now_ms())])
    # rejected at 0, 1, 3 and 7 seconds, and taken at 15
    assert len(bench.venue.places) - start == 4
    assert guards(bench) == [("stop", "95", "10")]
    assert bench.state.rejected_guards == {}
    bench.venue.script.extend(["ok", "no"])
    set_levels(bench, stop_price="96")
    assert (guards(bench), bench.state.rejected_guards["us:AAA"].count) == ([], 1)
    seen = quote("AAA", "90", "90.1", T0 + 2 * DAY + 1, received_ms=bench.clock.now_ms())
    bench.call("heartbeat", quotes=[seen])
    assert [order.kind for order in bench.state.orders.values()] == [OrderKind.MARKET]


def test_a_guard_that_the_venue_lost_is_placed_anew(bench: Bench) -> None:
    bench.held("AAA", 0, stop_price="95")
    (lost,) = bench.state.orders
    bench.sql.rows("DELETE FROM paper_orders WHERE client_id = ?", lost)
    bench.reborn()
    bench.fire()
    assert bench.order(lost)["reason"] == "lost_by_venue"
    assert bench.state.halt_reason
    bench.fire()
    assert guards(bench) == [("stop", "95", "10")]


def test_a_halt_keeps_the_stop_and_resuming_brings_the_target_back(bench: Bench) -> None:
    bench.held("AAA", 0, stop_price="95", target_price="110")
    bench.call("halt", by="me", reason="x")
    assert guards(bench) == [("stop", "95", "10")]
    asked = bench.call("resume_request", by="me", reason="fine")
    bench.call("resume_confirm", by="me", confirm=asked["confirm"])
    assert guards(bench) == [("stop", "95", "10"), ("limit", "110", "10")]


def test_a_stop_that_rests_alone_is_not_touched_by_a_halt(bench: Bench) -> None:
    bench.held("AAA", 0, stop_price="95")
    before = list(bench.state.orders)
    bench.call("halt", by="me", reason="x")
    assert list(bench.state.orders) == before
    assert "order_cancel_requested" not in bench.kinds()


def crossing(bench: Bench, ts_ms: int = T0 + 3 * DAY) -> dict[str, Any]:
    (level,) = bench.call("heartbeat", quotes=[])["levels"]
    seen = quote("AAA", "90", "90.1", ts_ms, received_ms=bench.clock.now_ms())
    return bench.call("trigger", level=level, quote=seen)


def test_a_crossed_stop_is_left_to_the_guard_for_a_while_and_then_taken_over(bench: Bench) -> None:
    bench.held("AAA", 0, stop_price="95")
    (guard,) = bench.state.orders
    for _ in range(3):
        assert crossing(bench)["outcome"] == "left_to_venue"
    assert bench.kinds().count("level_awaited") == 1
    assert list(bench.state.orders) == [guard]
    bench.reborn()
    bench.clock.advance(59_999)
    assert crossing(bench)["outcome"] == "left_to_venue"
    bench.clock.advance(1)
    answer = crossing(bench)
    assert answer["outcome"] == "intended"
    assert list(bench.state.orders) == [answer["client_id"]]
    assert bench.order(guard)["status"] == "cancelled"


def test_a_crossed_level_is_left_only_to_a_guard_at_that_level_for_all_of_it_and_from_before(bench: Bench) -> None:
    bench.held("AAA", 0, stop_price="95")
    state = bench.state
    (guard,) = state.orders.values()
    (level,) = levels(state)
    crossed = commands.Trigger(level, Decimal(90), guard.market_ms + 1, bench.clock.now_ms())
    assert exits.guard_for(state, crossed) is guard
    more = state.position("us:AAA").model_copy(update={"qty": Decimal(11)})
    assert exits.guard_for(state.but(positions={"us:AAA": more}), crossed) is None
    moved = level.model_copy(update={"price": Decimal(97)})
    assert exits.guard_for(state, dataclasses.replace(crossed, level=moved)) is None
    assert exits.guard_for(state, dataclasses.replace(crossed, market_ms=guard.market_ms)) is None


class Ungrouped(FaultyVenue):
    """Stops rest there, but no order ends another one."""

    @property
    def offers(self) -> Offers:
        return dataclasses.replace(super().offers, oco=False)


def test_where_no_order_ends_another_the_stop_rests_alone_and_the_desk_watches_the_target() -> None:
    bench = resting(venue=Ungrouped)
    bench.held("AAA", 0, stop_price="95", target_price="110")
    assert guards(bench) == [("stop", "95", "10")]
    bench.bars(candle("AAA", 2, "100", high="111"))
    (order,) = bench.state.orders.values()
    assert (order.kind, order.cause, order.qty) == (OrderKind.MARKET, Cause.TARGET, 10)
    bench.bars(candle("AAA", 3, "110"))
    assert bench.state.position("us:AAA").is_flat
    assert run(bench.venue.open_orders()) == []


def test_guards_wait_while_the_most_orders_are_open(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "MAX_OPEN_ORDERS", 1)
    bench.held("AAA", 0, stop_price="95", target_price="110")
    assert guards(bench) == []
    monkeypatch.undo()
    bench.call("heartbeat", quotes=[])
    assert guards(bench) == [("stop", "95", "10"), ("limit", "110", "10")]


def test_guards_and_the_watch_outlive_a_venue_that_was_away(bench: Bench) -> None:
    bench.held("AAA", 0, stop_price="95", target_price="110")
    before = list(bench.state.orders)
    bench.venue.script.extend(["before"] * 40)
    set_levels(bench, stop_price="97", target_price="115")
    for _ in range(6):
        bench.clock.advance(10_000)
        bench.fire()
    bench.reborn()
    # nothing was assumed: the old group is still being cancelled, and meanwhile the desk itself watches the new levels
    assert {bench.order(name)["status"] for name in before} == {"cancelling"}
    watched = bench.call("heartbeat", quotes=[])["levels"]
    assert [level["price"] for level in watched] == ["97", "115"]
    bench.venue.script.clear()
    for _ in range(3):
        bench.clock.advance(61_000)
        bench.fire()
    assert guards(bench) == [("stop", "97", "10"), ("limit", "115", "10")]
    assert bench.state.position("us:AAA").qty == 10


def test_a_crossed_stop_that_the_venue_has_filled_is_learnt_at_once(bench: Bench) -> None:
    bench.held("AAA", 0, stop_price="95")
    bar = candle("AAA", 2, "100", low="90")
    (guard,) = bench.state.orders
    bench.venue.on_bars([_bar(bar)])
    assert crossing(bench)["outcome"] == "left_to_venue"
    assert bench.order(guard)["status"] == "filled"
    assert bench.state.position("us:AAA").is_flat


def _bar(body: dict[str, Any]) -> Candle:
    return Candle.parse(json.dumps(body))


def test_a_stop_crossed_in_the_bar_of_the_entry_is_the_desks_own(bench: Bench) -> None:
    bench.bars(candle("AAA", 0, "100"))
    bench.place("AAA", "buy", "10", stop_price="95")
    bench.bars(candle("AAA", 1, "100", low="90"))
    assert bench.kinds().count("level_triggered") == 1
    assert [order.kind for order in bench.state.orders.values()] == [OrderKind.MARKET]
    bench.bars(candle("AAA", 2, "100"))
    assert bench.state.position("us:AAA").is_flat


def test_a_guard_without_an_answer_is_no_reason_to_wait(bench: Bench) -> None:
    bench.bars(candle("AAA", 0, "100"))
    bench.place("AAA", "buy", "10", stop_price="95")
    bench.venue.script.extend(["after", "before"])
    bench.bars(candle("AAA", 1, "100"))
    assert [order.status for order in bench.state.orders.values()] == [OrderStatus.UNKNOWN]
    assert crossing(bench)["outcome"] == "intended"
    bench.clock.advance(2000)
    bench.fire()
    bench.bars(candle("AAA", 3, "90"))
    assert bench.state.position("us:AAA").is_flat


def test_a_guard_that_nobody_can_ask_about_does_not_keep_the_desk_from_leaving() -> None:
    class Nameless(FaultyVenue):
        @property
        def offers(self) -> Offers:
            return dataclasses.replace(super().offers, client_ids=False)

    bench = resting(venue=Nameless)
    bench.bars(candle("AAA", 0, "100"))
    bench.place("AAA", "buy", "10", stop_price="95")
    bench.venue.script.extend(["before"])
    bench.bars(candle("AAA", 1, "100"))
    (guard,) = bench.state.orders.values()
    assert guard.status is OrderStatus.UNKNOWN
    answer = crossing(bench)
    assert bench.order(answer["client_id"])["status"] == "acknowledged"
    bench.bars(candle("AAA", 3, "90"))
    assert bench.state.position("us:AAA").is_flat
    assert list(bench.state.orders) == [guard.client_id]
    # nobody knows whether it still sells: the strategy does not enter before that is resolved
    (result,) = bench.propose(proposal("AAA", 3, "90"))
    assert (result["outcome"], result["code"]) == ("refused", "symbol_unresolved")


@pytest.mark.parametrize(
    ("levels", "code"),
    [
        ({"stop_price": "100"}, "stop_absurd"),
        ({"target_price": "100"}, "target_absurd"),
        ({"stop_price": "95.001"}, "tick"),
        ({"trail_distance": "100"}, "stop_absurd"),
    ],
)
def test_levels_that_make_no_sense_are_refused(bench: Bench, levels: dict[str, str], code: str) -> None:
    bench.held("AAA", 0, stop_price="95")
    with pytest.raises(Refused) as caught:
        set_levels(bench, **levels)
    assert caught.value.error_code == code
    assert guards(bench) == [("stop", "95", "10")]


def test_levels_need_a_position() -> None:
    bench = resting()
    with pytest.raises(Refused) as caught:
        set_levels(bench, stop_price="95")
    assert caught.value.error_code == "no_position"


@pytest.mark.parametrize("left", range(1, 90))
def test_a_crash_anywhere_leaves_the_position_guarded_once(left: int) -> None:
    doom = Doom()
    bench = resting(venue=lambda sql: FaultyVenue(sql, doom))
    bench.bars(candle("AAA", 0, "100"))
    bench.sql = NativeSql(before=doom.at, same_as=bench.sql)
    bench._make()
    doom.left = left
    story = [
        lambda: bench.place("AAA", "buy", "10", key="k", stop_price="95", target_price="110"),
        lambda: bench.bars(candle("AAA", 1, "100")),
        lambda: set_levels(bench, stop_price="97", target_price="115"),
    ]
    for act in story:
        try:
            act()
        except Crash:
            doom.dead, doom.left = False, None
            bench.sql = NativeSql(same_as=bench.sql)
            bench._make()
            act()
    for _ in range(4):
        bench.clock.advance(10_000)
        bench.call("tick")
        bench.fire()
    assert bench.state.position("us:AAA").qty == 10
    assert guards(bench) == [("stop", "97", "10"), ("limit", "115", "10")]
    assert len(run(bench.venue.open_orders())) == 2


moves = st.lists(
    st.one_of(
        st.tuples(st.just("bar"), st.integers(-800, 800), st.sampled_from(["1000000", "200", "0"])),
        st.tuples(st.just("buy"), st.integers(1, 60), st.integers(1, 900)),
        st.tuples(st.just("sell"), st.integers(1, 60), st.booleans()),
        st.tuples(st.just("quote"), st.integers(-900, 900), st.just(0)),
        st.tuples(st.just("levels"), st.integers(1, 900), st.integers(1, 900)),
        st.tuples(st.just("fault"), st.sampled_from(["before", "after", "no"]), st.integers(0, 3)),
        st.tuples(st.just("halt"), st.just(0), st.just(0)),
        st.tuples(st.just("wait"), st.integers(1, 70), st.just(0)),
        st.tuples(st.just("reborn"), st.just(0), st.just(0)),
    ),
    max_size=14,
)


class Story:
    """Does what is asked for at prices around the newest one."""

    def __init__(self) -> None:
        self.bench = resting()
        self.price, self.day = 10_000, 1
        self.bench.bars(candle("AAA", 0, "100"))

    def around(self, cents: int) -> str:
        return f"{max(1000, self.price + cents) / 100:.2f}"

    def bar(self, move: int, volume: str) -> None:
        after = max(2000, self.price + move)
        low, high = min(self.price, after) - 20, max(self.price, after) + 20
        texts = [f"{cents / 100:.2f}" for cents in (self.price, high, low, after)]
        self.bench.bars(candle("AAA", self.day, *texts, volume=volume))
        self.price, self.day = after, self.day + 1

    def buy(self, qty: int, away: int) -> None:
        levels = {"stop_price": self.around(-away), "target_price": self.around(away)}
        self.bench.place("AAA", "buy", str(qty), **levels)

    def sell(self, qty: int, rests: bool) -> None:
        limit = {"kind": "limit", "limit_price": self.around(500)} if rests else {}
        self.bench.place("AAA", "sell", str(qty), reduce_only=True, **limit)

    def quote(self, move: int, _: int) -> None:
        ts_ms = T0 + self.day * DAY + 1
        seen = quote("AAA", self.around(move), self.around(move + 1), ts_ms, self.bench.clock.now_ms())
        self.bench.call("heartbeat", quotes=[seen])

    def levels(self, below: int, above: int) -> None:
        set_levels(self.bench, stop_price=self.around(-below), target_price=self.around(above))

    def fault(self, what: str, after: int) -> None:
        self.bench.venue.script.extend(["ok"] * after + [what])

    def halt(self, _: int, __: int) -> None:
        self.bench.call("halt", by="me", reason="x")

    def wait(self, seconds: int, _: int) -> None:
        self.bench.clock.advance(seconds * 1000)
        self.bench.fire()

    def reborn(self, _: int, __: int) -> None:
        self.bench.reborn()

    def heals(self) -> None:
        self.bench.venue.script.clear()
        for _ in range(4):
            self.bench.clock.advance(61_000)
            self.bench.fire()
            self.bench.call("tick")
            seen = quote("AAA", between(self.bench), "999", T0 + 99 * DAY, self.bench.clock.now_ms())
            self.bench.call("heartbeat", quotes=[seen])


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(moves)
def test_what_rests_is_never_more_than_the_position_and_in_the_end_just_as_much(
    moves: list[tuple[str, Any, Any]],
) -> None:
    story = Story()
    bench = story.bench
    for what, a, b in moves:
        with contextlib.suppress(Refused):
            getattr(story, what)(a, b)
        rests_within_the_position(bench)
    story.heals()
    rests_within_the_position(bench)
    position = bench.state.position("us:AAA")
    sells = bench.state.open_orders("us:AAA", Side.SELL)
    stops = [order.remaining_qty for order in sells if order.kind is OrderKind.STOP]
    left = position.qty - together(order for order in sells if not is_guard(order))
    assert stops == ([left] if position.stop_price is not None and left else [])


def between(bench: Bench) -> str:
    """A bid at which nothing new is crossed."""
    stop = bench.state.position("us:AAA").stop_price
    target = bench.state.position("us:AAA").target_price
    return str(stop + Decimal("0.01")) if stop is not None else str((target or Decimal(100)) - Decimal("0.01"))


def rests_within_the_position(bench: Bench) -> None:
    """By the venue's own account: groups once, and nothing sold that was not held."""
    bench.desk.engine.ready()
    held = run(bench.venue.account(0)).positions.get("us:AAA", Decimal(0))
    assert held >= 0
    known = [bench.desk.engine.session.store.order(report.client_id) for report in run(bench.venue.open_orders())]
    rows = {
        row[0]: row[1]
        for row in bench.sql.rows("SELECT client_id, json_extract(body, '$.filled_qty') FROM paper_orders")
    }
    sells = [
        order.model_copy(update={"filled_qty": Decimal(rows[order.client_id])})
        for order in known
        if order is not None and order.side is Side.SELL
    ]
    assert together(sells) <= held, "more rests than is held"
