"""Times in force, post-only, stops, groups and reduce-only: as meant where offered, `not_offered` where not."""

from __future__ import annotations

import contextlib
from decimal import Decimal

import pytest

from shared.errors import Refused
from shared.model import OrderStatus, Side, TimeInForce, ids
from tests.unit.venues.contract.world import PLENTY, TOO_MUCH, World, total


class Terms:
    def test_ioc_fills_what_it_can_and_ends(self, world: World) -> None:
        order = world.order(limit="120", qty=TOO_MUCH, time_in_force=TimeInForce.IOC)
        if not world.offered(order, offers=world.offers_time(TimeInForce.IOC)):
            return
        report = world.place(order)
        world.move("100")
        ended = world.ask(report)
        assert ended.status in (OrderStatus.EXPIRED, OrderStatus.CANCELLED)
        assert Decimal(0) < total(ended.fills) < TOO_MUCH
        world.move("100")
        assert world.ask(report) == ended

    def test_ioc_that_cannot_trade_ends_empty(self, world: World) -> None:
        order = world.order(limit="90", time_in_force=TimeInForce.IOC)
        if not world.offered(order, offers=world.offers_time(TimeInForce.IOC)):
            return
        report = world.place(order)
        world.move("100", "80")
        ended = world.ask(report)
        assert ended.status in (OrderStatus.EXPIRED, OrderStatus.CANCELLED)
        assert ended.fills == ()

    def test_fok_that_cannot_trade_whole_does_not_trade(self, world: World) -> None:
        order = world.order(limit="120", qty=TOO_MUCH, time_in_force=TimeInForce.FOK)
        if not world.offered(order, offers=world.offers_time(TimeInForce.FOK)):
            return
        report = world.place(order)
        world.move("100")
        ended = world.ask(report)
        assert ended.status in (OrderStatus.EXPIRED, OrderStatus.CANCELLED)
        assert ended.fills == ()

    def test_fok_that_can_trade_whole_does(self, world: World) -> None:
        order = world.order(limit="120", time_in_force=TimeInForce.FOK)
        if not world.offered(order, offers=world.offers_time(TimeInForce.FOK)):
            return
        report = world.place(order)
        world.move("100")
        ended = world.ask(report)
        assert ended.status is OrderStatus.FILLED
        assert total(ended.fills) == PLENTY

    def test_gtd_ends_when_its_time_comes(self, world: World) -> None:
        till_ms = world.market_ms() + 2 * world.later()
        order = world.order(limit="90", time_in_force=TimeInForce.GTD, good_till_ms=till_ms)
        if not world.offered(order, offers=world.offers_time(TimeInForce.GTD)):
            return
        report = world.place(order)
        while world.market_ms() < till_ms:
            assert world.ask(report).status is OrderStatus.ACKNOWLEDGED
            world.later()
        world.later()
        ended = world.ask(report)
        assert ended.status in (OrderStatus.EXPIRED, OrderStatus.CANCELLED)
        world.move("80")
        assert world.ask(report) == ended

    def test_gtd_fills_before_its_time(self, world: World) -> None:
        till_ms = world.market_ms() + 20 * world.later()
        order = world.order(limit="120", time_in_force=TimeInForce.GTD, good_till_ms=till_ms)
        if world.offered(order, offers=world.offers_time(TimeInForce.GTD)):
            report = world.place(order)
            world.move("100")
            assert world.ask(report).status is OrderStatus.FILLED

    def test_gtc_stays(self, world: World) -> None:
        report = world.placed(limit="90")
        for _ in range(5):
            world.later()
        assert world.ask(report).status is OrderStatus.ACKNOWLEDGED

    def test_post_only_rests_where_it_would_not_trade(self, world: World) -> None:
        order = world.order(limit="95", post_only=True)
        if not world.offered(order, offers=world.venue.offers.post_only):
            return
        report = world.place(order)
        world.move("100")
        assert world.ask(report).status is OrderStatus.ACKNOWLEDGED
        world.move("94")
        assert world.ask(report).status is OrderStatus.FILLED

    def test_post_only_never_takes(self, world: World) -> None:
        order = world.order(limit="105", post_only=True)
        if world.offered(order, offers=world.venue.offers.post_only):
            assert world.code_of_refusal(order) == "post_only_crosses"

    def test_a_stop_waits_for_its_price_and_then_fills(self, world: World) -> None:
        world.filled()
        order = world.order(Side.SELL, trigger="95")
        if not world.offered(order, offers=world.venue.offers.resting_stops):
            return
        report = world.place(order)
        world.move("100", "96")
        assert world.ask(report).status is OrderStatus.ACKNOWLEDGED
        world.move("94", "94")
        ended = world.ask(report)
        assert ended.status is OrderStatus.FILLED
        assert total(ended.fills) == PLENTY
        assert all(fill.price <= 95 for fill in ended.fills), "a stop sells no better than its trigger"

    def test_a_buying_stop_waits_for_a_rise(self, world: World) -> None:
        order = world.order(trigger="105")
        if not world.offered(order, offers=world.venue.offers.resting_stops):
            return
        report = world.place(order)
        world.move("100", "104")
        assert world.ask(report).status is OrderStatus.ACKNOWLEDGED
        world.move("106", "106")
        assert world.ask(report).status is OrderStatus.FILLED

    def test_a_stop_limit_is_never_filled_beyond_its_limit(self, world: World) -> None:
        world.filled()
        order = world.order(Side.SELL, trigger="95", limit="94")
        if not world.offered(order, offers=world.venue.offers.resting_stops):
            return
        report = world.place(order)
        world.move("100", "90", "90")
        assert world.ask(report).fills == (), "the market fell through its limit: it rests"
        world.move("96", "96")
        ended = world.ask(report)
        assert ended.status is OrderStatus.FILLED
        assert all(fill.price >= 94 for fill in ended.fills)

    def test_a_stop_can_be_cancelled(self, world: World) -> None:
        world.filled()
        order = world.order(Side.SELL, trigger="95")
        if not world.offered(order, offers=world.venue.offers.resting_stops):
            return
        report = world.place(order)
        assert world.cancel(report).status is OrderStatus.CANCELLED
        world.move("90")
        assert world.ask(report).fills == ()

    @pytest.mark.parametrize("prices", [("94", "94", "106"), ("106", "106", "94")])
    def test_of_a_group_only_one_fills(self, world: World, prices: tuple[str, ...]) -> None:
        world.filled()
        group = ids.digest("group", *prices)
        target = world.order(Side.SELL, limit="105", oco=group, reduce_only=True)
        if not world.offered(target, offers=world.venue.offers.oco):
            return
        stop = world.order(Side.SELL, trigger="95", oco=group, reduce_only=True)
        reports = [world.place(target), world.place(stop)]
        world.move("100", *prices)
        ended = [world.ask(report) for report in reports]
        assert sorted(each.status for each in ended) == [OrderStatus.CANCELLED, OrderStatus.FILLED]
        assert total(ended[0].fills + ended[1].fills) == PLENTY

    def test_what_one_of_a_group_fills_the_others_lose(self, world: World) -> None:
        group = ids.digest("group", "thin")
        first = world.order(limit="95", oco=group)
        if not world.offered(first, offers=world.venue.offers.oco):
            return
        second = world.order(limit="90", oco=group)
        reports = [world.place(first), world.place(second)]
        world.thin("4", "94.50")
        world.move("80")
        ended = [world.ask(report) for report in reports]
        assert total(ended[0].fills + ended[1].fills) <= PLENTY
        assert not any(each.status.is_open for each in ended)

    def test_a_reduce_only_order_closes(self, world: World) -> None:
        world.filled()
        report = world.placed(Side.SELL, reduce_only=True)
        world.move("100")
        assert world.ask(report).status is OrderStatus.FILLED

    @pytest.mark.parametrize(
        ("held", "side", "qty"),
        [(True, Side.SELL, PLENTY * 2), (True, Side.BUY, PLENTY), (False, Side.BUY, PLENTY)],
    )
    def test_a_reduce_only_order_never_opens_or_enlarges_or_turns_round(
        self, world: World, held: bool, side: Side, qty: Decimal
    ) -> None:
        if world.run(world.venue.account(0)).positions is None:
            pytest.skip(f"{world.name} knows no positions: the desk alone holds an order to them")
        if held:
            world.filled()
        with contextlib.suppress(Refused):
            world.placed(side, qty, reduce_only=True)
            world.move("100", "100")
        positions = world.run(world.venue.account(0)).positions or {}
        assert 0 <= positions.get(world.instrument.id, Decimal(0)) <= (PLENTY if held else 0)
