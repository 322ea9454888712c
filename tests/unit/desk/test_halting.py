"""Halts that hold, halts that sell everything, and the two steps back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from shared.desk import commands
from shared.desk.state import DeskStatus
from shared.desk.timers import backoff_ms
from shared.errors import Conflict
from shared.model import OrderStatus
from shared.venues.venue import OrderReport
from tests.unit.desk.bench import Bench, candle, opening, run
from tests.unit.desk.protections.core import HOUR, Core


def flattening(core: Core) -> list[tuple[str, Decimal]]:
    orders = core.known.orders.values()
    return [(order.instrument, order.remaining_qty) for order in orders if order.cause == "flatten"]


def kinds(found: list[Any]) -> list[str]:
    return [event.kind for event in found]


def halted_for(core: Core, hold_ms: int) -> Core:
    core.state = core.known.but(status=DeskStatus.HALTED, halt_code="daily_loss", hold_until_ms=core.now_ms + hold_ms)
    return core


def test_a_halt_that_holds_cannot_be_resumed_before_its_time() -> None:
    core = halted_for(Core(), HOUR)
    core.now_ms += HOUR - 1
    with pytest.raises(Conflict) as caught:
        core.run(commands.RequestResume("adm", "now", "h"))
    assert caught.value.error_code == "halt_holds"
    core.now_ms += 1
    core.run(commands.RequestResume("adm", "now", "h"))
    assert kinds(core.run(commands.ConfirmResume("adm", "h"))) == ["resumed"]
    assert core.known.hold_until_ms == 0


def test_a_hold_that_comes_between_the_two_steps_holds_too() -> None:
    core = halted_for(Core(), 0)
    core.run(commands.RequestResume("adm", "now", "h"))
    core.state = core.known.but(hold_until_ms=core.now_ms + 1)
    with pytest.raises(Conflict) as caught:
        core.run(commands.ConfirmResume("adm", "h"))
    assert caught.value.error_code == "halt_holds"


def test_another_halt_neither_takes_the_hold_away_nor_its_code() -> None:
    core = halted_for(Core(), HOUR)
    hold_until_ms = core.known.hold_until_ms
    core.now_ms += HOUR
    core.run(commands.RequestResume("adm", "now", "h"))
    core.now_ms -= 1
    assert kinds(core.run(commands.HaltDesk("me", "no"))) == ["halted"]
    assert (core.known.halt_code, core.known.hold_until_ms, core.known.resume) == ("daily_loss", hold_until_ms, None)


def test_a_reduction_is_resumed_by_the_same_two_steps() -> None:
    core = Core({"consecutive_losses": {"losses": 1, "for_s": 0}})
    with pytest.raises(Conflict) as caught:
        core.run(commands.RequestResume("adm", "x", "h"))
    assert caught.value.error_code == "not_halted"
    core.trip("AAA", "-1")
    assert core.status == "reducing"
    core.run(commands.RequestResume("adm", "seen it", "h"))
    assert kinds(core.run(commands.ConfirmResume("adm", "h"))) == ["resumed"]
    assert (core.status, core.reductions) == ("active", set())


def test_a_halt_that_flattens_sells_each_position_at_the_market() -> None:
    core = Core()
    core.hold("AAA", "10")
    core.hold("BBB", "5")
    entry = core.place("CCC")
    found = core.run(commands.HaltDesk("me", "enough", flatten=True))
    assert found[0].kind == "halted"
    assert flattening(core) == [("us:AAA", Decimal(10)), ("us:BBB", Decimal(5))]
    assert core.order(entry).status in ("cancelling", "cancelled")
    assert core.review() == []
    for order in list(core.known.orders.values()):
        if order.cause == "flatten":
            assert order.reduce_only
            core.fill(order.client_id, "99")
    assert not core.known.held()


def test_its_ids_are_the_same_for_the_same_decision_and_others_for_the_next_attempt() -> None:
    ids = []
    for _ in range(2):
        core = Core()
        core.hold("AAA", "10")
        core.run(commands.HaltDesk("me", "enough", flatten=True))
        ids.append([each.client_id for each in core.known.orders.values()])
    assert ids[0] == ids[1]
    (first,) = core.known.orders
    core.run(commands.TurnedDown(first, "no", ""), first)
    core.now_ms += backoff_ms(0)
    core.review()
    (second,) = core.known.orders
    assert second != first


def test_an_exit_that_the_venue_turned_down_waits_a_little_longer_each_time() -> None:
    core = Core()
    core.hold("AAA", "10")
    core.run(commands.HaltDesk("me", "enough", flatten=True))
    for attempt in range(3):
        (client_id,) = core.known.orders
        assert kinds(core.run(commands.TurnedDown(client_id, "no", ""), client_id)) == ["order_rejected"]
        core.now_ms += backoff_ms(attempt) - 1
        assert core.review() == []
        core.now_ms += 1
        assert core.review() == ["order_intended"]


@pytest.mark.parametrize("status", [OrderStatus.EXPIRED, OrderStatus.CANCELLED])
def test_an_exit_that_ends_at_the_venue_without_being_sold_waits_too(status: OrderStatus) -> None:
    core = Core()
    core.hold("AAA", "10")
    core.run(commands.HaltDesk("me", "enough", flatten=True))
    (client_id,) = core.known.orders
    found = core.run(commands.Reported(OrderReport(client_id, "v", status, (), "no_liquidity")), client_id)
    assert "order_intended" not in kinds(found)
    assert core.known.orders == {}
    core.now_ms += backoff_ms(0)
    assert core.review() == ["order_intended"]


def test_what_rests_in_the_way_is_cancelled_first() -> None:
    core = Core()
    core.hold("AAA", "10")
    resting = core.place("AAA", "sell", "4", kind="limit", limit_price="120", reduce_only=True)
    core.run(commands.Sending(resting), resting)
    core.run(commands.HaltDesk("me", "enough", flatten=True))
    assert core.order(resting).status == "cancelling"
    assert flattening(core) == [("us:AAA", Decimal(6))]


def test_half_a_fill_leaves_the_rest_to_the_same_order() -> None:
    core = Core()
    core.hold("AAA", "10")
    core.run(commands.HaltDesk("me", "enough", flatten=True))
    (client_id,) = core.known.orders
    core.fill(client_id, "99", "4")
    assert flattening(core) == [("us:AAA", Decimal(6))]


def test_a_halted_desk_can_still_be_told_to_sell_and_a_resume_ends_it() -> None:
    core = Core()
    core.hold("AAA", "10")
    core.run(commands.HaltDesk("me", "wait"))
    assert flattening(core) == []
    assert kinds(core.run(commands.HaltDesk("me", "sell", flatten=True)))[0] == "halted"
    assert flattening(core) == [("us:AAA", Decimal(10))]
    assert core.run(commands.HaltDesk("me", "sell", flatten=True)) == []
    core.run(commands.RequestResume("adm", "back", "h"))
    core.run(commands.ConfirmResume("adm", "h"))
    assert core.known.flattening is False


def test_without_any_price_it_sells_all_the_same() -> None:
    core = Core()
    core.hold("AAA", "10", "100")
    core.marks.clear()
    core.run(commands.HaltDesk("me", "enough", flatten=True))
    (order,) = core.known.orders.values()
    assert order.reference_price == Decimal(100)


def test_a_breaker_on_the_recorded_path_cancels_at_the_venue_and_its_sales_are_filled() -> None:
    bench = Bench(opened=False)
    strict = {"daily_loss": {"limit_bps": 10, "on_halt": "flatten", "for_s": 3600}}
    run(bench.desk.open(opening(protections=strict)))
    bench.bars(candle("AAA", 0, "100"))
    bench.place("AAA", "buy", "100")
    bench.bars(candle("AAA", 1, "100"))
    resting = bench.place("AAA", "buy", "1", kind="limit", limit_price="50")["client_id"]
    bench.bars(candle("AAA", 2, "98"))
    assert (bench.state.status, bench.state.halt_code) == ("halted", "daily_loss")
    assert bench.order(resting)["status"] == "cancelled"
    (order,) = bench.call("orders")["items"]
    assert (order["cause"], order["qty"], order["status"]) == ("flatten", "100", "acknowledged")
    bench.bars(candle("AAA", 3, "97"))
    assert bench.call("positions")["items"] == []
    with pytest.raises(Conflict) as caught:
        bench.call("resume_request", by="adm", reason="x")
    assert caught.value.error_code == "halt_holds"
    bench.reborn()
    assert bench.state.hold_until_ms == bench.clock.now_ms() + 3_600_000
    assert bench.call("verify")["seq"] == bench.state.seq
