"""What cannot be replaced or cancelled says why, and what a replacement keeps of the order before it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from shared.desk import commands, replacing, trading
from shared.desk import events as ev
from shared.desk.context import Context
from shared.errors import Conflict, Invalid, NotFound, Refused
from shared.model import Cause, Order, OrderKind, OrderStatus, Side
from shared.venues.venue import Offers
from tests.unit.desk.protections.core import START, Core
from tests.unit.desk.test_state import AAA, limit, stop

D = Decimal
ACK = OrderStatus.ACKNOWLEDGED


def asked(core: Core, **changes: Any) -> Order:
    return limit(1, **{"side": Side.BUY, "status": ACK, "market_ms": core.market_ms, **changes})


def context(core: Core, prior: Order | None = None, **changes: Any) -> Context:
    known = {"offers": core.offers, **changes}
    return Context(core.now_ms, dict(core.marks), core.market_ms, prior, **known)


@pytest.mark.parametrize(
    ("changes", "name", "detail"),
    [
        (
            {"trigger_price": D(91)},
            "trigger_price",
            "trigger_price: '91' does not belong to a limit order: leave it away",
        ),
        ({"qty": D(3)}, "qty", "qty: '3' must be above what has filled already, 3: cancel the order instead"),
    ],
)
def test_terms_that_do_not_belong_are_named(changes: dict[str, Decimal], name: str, detail: str) -> None:
    core = Core()
    old = asked(core, qty=D(10), filled_qty=D(3), filled_value=D(27))
    state = core.known.but(orders={old.client_id: old})
    with pytest.raises(Invalid) as caught:
        replacing.replace(state, commands.Replace(old.client_id, "e" * 32, "me", **changes), context(core, old))
    assert (caught.value.context["field"], caught.value.detail) == (name, detail)


def test_a_limit_does_not_belong_to_a_stop() -> None:
    core = Core()
    old = stop(1, side=Side.BUY, status=ACK)
    with pytest.raises(Invalid) as caught:
        replacing.replace(
            core.known.but(orders={old.client_id: old}),
            commands.Replace(old.client_id, "e" * 32, "me", limit_price=D(8)),
            context(core, old),
        )
    assert caught.value.detail == "limit_price: '8' does not belong to a stop order: leave it away"


def test_a_replacement_is_all_that_the_old_one_was_but_for_what_changed() -> None:
    core = Core()
    old = asked(core, qty=D(10), filled_qty=D(3), filled_value=D(27), venue_order_id="v", stop_price=D(5), reason="x")
    core.later(5)
    state = core.known.but(orders={old.client_id: old})
    new_id = "e" * 32
    command = commands.Replace(old.client_id, new_id, "you", qty=D(4), limit_price=D("95.5"))
    intended, cancelled = replacing.replace(state, command, context(core, old))
    assert isinstance(intended, ev.ReplacementIntended)
    assert intended.client_id == old.client_id
    assert intended.order == old.model_copy(
        update={
            "client_id": new_id,
            "qty": D(4),
            "limit_price": D("95.5"),
            "replaces": old.client_id,
            "by": "you",
            "market_ms": START,
            "intended_ms": core.now_ms,
            "status": OrderStatus.CREATED,
            "filled_value": D(0),
            "venue_order_id": None,
            "reason": "",
        }
    )
    assert isinstance(cancelled, ev.OrderCancelRequested)
    assert (cancelled.client_id, cancelled.by, cancelled.reason) == (old.client_id, "you", "replaced")


@pytest.mark.parametrize(
    ("old", "error", "code"),
    [
        (None, NotFound, "order_not_found"),
        ({"status": OrderStatus.FILLED}, Conflict, "order_closed"),
        ({"status": OrderStatus.CANCELLED}, Conflict, "order_closed"),
        ({"status": OrderStatus.CANCELLING}, Conflict, "order_cancelling"),
        ({"kind": OrderKind.MARKET, "limit_price": None}, Conflict, "not_replaceable"),
        ({"cause": Cause.TARGET}, Conflict, "not_replaceable"),
    ],
)
def test_what_cannot_be_replaced_says_why(old: dict[str, Any] | None, error: type[Refused], code: str) -> None:
    core = Core()
    prior = None if old is None else asked(core).model_copy(update=old)
    with pytest.raises(error) as caught:
        replacing.replace(core.known, commands.Replace("f" * 32, "e" * 32, "me", qty=D(9)), context(core, prior))
    assert caught.value.error_code == code


def test_a_replacement_that_a_gate_refuses_is_told_with_its_code() -> None:
    core = Core(max_order_notional="1000")
    old = asked(core)
    command = commands.Replace(old.client_id, "e" * 32, "me", qty=D(1000), limit_price=D(95))
    (refused,) = replacing.replace(core.known.but(orders={old.client_id: old}), command, context(core, old))
    assert isinstance(refused, ev.OrderRefused)
    assert (refused.client_id, refused.instrument, refused.side, refused.by) == ("e" * 32, AAA, Side.BUY, "me")
    assert refused.code == "max_order_notional"
    assert refused.detail


def test_cancelling_what_never_was_is_over_or_cannot_be_reached() -> None:
    core = Core()
    with pytest.raises(NotFound) as caught:
        core.run(commands.Cancel("a" * 32, "me"), "a" * 32)
    assert caught.value.error_code == "order_not_found"
    lost = asked(core, status=OrderStatus.UNKNOWN)
    with pytest.raises(Conflict) as conflict:
        trading.cancel(
            core.known, commands.Cancel(lost.client_id, "me"), context(core, lost, offers=Offers(client_ids=False))
        )
    assert conflict.value.error_code == "order_unresolved"
    over = asked(core, status=OrderStatus.REJECTED)
    assert trading.cancel(core.known, commands.Cancel(over.client_id, "me"), context(core, over)) == []
    waits = asked(core, status=OrderStatus.CREATED, replaces="f" * 32)
    (dropped,) = trading.cancel(core.known, commands.Cancel(waits.client_id, "me"), context(core, waits))
    assert isinstance(dropped, ev.ReplacementDropped)
    assert (dropped.client_id, dropped.order_id, dropped.code) == ("f" * 32, waits.client_id, "cancelled")


def test_an_order_by_hand_without_any_price_is_refused() -> None:
    core = Core()
    del core.marks[AAA]
    assert core.place("AAA") == "stale_data"
    assert core.place("ZZZ") == "unknown_instrument"
    refused = core.events[-1]
    assert isinstance(refused, ev.OrderRefused)
    assert refused.detail == "us:ZZZ is not listed on this desk"
    core.mark("AAA", "100")
    core.hold("AAA", "10", "90")
    del core.marks[AAA]
    # a way out is there all the same, counted at what was paid
    name = core.place("AAA", "sell", "10", reduce_only=True)
    assert core.order(name).reference_price == 90


def test_an_id_that_exists_is_a_conflict() -> None:
    core = Core()
    prior = asked(core)
    command = commands.Place(prior.client_id, "me", AAA, Side.BUY, OrderKind.MARKET, D(1))
    with pytest.raises(Conflict) as caught:
        trading.place(core.known, command, context(core, prior))
    assert caught.value.error_code == "order_exists"
