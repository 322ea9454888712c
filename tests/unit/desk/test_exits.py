"""Leaving a position: what a crossed level leads to at the edge of each time and price, and how its exit is named."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from shared.desk import commands, exits
from shared.desk import events as ev
from shared.desk.context import Context
from shared.desk.levels import levels
from shared.desk.state import Rejections
from shared.desk.timers import backoff_ms
from shared.model import Cause, Level, LevelKind, Order, OrderKind, OrderStatus, Side, ids
from shared.venues.venue import Offers
from tests.unit.desk.protections.core import MINUTE, Core
from tests.unit.desk.test_state import AAA, limit, order, stop

D = Decimal
AGE_MS = 60_000


def held(**terms: Any) -> Core:
    core = Core(max_data_age_ms=AGE_MS)
    core.hold("AAA", "10", stop_price="95", target_price="120", **terms)
    return core


def level(core: Core, kind: LevelKind = LevelKind.STOP) -> Level:
    return next(each for each in levels(core.known) if each.kind is kind)


def trigger(core: Core, price: str = "95", kind: LevelKind = LevelKind.STOP, **changes: int) -> commands.Trigger:
    times = {"market_ms": core.market_ms + 1, "received_ms": core.now_ms, **changes}
    return commands.Trigger(level(core, kind), D(price), times["market_ms"], times["received_ms"])


def why(core: Core, command: commands.Trigger) -> str | None:
    found = exits.trigger_refusal(core.known, command, core.context)
    return found.code if found else None


def test_a_price_is_believed_up_to_its_age_and_not_beyond() -> None:
    core = held()
    assert why(core, trigger(core, received_ms=core.now_ms - AGE_MS)) is None
    assert why(core, trigger(core, received_ms=core.now_ms - AGE_MS - 1)) == "stale_data"


@pytest.mark.parametrize(("kind", "price", "wanted"), [
    (LevelKind.STOP, "95", None), (LevelKind.STOP, "95.01", "not_crossed"), (LevelKind.STOP, "94", None),
    (LevelKind.TARGET, "120", None), (LevelKind.TARGET, "119.99", "not_crossed"), (LevelKind.TARGET, "121", None),
])  # fmt: skip
def test_a_level_that_is_touched_is_crossed(kind: LevelKind, price: str, wanted: str | None) -> None:
    core = held()
    assert why(core, trigger(core, price, kind)) == wanted


def test_a_level_that_is_not_the_desks_is_stale() -> None:
    core = held()
    other = trigger(core)
    moved = commands.Trigger(other.level.model_copy(update={"price": D(96)}), D(90), other.market_ms, core.now_ms)
    assert why(core, moved) == "stale_level"
    assert core.run(moved) == []


@pytest.mark.parametrize("count", [1, 2, 4])
def test_after_rejected_exits_the_next_waits_for_its_backoff(count: int) -> None:
    core = held()
    at_ms = core.now_ms
    core.state = core.known.but(rejected_exits={AAA: Rejections(count=count, at_ms=at_ms)})
    core.now_ms = at_ms + backoff_ms(count - 1) - 1
    assert why(core, trigger(core)) == "exit_rejected"
    core.now_ms += 1
    assert why(core, trigger(core)) is None


def test_the_exit_is_the_desks_sells_all_and_can_be_named_from_what_caused_it() -> None:
    core = held()
    position = core.known.position(AAA)
    command = trigger(core, "94.5", market_ms=core.market_ms + 7)
    triggered, intended = core.run(command)
    name = ids.exit_order_id("alpha", AAA, position.opened_ms or 0, LevelKind.STOP, 1)
    assert isinstance(triggered, ev.LevelTriggered)
    assert (triggered.level, triggered.price) == (command.level, D("94.5"))
    assert (triggered.market_ms, triggered.client_id) == (core.market_ms + 7, name)
    assert isinstance(intended, ev.OrderIntended)
    assert intended.order == Order(
        client_id=name,
        instrument=AAA,
        side=Side.SELL,
        kind=OrderKind.MARKET,
        qty=D(10),
        reduce_only=True,
        cause=Cause.STOP,
        by="desk",
        reference_price=D("94.5"),
        market_ms=core.market_ms + 7,
        intended_ms=core.now_ms,
    )


def test_an_exit_never_fills_on_the_bar_that_is_known_already() -> None:
    core = held()
    core.later(MINUTE)
    core.mark("AAA", "96")
    early = trigger(core, market_ms=core.market_ms - 5)
    (_, intended) = core.run(early)
    assert isinstance(intended, ev.OrderIntended)
    assert intended.order.market_ms == core.market_ms
    core = held()
    del core.marks[AAA]
    (_, intended) = core.run(trigger(core, market_ms=3))
    assert isinstance(intended, ev.OrderIntended)
    assert intended.order.market_ms == 3


def test_each_exit_of_a_position_has_an_id_of_its_own() -> None:
    core = held()
    names = []
    for attempt in (1, 2):
        found = core.run(trigger(core))
        (name,) = [event.order.client_id for event in found if isinstance(event, ev.OrderIntended)]
        opened_ms = core.known.position(AAA).opened_ms or 0
        assert name == ids.exit_order_id("alpha", AAA, opened_ms, LevelKind.STOP, attempt)
        names.append(name)
        core.run(commands.Cancel(name, "me"), name)
    assert len(set(names)) == 2


def test_what_is_newest_of_an_instrument_is_its_price_or_its_bar() -> None:
    core = Core()
    core.mark("AAA", "100", market_ms=9, bar_close_ms=7)
    core.mark("BBB", "100", market_ms=7, bar_close_ms=8)
    context = core.context
    assert [exits.seen_ms(f"us:{name}", context) for name in ("AAA", "BBB", "ZZZ")] == [9, 8, core.market_ms]


# --- what is in the way ---


def test_the_desk_takes_resting_orders_away_when_it_leaves() -> None:
    core = held()
    buy = core.place("AAA", "buy", "1", kind="limit", limit_price="90")
    sell = core.place("AAA", "sell", "4", kind="limit", limit_price="130", reduce_only=True)
    other = core.place("BBB", "buy", "1", kind="limit", limit_price="90")
    for name in (buy, sell, other):
        core.run(commands.Sending(name), name)
    found = core.run(trigger(core))
    asked = [(e.client_id, e.by, e.reason) for e in found if isinstance(e, ev.OrderCancelRequested)]
    assert asked == [(buy, "desk", "exit"), (sell, "desk", "exit")]
    assert exits.is_undecided(found)
    assert core.known.orders[other].status != OrderStatus.CANCELLING


def test_what_rests_is_a_sell_that_waits_can_be_reached_and_is_no_guard() -> None:
    core = held()
    mine = [
        limit(1, status=OrderStatus.ACKNOWLEDGED),
        order(2, status=OrderStatus.ACKNOWLEDGED),
        stop(3, cause=Cause.STOP, status=OrderStatus.ACKNOWLEDGED),
        limit(4, status=OrderStatus.CANCELLING),
        limit(5, status=OrderStatus.SENT),
        limit(6, status=OrderStatus.ACKNOWLEDGED, side=Side.BUY),
        stop(7, status=OrderStatus.INTENDED),
    ]
    state = core.known.but(orders={each.client_id: each for each in mine})
    assert [each.client_id for each in exits.resting_sells(state, AAA, core.context)] == [f"{n:032}" for n in (1, 5, 7)]
    reach = Context(core.now_ms, core.marks, offers=Offers(client_ids=False))
    assert [each.client_id for each in exits.resting_sells(state, AAA, reach)] == [f"{n:032}" for n in (1, 7)]


def test_only_cancels_and_nothing_else_leave_a_decision_open() -> None:
    name = "a" * 32
    asked = ev.OrderCancelRequested(client_id=name, by="desk", reason="exit")
    ended = ev.OrderCancelled(client_id=name, reason="exit")
    over = ev.OrderExpired(client_id=name, reason="exit")
    gone = ev.ReplacementDropped(client_id=name, order_id="b" * 32, code="exit", detail="")
    assert exits.is_undecided([asked, ended, over, gone])
    assert all(exits.is_undecided([each]) for each in (asked, ended, over, gone))
    assert not exits.is_undecided([])
    assert not exits.is_undecided([asked, ev.OrderSent(client_id=name)])


# --- what is left to the venue ---


def guarded(**changes: Any) -> tuple[Core, Order]:
    core = held()
    facts: dict[str, Any] = {"qty": D(10), "trigger_price": D(95), "market_ms": core.market_ms}
    guard = order(
        9, **{"kind": OrderKind.STOP, "cause": Cause.STOP, "status": OrderStatus.ACKNOWLEDGED, **facts, **changes}
    )
    core.state = core.known.but(orders={guard.client_id: guard})
    return core, guard


@pytest.mark.parametrize(("changes", "found"), [
    ({}, True),
    ({"status": OrderStatus.PARTLY_FILLED}, True),
    ({"status": OrderStatus.SENT}, False),
    ({"status": OrderStatus.UNKNOWN}, False),
    ({"status": OrderStatus.CANCELLING}, False),
    ({"trigger_price": D(94)}, False),
    ({"cause": Cause.TARGET}, False),
    ({"cause": Cause.MANUAL}, False),
    ({"qty": D(9)}, False),
    # it has begun to fill: only what it will not sell itself is left to guard
    ({"qty": D(11), "filled_qty": D(2)}, True),
])  # fmt: skip
def test_a_guard_that_rests_at_the_level_for_all_of_it_is_left_to_fill(changes: dict[str, Any], found: bool) -> None:
    core, guard = guarded(**changes)
    assert exits.guard_for(core.known, trigger(core)) == (guard if found else None)


def test_a_guard_placed_at_or_after_the_price_cannot_fill_at_it() -> None:
    core, guard = guarded()
    assert exits.guard_for(core.known, trigger(core, market_ms=guard.market_ms + 1)) == guard
    assert exits.guard_for(core.known, trigger(core, market_ms=guard.market_ms)) is None


def test_a_target_is_left_to_the_limit_that_rests_for_it() -> None:
    core = held()
    guard = limit(9, cause=Cause.TARGET, status=OrderStatus.ACKNOWLEDGED, qty=D(10), market_ms=core.market_ms)
    guard = guard.model_copy(update={"limit_price": D(120)})
    core.state = core.known.but(orders={guard.client_id: guard})
    assert exits.guard_for(core.known, trigger(core, "120", LevelKind.TARGET)) == guard
    assert exits.guard_for(core.known, trigger(core)) is None


def test_what_is_left_to_the_venue_is_told_once_and_waited_for_as_long_as_a_price_may_be_old() -> None:
    core, guard = guarded()
    command = trigger(core)
    assert why(core, command) == "left_to_venue"
    (awaited,) = exits.trigger(core.known, command, core.context)
    assert isinstance(awaited, ev.LevelAwaited)
    assert (awaited.level, awaited.price, awaited.market_ms) == (command.level, D(95), command.market_ms)
    assert awaited.client_id == guard.client_id
    since_ms = core.now_ms
    core.state = core.known.but(awaited={guard.client_id: since_ms})
    assert exits.trigger(core.known, command, core.context) == []
    core.now_ms = since_ms + AGE_MS - 1
    assert why(core, trigger(core)) == "left_to_venue"
    core.now_ms += 1
    assert why(core, trigger(core)) is None
    found = exits.trigger(core.known, trigger(core), core.context)
    assert [event.kind for event in found] == ["level_triggered", "order_intended"]


def test_a_position_that_a_person_took_over_is_left_under_an_id_of_its_own() -> None:
    core = held()
    taken = core.known.position(AAA).model_copy(update={"opened_ms": None})
    core.state = core.known.but(positions={AAA: taken})
    found = core.run(trigger(core))
    (name,) = [event.order.client_id for event in found if isinstance(event, ev.OrderIntended)]
    assert name == ids.exit_order_id("alpha", AAA, 0, LevelKind.STOP, 1)
    core = held()
    core.state = core.known.but(positions={AAA: taken})
    core.offers = Offers(resting_stops=True)
    (guard,) = [e.order for e in core.run(commands.Review()) if isinstance(e, ev.OrderIntended)]
    assert guard.client_id == ids.exit_order_id("alpha", AAA, 0, LevelKind.STOP, 1)
