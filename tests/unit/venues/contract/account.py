"""The account whole, the credentials, and the dead man's switch."""

from __future__ import annotations

import pytest

from shared.model import OrderStatus, Side, exact
from tests.unit.venues.contract.world import CASH, PLENTY, World, total, value


class Accounts:
    def test_an_account_without_anything_is_empty_and_no_failure(self, world: World) -> None:
        view = world.run(world.venue.account(0))
        assert view.orders == ()
        assert view.fills == ()
        assert not view.positions

    def test_it_lists_the_open_orders_and_only_those(self, world: World) -> None:
        kept = world.placed(limit="90")
        world.cancel(world.placed(limit="91"))
        world.filled()
        view = world.run(world.venue.account(0))
        assert [report.venue_order_id for report in view.orders] == [kept.venue_order_id]
        assert view.orders[0] == world.ask(kept)

    def test_it_lists_an_open_order_with_its_fills(self, world: World) -> None:
        report = world.placed(limit="95")
        world.thin("4", "94.50")
        (listed,) = world.run(world.venue.account(0)).orders
        assert listed == world.ask(report)
        assert listed.status is OrderStatus.PARTLY_FILLED

    def test_its_fills_are_those_of_the_orders(self, world: World) -> None:
        told = [*world.filled().fills, *world.filled(Side.SELL).fills]
        listed = world.run(world.venue.account(0)).fills
        assert {fill.fill_id: fill for fill in listed} == {fill.fill_id: fill for fill in told}

    def test_its_fills_since_a_time_leave_none_out(self, world: World) -> None:
        world.filled()
        world.later()
        since_ms = world.market_ms()
        world.later()
        newer = world.filled()
        first_ms = min(fill.ts_ms for fill in newer.fills)
        assert first_ms >= since_ms
        for at_ms in (since_ms, first_ms):
            listed = {fill.fill_id for fill in world.run(world.venue.account(at_ms)).fills}
            assert {fill.fill_id for fill in newer.fills} <= listed

    def test_balances_and_positions_are_what_the_fills_make_them(self, world: World) -> None:
        before = world.run(world.venue.account(0))
        if before.balances is None or before.positions is None:
            assert not world.venue.offers.account, f"{world.name} offers an account and does not tell it"
            return
        reports = [world.filled(), world.placed(Side.SELL, PLENTY - 3)]
        world.move("100")
        fills = tuple(fill for report in reports for fill in world.ask(report).fills)
        after = world.run(world.venue.account(0))
        cash = exact.subtract(CASH, value(fills))
        for fill in fills:
            if fill.fee.asset == world.instrument.quote:
                cash = exact.subtract(cash, fill.fee.amount)
        assert (after.balances or {})[world.instrument.quote] == cash
        assert (after.positions or {})[world.instrument.id] == 3

    def test_fees_in_another_asset_are_in_its_balance(self, world: World) -> None:
        report = world.filled()
        balances = world.run(world.venue.account(0)).balances
        if balances is None:
            assert not world.venue.offers.account
            return
        for asset in {fill.fee.asset for fill in report.fills} - {world.instrument.quote}:
            paid = exact.ZERO
            for fill in report.fills:
                paid = exact.add(paid, fill.fee.amount if fill.fee.asset == asset else exact.ZERO)
            assert balances[asset] == -paid

    def test_zeros_are_left_out(self, world: World) -> None:
        world.filled()
        world.filled(Side.SELL)
        view = world.run(world.venue.account(0))
        assert world.instrument.id not in (view.positions or {})
        assert all((view.balances or {}).values())

    def test_an_account_of_many_pages_is_whole(self, world: World) -> None:
        reports = [world.placed(limit=f"{50 + number}") for number in range(23)]
        filled = [world.placed(qty=PLENTY) for _ in range(7)]
        world.move("100")
        view = world.run(world.venue.account(0))
        assert {each.venue_order_id for each in view.orders} == {each.venue_order_id for each in reports}
        assert total(view.fills) == PLENTY * len(filled)

    def test_the_credentials_are_told_and_nothing_changes(self, world: World) -> None:
        report = world.placed(limit="90")
        before = world.run(world.venue.account(0))
        told = world.run(world.venue.credentials())
        assert told.valid
        assert told.may_trade is not False
        assert world.run(world.venue.account(0)) == before
        assert world.ask(report).status is OrderStatus.ACKNOWLEDGED

    def test_a_right_to_withdraw_is_told(self, world: World) -> None:
        line = world.wire()
        line.rights("read", "trade", "withdraw")
        assert world.run(world.venue.credentials()).may_withdraw is True
        line.rights("read")
        told = world.run(world.venue.credentials())
        assert (told.may_trade, told.may_withdraw) == (False, False)

    def test_a_key_that_was_revoked_is_not_valid(self, world: World) -> None:
        world.wire().rights()
        assert not world.run(world.venue.credentials()).valid

    def test_a_dead_man_loses_his_orders_where_the_venue_offers_it(self, world: World) -> None:
        report = world.placed(limit="90")
        world.run(world.venue.keep_alive(30))
        if not world.venue.offers.dead_man:
            assert world.ask(report).status is OrderStatus.ACKNOWLEDGED, "elsewhere nothing happens"
            return
        world.wire().push(29)
        assert world.ask(report).status is OrderStatus.ACKNOWLEDGED
        world.run(world.venue.keep_alive(30))
        world.wire().push(29)
        assert world.ask(report).status is OrderStatus.ACKNOWLEDGED, "it was told in time that the desk lives"
        world.wire().push(2)
        assert world.ask(report).status is OrderStatus.CANCELLED

    def test_the_switch_can_be_taken_away(self, world: World) -> None:
        if not world.venue.offers.dead_man:
            pytest.skip(f"{world.name} offers no dead man's switch")
        report = world.placed(limit="90")
        world.run(world.venue.keep_alive(30))
        world.run(world.venue.keep_alive(0))
        world.wire().push(3600)
        assert world.ask(report).status is OrderStatus.ACKNOWLEDGED
