"""Placing, asking, cancelling, and what a fill must be."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from shared.errors import Conflict, NotFound, Refused
from shared.model import OrderStatus, Side, exact, ids
from tests.unit.venues.contract.world import PLENTY, TOO_MUCH, World, total

OPEN = (OrderStatus.ACKNOWLEDGED, OrderStatus.PARTLY_FILLED)


class Orders:
    """Every case is named by what it demands of the venue."""

    def test_placing_answers_the_order_under_both_ids(self, world: World) -> None:
        order = world.order(limit="90")
        report = world.place(order)
        assert report.client_id == order.client_id
        assert report.venue_order_id
        assert report.status is OrderStatus.ACKNOWLEDGED
        assert report.fills == ()

    def test_placing_again_is_the_same_order(self, world: World) -> None:
        world.only_with_client_ids()
        order = world.order(limit="90")
        first = world.place(order)
        assert world.place(order) == first
        assert world.run(world.again().place(order)) == first
        assert len(world.run(world.venue.account(0)).orders) == 1

    def test_placing_again_after_the_end_answers_the_end(self, world: World) -> None:
        world.only_with_client_ids()
        order = world.order()
        world.place(order)
        world.move("100")
        ended = world.place(order)
        assert ended.status is OrderStatus.FILLED
        world.move("100")
        assert world.place(order) == ended

    @pytest.mark.parametrize("other", [{"qty": PLENTY + 1}, {"side": Side.SELL}, {"limit_price": Decimal(89)}])
    def test_the_same_id_with_another_content_is_refused(self, world: World, other: dict[str, Any]) -> None:
        world.only_with_client_ids()
        order = world.order(limit="90")
        first = world.place(order)
        with pytest.raises(Conflict) as refused:
            world.place(order.model_copy(update=other))
        assert refused.value.error_code == "client_id_reused"
        assert world.ask(first) == first

    def test_an_instrument_that_is_not_traded_is_refused_and_leaves_nothing(self, world: World) -> None:
        order = world.order(limit="90", instrument=f"{world.instrument.venue}:NOBODY")
        with pytest.raises(Refused) as refused:
            world.place(order)
        assert refused.value.error_code == "unknown_instrument"
        assert world.run(world.venue.account(0)).orders == ()
        if world.venue.offers.client_ids:
            assert world.run(world.venue.order(order.client_id, None)) is None

    def test_an_order_never_placed_is_not_known(self, world: World) -> None:
        nobody = ids.digest("nobody")
        venue_id = None if world.venue.offers.client_ids else "nobody"
        assert world.run(world.venue.order(nobody, venue_id)) is None

    def test_without_client_ids_an_order_without_the_venues_id_is_never_said_to_be_unknown(self, world: World) -> None:
        if world.venue.offers.client_ids:
            pytest.skip(f"{world.name} takes client ids")
        with pytest.raises(Refused) as refused:
            world.run(world.venue.order(ids.digest("nobody"), None))
        assert not isinstance(refused.value, NotFound)

    def test_cancelling_an_unknown_order_says_that_it_is_not_known(self, world: World) -> None:
        venue_id = None if world.venue.offers.client_ids else "nobody"
        with pytest.raises(NotFound):
            world.run(world.venue.cancel(ids.digest("nobody"), venue_id))

    def test_asking_tells_what_placing_told(self, world: World) -> None:
        report = world.placed(limit="90")
        assert world.ask(report) == report
        assert world.ask(report) == report, "asking changes nothing"

    def test_another_adapter_finds_the_order(self, world: World) -> None:
        report = world.placed(limit="90")
        assert world.ask(report, world.again()) == report

    def test_cancelling_ends_an_order(self, world: World) -> None:
        report = world.placed(limit="90")
        ended = world.cancel(report)
        assert ended.status is OrderStatus.CANCELLED
        assert ended.fills == ()
        world.move("100", "80")
        assert world.ask(report) == ended, "what was cancelled never fills"

    def test_cancelling_twice_answers_the_same_end(self, world: World) -> None:
        report = world.placed(limit="90")
        assert world.cancel(report) == world.cancel(report)

    def test_a_cancel_that_comes_after_the_fill_answers_the_fill(self, world: World) -> None:
        report = world.filled()
        ended = world.cancel(report)
        assert ended.status is OrderStatus.FILLED
        assert total(ended.fills) == PLENTY

    def test_cancelling_what_is_partly_filled_keeps_the_fills(self, world: World) -> None:
        report = world.placed(limit="95")
        world.thin("4", "94.50")
        ended = world.cancel(report)
        assert ended.status is OrderStatus.CANCELLED
        assert total(ended.fills) == Decimal(4)

    @pytest.mark.parametrize("side", list(Side))
    def test_a_market_order_fills_as_the_market_goes_on(self, world: World, side: Side) -> None:
        if side is Side.SELL:
            world.filled()
        report = world.filled(side)
        assert report.status is OrderStatus.FILLED
        assert total(report.fills) == PLENTY

    def test_a_limit_that_the_market_does_not_reach_rests(self, world: World) -> None:
        report = world.placed(limit="95")
        world.move("100", "96")
        assert world.ask(report).status is OrderStatus.ACKNOWLEDGED

    def test_a_limit_buy_never_pays_more(self, world: World) -> None:
        report = world.placed(limit="95")
        world.move("100", "94")
        ended = world.ask(report)
        assert ended.status is OrderStatus.FILLED
        assert all(fill.price <= 95 for fill in ended.fills)

    def test_a_limit_sell_never_takes_less(self, world: World) -> None:
        world.filled()
        report = world.placed(Side.SELL, limit="105")
        world.move("100", "106")
        ended = world.ask(report)
        assert ended.status is OrderStatus.FILLED
        assert all(fill.price >= 105 for fill in ended.fills)

    def test_a_limit_beyond_the_market_fills_at_the_market(self, world: World) -> None:
        report = world.placed(limit="120")
        world.move("100")
        ended = world.ask(report)
        assert ended.status is OrderStatus.FILLED
        assert all(fill.price < 102 for fill in ended.fills)

    def test_partial_fills_add_up(self, world: World) -> None:
        report = world.placed(limit="95")
        world.thin("4", "94.50")
        part = world.ask(report)
        assert part.status is OrderStatus.PARTLY_FILLED
        assert total(part.fills) == Decimal(4)
        world.thin("3", "94.50")
        more = world.ask(report)
        assert total(more.fills) == Decimal(7)
        assert more.fills[: len(part.fills)] == part.fills, "a fill that was told stays as it was"
        world.move("90")
        whole = world.ask(report)
        assert whole.status is OrderStatus.FILLED
        assert total(whole.fills) == PLENTY

    def test_the_ids_of_fills_are_unique_and_stable(self, world: World) -> None:
        reports = [world.placed(), world.placed(), world.placed(limit="120")]
        world.move("100")
        first = [fill for report in reports for fill in world.ask(report).fills]
        assert len({fill.fill_id for fill in first}) == len(first) >= 3
        other = world.again()
        assert [fill for report in reports for fill in world.ask(report, other).fills] == first

    def test_a_fill_says_whose_it_is(self, world: World) -> None:
        report = world.filled()
        for fill in report.fills:
            assert (fill.client_id, fill.instrument, fill.side) == (report.client_id, world.instrument.id, Side.BUY)

    def test_prices_and_quantities_stand_exactly_on_their_steps(self, world: World) -> None:
        for report in (world.filled(), world.filled(Side.SELL)):
            for fill in report.fills:
                assert exact.on_step(fill.price, world.instrument.tick)
                assert exact.on_step(fill.qty, world.instrument.lot)
                assert isinstance(fill.fee.amount, Decimal)
                assert fill.fee.asset

    def test_more_than_the_market_gives_is_never_filled_at_once(self, world: World) -> None:
        report = world.placed(qty=TOO_MUCH)
        world.move("100")
        assert Decimal(0) < total(world.ask(report).fills) < TOO_MUCH
