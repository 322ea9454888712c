"""The rules of one order, explored whole: every command in every state that commands lead to, for an entry and for an exit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

import pytest

from shared.desk import commands
from shared.desk import events as ev
from shared.desk.apply import apply
from shared.desk.context import Context, Mark
from shared.desk.decide import decide
from shared.desk.orders import client_id_of, project
from shared.desk.state import DeskState
from shared.errors import DeskError
from shared.model import Cause, Fill, Money, Order, OrderKind, OrderStatus, Side
from shared.venues.venue import OrderReport
from tests.simulation.model.orders import CLOSED, LOTS, OPEN, Life, said
from tests.unit.desk.bench import Bench

NAME = "b" * 32
NOW_MS = 1_700_000_000_000
HELD = Bench()
HELD.held(qty="10")
START: DeskState = HELD.state
MARKS: dict[str, Mark] = dict(HELD.desk.engine.market.marks)
MARKET_MS = HELD.desk.engine.market.market_ms
LATE_MS = 10 * 86_400_000


def new_order(side: Side) -> Order:
    return Order(
        client_id=NAME,
        instrument="us:AAA",
        side=side,
        kind=OrderKind.MARKET,
        qty=Decimal(LOTS),
        reduce_only=side is Side.SELL,
        cause=Cause.MANUAL,
        by="me",
        reference_price=Decimal(100),
        market_ms=MARKET_MS,
        intended_ms=NOW_MS,
    )


def fills(order: Order, upto: int) -> tuple[Fill, ...]:
    one = {"client_id": NAME, "instrument": "us:AAA", "side": order.side, "qty": Decimal(1), "price": Decimal(100)}
    fee = Money(amount=Decimal("0.1"), asset="USD")
    return tuple(Fill(fill_id=f"f{number}", fee=fee, ts_ms=MARKET_MS, **one) for number in range(upto))


@dataclass(frozen=True)
class Moment:
    """The desk, its order open or closed, and the fills that are booked."""

    state: DeskState
    order: Order
    booked: frozenset[str] = frozenset()

    @property
    def shape(self) -> tuple[object, ...]:
        order = self.order
        named = order.venue_order_id is not None
        return (order.status, order.filled_qty, named, order.reason, self.state.status, len(self.booked))

    @property
    def life(self) -> Life:
        return Life(self.order.status.value, int(self.order.filled_qty), self.order.venue_order_id is not None)


def told(order: Order) -> list[commands.Command]:
    """All that can be said to the desk about the order, by the venue and by people."""
    reports = [
        commands.Reported(OrderReport(NAME, venue_id, status, fills(order, count), "said"))
        for status in OrderStatus
        if status.value in ("acknowledged", "partly_filled", *CLOSED)
        for count in range(LOTS + 1)
        for venue_id in ("v1",)
        if (status is OrderStatus.FILLED) == (count == LOTS)
    ]
    return [
        *reports,
        commands.Sending(NAME),
        commands.Unanswered(NAME, "time-out"),
        commands.TurnedDown(NAME, "no", "no"),
        commands.NotKnown(NAME),
        commands.Cancel(NAME, "me"),
        commands.HaltDesk("me", "because"),
        commands.Wake(),
        commands.Resolve(NAME, "me", True, "seen", "v1"),
        commands.Resolve(NAME, "me", False, "seen"),
    ]


def step(moment: Moment, command: commands.Command, late: bool) -> Moment:
    """The next moment; every event of the order is checked against the model on its way."""
    context = Context(
        now_ms=NOW_MS,
        marks=MARKS,
        market_ms=MARKET_MS + (LATE_MS if late else 0),
        prior=moment.order,
        known_fills=moment.booked,
    )
    try:
        found = decide(moment.state, command, context)
    except DeskError:
        return moment
    for event in found:
        moment = taken(moment, event)
    return moment


def taken(moment: Moment, event: ev.Event) -> Moment:
    state = apply(moment.state, event, NOW_MS)
    if client_id_of(event) != NAME:
        return replace(moment, state=state)
    order = project(moment.order, event)
    assert said(moment.life, word_of(moment.order, event)) == replace(moment, order=order).life, f"{event.kind}"
    assert (NAME in state.orders) is order.status.is_open
    booked = moment.booked | ({event.fill.fill_id} if isinstance(event, ev.OrderFilled) else set())
    return Moment(state, order, booked)


def word_of(order: Order, event: ev.Event) -> str:
    if not isinstance(event, ev.OrderFilled):
        return event.kind
    return "fill_rest" if event.fill.qty >= order.remaining_qty else "fill_part"


def everything(side: Side) -> dict[tuple[object, ...], tuple[Moment, list[Moment]]]:
    """Every moment that can be reached, by its shape, with all that may follow it."""
    order = new_order(side)
    first = Moment(apply(START, ev.OrderIntended(order=order), NOW_MS), order)
    seen: dict[tuple[object, ...], tuple[Moment, list[Moment]]] = {}
    waiting = [first]
    while waiting:
        moment = waiting.pop()
        if moment.shape not in seen:
            follows = [step(moment, command, late) for command in told(order) for late in (False, True)]
            seen[moment.shape] = (moment, follows)
            waiting += follows
    return seen


@pytest.mark.parametrize("side", list(Side))
def test_no_command_makes_a_move_that_the_model_does_not_know(side: Side) -> None:
    reached = {moment.order.status.value for moment, _ in everything(side).values()}
    assert reached == {*OPEN, *CLOSED}


@pytest.mark.parametrize("side", list(Side))
def test_an_order_is_intended_again_only_from_unknown(side: Side) -> None:
    for moment, follows in everything(side).values():
        for after in follows:
            if after.order.status is OrderStatus.INTENDED:
                assert moment.order.status in (OrderStatus.INTENDED, OrderStatus.UNKNOWN)
            if after.order.status is OrderStatus.SENT:
                assert moment.order.status in (OrderStatus.INTENDED, OrderStatus.SENT)


def test_an_entry_does_not_leave_while_the_desk_is_halted() -> None:
    for moment, follows in everything(Side.BUY).values():
        if moment.state.status == "halted" and moment.order.status is not OrderStatus.SENT:
            assert all(after.order.status is not OrderStatus.SENT for after in follows)


@pytest.mark.parametrize("side", list(Side))
def test_every_open_order_can_still_end(side: Side) -> None:
    graph = {shape: {after.shape for after in follows} for shape, (_, follows) in everything(side).items()}
    ends = {shape for shape in graph if str(shape[0]) in CLOSED}
    while more := {shape for shape, follows in graph.items() if shape not in ends and follows & ends}:
        ends |= more
    assert ends == set(graph)


@pytest.mark.parametrize("side", list(Side))
def test_to_be_told_twice_is_to_be_told_once(side: Side) -> None:
    for moment, _ in everything(side).values():
        for command in told(moment.order):
            if isinstance(command, commands.Reported):
                once = step(moment, command, late=False)
                assert step(once, command, late=False) == once
