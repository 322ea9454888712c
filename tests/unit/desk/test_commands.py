"""What the desk can be told: each command has its rule, and what one says that leaves the rest out."""

from __future__ import annotations

from decimal import Decimal
from typing import get_args

import pytest

from shared.desk import bodies, commands, decide
from shared.model import Level, LevelKind, OrderKind, OrderStatus, Quote, Side
from shared.venues.venue import OrderReport
from tests.unit.desk.bench import LIMITS, PAPER, instrument, opening

ID = "a" * 32


def test_every_command_has_its_rule() -> None:
    assert {*get_args(commands.Command)} == {commands.Open, *decide._RULES}
    about = {commands.Sending, commands.Reported, commands.Unanswered, commands.TurnedDown, commands.NotKnown}
    assert {*get_args(commands.AboutOrder)} == about


def test_what_a_command_does_not_say() -> None:
    body = bodies.OpenBody.read(opening("AAA", limits=LIMITS, paper=PAPER, instruments=[instrument("AAA")]))
    named = ("desk", "mode", "venue", "interval_ms", "currency", "cash", "limits", "paper", "instruments")
    asked = commands.Open(**{name: getattr(body, name) for name in named})
    assert (asked.protections, asked.trading.kind, asked.rehearsed_as, asked.rehearsal_days) == ({}, "paper", None, 30)
    order = commands.Place(ID, "me", "us:AAA", Side.BUY, OrderKind.MARKET, body.cash)
    assert (order.time_in_force.value, order.post_only, order.reduce_only) == ("gtc", False, False)
    empty = ("limit_price", "trigger_price", "good_till_ms", "stop_price", "target_price", "trail_distance")
    assert {getattr(order, name) for name in empty} == {None}
    replace = commands.Replace(ID, "b" * 32, "me")
    assert (replace.qty, replace.limit_price, replace.trigger_price) == (None, None, None)
    levels = commands.SetLevels("us:AAA", "me")
    assert (levels.stop_price, levels.target_price, levels.trail_distance) == (None, None, None)
    assert commands.Cancel(ID, "me").reason == "asked"
    assert commands.Resolve(ID, "me", False, "x").venue_order_id is None
    assert commands.HaltDesk("me", "x").flatten is False
    facts = commands.LiveFacts(True)
    assert facts == (True, True, None, None, None)
    looked = commands.Looked(account=None, known_orders={})  # type: ignore[arg-type]
    assert (looked.touched, looked.seen_before, looked.whole) == (frozenset(), frozenset(), True)


@pytest.mark.parametrize(("side", "price"), [(Side.SELL, "94"), (Side.BUY, "95")])
def test_an_exit_looks_at_the_price_that_it_would_get(side: Side, price: str) -> None:
    level = Level(instrument="us:AAA", kind=LevelKind.STOP, side=side, price=Decimal(95))
    body = {"bid": Decimal(94), "ask": Decimal(95), "bid_qty": Decimal(1), "ask_qty": Decimal(1)}
    told = commands.Trigger.by_quote(level, Quote(instrument="us:AAA", **body, ts_ms=7, received_ms=9, seq=1))
    assert told == commands.Trigger(level, Decimal(price), market_ms=7, received_ms=9)


def test_a_report_is_about_its_order() -> None:
    assert commands.Reported(OrderReport(ID, "v", OrderStatus.FILLED)).client_id == ID
