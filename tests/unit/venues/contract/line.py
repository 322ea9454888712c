"""What a bad line may and may not do to the truth. Nothing is sent twice, nothing is guessed, and everything can be found out."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import Refused, VenueUnavailable
from shared.model import Order, OrderStatus, Side
from shared.venues.venue import OrderReport
from tests.unit.venues.contract.world import PLENTY, World, total

NOT_TAKEN = ("timeout_before", "error_before", "reset_before", "too_many", "maintenance")
TAKEN = ("timeout_after", "error_after", "reset_after", "truncated", "garbage")
LISTS = ("orders", "fills", "positions", "balances")


def at_the_venue(world: World, order: Order) -> OrderReport | None:
    """What the venue has of an order whose answer was lost: by its id, or else in the account."""
    if world.venue.offers.client_ids:
        return world.run(world.venue.order(order.client_id, None))
    found = world.run(world.venue.account(0)).orders
    return found[0] if found else None


def unanswered(world: World, kind: str) -> tuple[Any, Order]:
    """The faulty line, and the order that went out over it once and had no answer."""
    line = world.wire()
    order = world.order(limit="90")
    line.fault("place", kind)
    with pytest.raises(VenueUnavailable):
        world.place(order)
    assert line.seen("place") == 1, "nothing is sent twice"
    return line, order


class Lines:
    @pytest.mark.parametrize("kind", NOT_TAKEN)
    def test_an_order_lost_on_its_way_is_not_there_and_can_be_placed_again(self, world: World, kind: str) -> None:
        line, order = unanswered(world, kind)
        assert at_the_venue(world, order) is None
        line.clear()
        assert world.place(order).status is OrderStatus.ACKNOWLEDGED
        assert len(world.run(world.venue.account(0)).orders) == 1

    @pytest.mark.parametrize("kind", TAKEN)
    def test_an_order_whose_answer_was_lost_is_found(self, world: World, kind: str) -> None:
        line, order = unanswered(world, kind)
        line.clear()
        found = at_the_venue(world, order)
        assert found is not None
        assert found.status is OrderStatus.ACKNOWLEDGED
        if world.venue.offers.client_ids:
            assert world.place(order) == found
        assert len(world.run(world.venue.account(0)).orders) == 1

    def test_an_order_filled_while_its_answer_was_lost_is_found_filled(self, world: World) -> None:
        world.only_with_client_ids()
        line = world.wire()
        order = world.order()
        line.fault("place", "timeout_after")
        with pytest.raises(VenueUnavailable):
            world.place(order)
        line.clear()
        world.move("100")
        found = at_the_venue(world, order)
        assert found is not None
        assert total(found.fills) == PLENTY
        assert world.place(order) == found

    def test_an_order_that_arrives_late_is_one_order_with_the_one_placed_meanwhile(self, world: World) -> None:
        world.only_with_client_ids()
        line = world.wire()
        order = world.order(limit="90")
        line.fault("place", "late", delay_ms=1000)
        with pytest.raises(VenueUnavailable):
            world.place(order)
        line.clear()
        first = world.place(order)
        line.deliver()
        assert world.ask(first) == first
        assert len(world.run(world.venue.account(0)).orders) == 1

    def test_an_order_that_arrives_late_is_found_then(self, world: World) -> None:
        line = world.wire()
        order = world.order(limit="90")
        line.fault("place", "late", delay_ms=300)
        with pytest.raises(VenueUnavailable):
            world.place(order)
        line.deliver()
        found = at_the_venue(world, order)
        assert found is not None
        assert found.status is OrderStatus.ACKNOWLEDGED
        assert line.seen("place") == 1, "nothing is sent twice"

    @pytest.mark.parametrize("kind", [*NOT_TAKEN, *TAKEN])
    def test_a_question_without_an_answer_never_reads_as_not_known(self, world: World, kind: str) -> None:
        line = world.wire()
        report = world.placed(limit="90")
        line.fault("order", kind)
        with pytest.raises(VenueUnavailable):
            world.run(world.venue.order(report.client_id, report.venue_order_id))
        line.clear()
        assert world.ask(report) == report

    @pytest.mark.parametrize("kind", [*NOT_TAKEN, *TAKEN])
    def test_a_cancel_without_an_answer_leaves_the_truth_to_be_found(self, world: World, kind: str) -> None:
        line = world.wire()
        report = world.placed(limit="90")
        line.fault("cancel", kind)
        with pytest.raises(VenueUnavailable):
            world.cancel(report)
        assert line.seen("cancel") == 1, "nothing is sent twice"
        line.clear()
        expected = OrderStatus.ACKNOWLEDGED if kind in NOT_TAKEN else OrderStatus.CANCELLED
        assert world.ask(report).status is expected
        assert world.cancel(report).status is OrderStatus.CANCELLED

    def test_a_cancel_that_loses_to_a_fill_answers_the_fill(self, world: World) -> None:
        line = world.wire()
        report = world.placed(limit="90")
        line.fault("cancel", "lose_cancel")
        ended = world.cancel(report)
        assert ended.status is OrderStatus.FILLED
        assert total(ended.fills) == PLENTY
        assert world.ask(report) == ended

    def test_a_cancel_that_loses_to_a_fill_and_then_the_line_answers_nothing(self, world: World) -> None:
        line = world.wire()
        report = world.placed(limit="90")
        line.fault("cancel", "lose_cancel")
        line.fault("order", "timeout_after")
        with pytest.raises(VenueUnavailable):
            world.cancel(report)
        line.clear()
        assert world.cancel(report).status is OrderStatus.FILLED

    @pytest.mark.parametrize("kind", ["too_many", "maintenance"])
    @pytest.mark.parametrize(("told", "seconds"), [(7, 7.0), (None, None)])
    def test_how_long_to_wait_is_handed_on(
        self, world: World, kind: str, told: int | None, seconds: float | None
    ) -> None:
        line = world.wire()
        line.fault("place", kind, retry_after_s=told)
        with pytest.raises(VenueUnavailable) as failed:
            world.placed(limit="90")
        assert failed.value.retry_after_s == seconds

    def test_a_slow_answer_is_an_answer(self, world: World) -> None:
        line = world.wire()
        line.fault("place", "slow", delay_ms=50)
        assert world.placed(limit="90").status is OrderStatus.ACKNOWLEDGED

    def test_clocks_that_differ_cost_a_try_and_never_an_order(self, world: World) -> None:
        line = world.wire()
        order = world.order(limit="90")
        line.fault("place", "skew", times=0)
        for _ in range(2):
            try:
                report = world.place(order)
            except VenueUnavailable:
                continue
            assert report.status is OrderStatus.ACKNOWLEDGED
            break
        else:
            pytest.fail("the second try must allow for what the first was told")
        line.clear()
        with pytest.raises(VenueUnavailable):
            world.ask(report)
        assert world.ask(report) == report, "and back again"
        assert len(world.run(world.venue.account(0)).orders) == 1

    def test_an_order_partly_filled_at_once_tells_so_and_the_rest_later(self, world: World) -> None:
        line = world.wire()
        line.fault("place", "partial_fill", share="0.3")
        report = world.placed()
        assert report.status is OrderStatus.PARTLY_FILLED
        assert total(report.fills) == 3
        line.clear()
        world.move("100")
        ended = world.ask(report)
        assert ended.status is OrderStatus.FILLED
        assert ended.fills[:1] == report.fills

    @pytest.mark.parametrize("part", LISTS)
    @pytest.mark.parametrize(
        "kind", ["short_page", "no_cursor", "timeout_after", "truncated", "garbage", "error_after"]
    )
    def test_an_account_that_came_in_part_is_no_account(self, world: World, part: str, kind: str) -> None:
        line = world.wire()
        for number in range(7):
            world.placed(limit=f"{50 + number}")
            world.placed(qty=PLENTY)
        world.move("100")
        if kind == "no_cursor" and part in ("positions", "balances"):
            pytest.skip("one page holds them")
        whole = world.run(world.venue.account(0))
        line.fault(part, kind, times=0)
        with pytest.raises(VenueUnavailable):
            world.run(world.venue.account(0))
        line.clear()
        assert world.run(world.venue.account(0)) == whole

    def test_a_credential_question_without_an_answer_is_no_verdict(self, world: World) -> None:
        line = world.wire()
        line.fault("key", "timeout_after")
        with pytest.raises(VenueUnavailable):
            world.run(world.venue.credentials())

    def test_a_key_without_the_right_is_refused_and_nothing_is_placed(self, world: World) -> None:
        line = world.wire()
        line.rights("read")
        order = world.order(limit="90")
        with pytest.raises(Refused):
            world.place(order)
        line.rights("read", "trade")
        assert at_the_venue(world, order) is None

    @pytest.mark.parametrize("side", list(Side))
    def test_what_the_account_cannot_pay_is_refused_by_its_code(self, world: World, side: Side) -> None:
        world.wire()
        order = world.order(side, limit="100", qty=PLENTY * 10**6)
        with pytest.raises(Refused) as refused:
            world.place(order)
        assert refused.value.error_code in ("insufficient_balance", "insufficient_position")
