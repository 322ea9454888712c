"""What the simulation once found, each as small as it can be told."""

from __future__ import annotations

from decimal import Decimal

import pytest

from shared.desk import commands
from shared.desk import events as ev
from shared.desk.apply import apply
from shared.desk.booking import NO_ORDER
from shared.desk.context import Context
from shared.desk.decide import decide
from shared.desk.state import DeskState
from shared.errors import Refused, VenueUnavailable
from shared.model import Fill, Money, Order, OrderStatus, Side
from shared.venues.venue import Offers
from tests.simulation.model.test_rules import MARKET_MS, MARKS, NOW_MS, START, new_order
from tests.unit.desk.bench import Bench
from tests.unit.desk.remote import Remote, far, look

CONTEXT = Context(now_ms=NOW_MS, marks=MARKS, market_ms=MARKET_MS)
NAMES = ("c" * 32, "d" * 32)


def after(state: DeskState, *events: ev.Event) -> DeskState:
    for event in events:
        state = apply(state, event, NOW_MS)
    return state


def test_a_fill_of_no_order_is_known_once_it_is_booked() -> None:
    """A second look would have booked it again."""
    bench = Bench()
    fee = Money(amount=Decimal(0), asset="USD")
    found = ev.FillFound(
        fill_id="theirs-1",
        instrument="us:AAA",
        side=Side.BUY,
        qty=Decimal(1),
        price=Decimal(100),
        fee=fee,
        ts_ms=1,
        value=Decimal(100),
        explanation="somebody bought",
    )
    session = bench.desk.engine.session
    draft = session.draft(bench.clock.now_ms())
    draft.add(found)
    bench.desk.engine.commit(draft)
    assert session.store.known_fills(["theirs-1"]) == {"theirs-1"}
    assert bench.sql.rows("SELECT client_id FROM fills") == [(NO_ORDER,)]


def test_a_guard_does_not_leave_after_its_sibling_has_sold_everything() -> None:
    """Both were stored as sent in one transaction; the first filled at once, while it was being placed."""
    held = START.position("us:AAA").qty
    stop, target = (
        new_order(Side.SELL).model_copy(update={"client_id": name, "qty": held, "oco": "e" * 32}) for name in NAMES
    )
    fill = Fill(
        fill_id="f",
        client_id=stop.client_id,
        instrument="us:AAA",
        side=Side.SELL,
        qty=held,
        price=Decimal(100),
        fee=Money(amount=Decimal(0), asset="USD"),
        ts_ms=MARKET_MS,
    )
    left = [ev.OrderIntended(order=stop), ev.OrderIntended(order=target)]
    sent = [ev.OrderSent(client_id=name) for name in NAMES]
    state = after(START, *left, *sent)
    assert decide(state, commands.Sending(target.client_id), CONTEXT) == []
    state = after(state, ev.OrderFilled(fill=fill, value=held * 100, status=OrderStatus.FILLED))
    assert decide(state, commands.Sending(target.client_id), CONTEXT) == [
        ev.OrderCancelled(client_id=target.client_id, reason="outgrown")
    ]


@pytest.mark.parametrize("side", list(Side))
def test_what_a_person_finds_at_the_venue_of_a_halted_desk_is_cancelled_if_it_is_an_entry(side: Side) -> None:
    """The halt came while nobody knew whether the order was there, so nothing had asked for its end."""
    order: Order = new_order(side)
    name = order.client_id
    unknown = [ev.OrderIntended(order=order), ev.OrderSent(client_id=name), ev.OrderUnknown(client_id=name, reason="x")]
    state = after(START, *unknown, ev.Halted(by="me", reason="because"))
    context = Context(
        now_ms=NOW_MS, marks=MARKS, market_ms=MARKET_MS, prior=state.orders[name], offers=Offers(client_ids=False)
    )
    found = decide(state, commands.Resolve(name, "me", True, "seen", "v1"), context)
    asked = [event.client_id for event in found if isinstance(event, ev.OrderCancelRequested)]
    assert asked == ([name] if side is Side.BUY else [])


def test_a_fill_is_not_taken_for_a_strangers_while_its_order_waits_to_be_asked_about() -> None:
    """The venue keeps no client ids: the order had filled, its fill was booked as of no order, and the order never ended."""
    remote = Remote()
    remote.offers = Offers(client_ids=False)
    bench = far(remote)
    name = str(bench.place("AAA", "buy", "10")["client_id"])
    remote.fill(name, "100")
    remote.fills = [fill.model_copy(update={"client_id": "f" * 32}) for fill in remote.fills]
    lost = VenueUnavailable("no answer")
    remote.trouble.extend([None, lost, None, lost, None, lost, None])
    look(bench)
    assert "fill_found" not in bench.kinds()
    remote.trouble.clear()
    look(bench)
    assert bench.kinds().count("order_filled") == 1
    assert bench.order(name)["status"] == "filled"


def test_a_silence_that_grew_while_nobody_called_stops_the_next_entry() -> None:
    """One call had no answer, nothing was left to ask, and no other call came to notice how long ago that was."""
    remote = Remote()
    remote.offers = Offers(client_ids=False)
    bench = far(remote)
    remote.trouble.append(VenueUnavailable("no answer"))
    bench.place("AAA", "buy", "10")
    bench.clock.advance(30_000)
    bench.place("BBB", "buy", "10")
    remote.trouble.append(VenueUnavailable("no answer"))
    bench.place("BBB", "buy", "10")
    bench.clock.advance(30_001)
    with pytest.raises(Refused) as caught:
        bench.place("BBB", "buy", "10")
    assert caught.value.error_code == "reducing"
    assert "venue_down" in bench.state.reductions
    # somebody has to ask, or nobody would ever hear that it is back
    bench.fire()
    assert "venue_down" not in bench.state.reductions


def test_a_round_trip_that_was_left_in_parts_cost_all_that_went_in() -> None:
    """Only what its last fill sold was counted, so that a profit of little looked like one of much."""
    state = after(START, *(traded(side, qty) for side, qty in ((Side.BUY, 10), (Side.SELL, 9))))
    assert not state.trades
    (trip,) = after(state, traded(Side.SELL, 1)).trades
    assert (trip.net, trip.cost) == (Decimal(0), Decimal(1000))


def traded(side: Side, qty: int) -> ev.FillFound:
    return ev.FillFound(
        fill_id=f"{side}-{qty}",
        instrument="us:BBB",
        side=side,
        qty=Decimal(qty),
        price=Decimal(100),
        fee=Money(amount=Decimal(0), asset="USD"),
        ts_ms=MARKET_MS,
        value=Decimal(100 * qty),
        explanation="traded",
    )
