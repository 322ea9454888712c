"""What each event makes of the state: money, positions, counts, the desk's status; and what it leaves alone."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from shared.desk import events as ev
from shared.desk.apply import apply
from shared.desk.state import DeskState, DeskStatus, Difference, Equity, Reduction, Rejections, Timebase
from shared.model import Cause, Fill, Level, LevelKind, Money, Order, OrderKind, OrderStatus, Position, Side, Trade
from tests.unit.desk.protections.core import Core

ID, OTHER, THIRD = "a" * 32, "b" * 32, "c" * 32
NAME = "us:AAA"
AT = 1_000_000
D = Decimal
S = OrderStatus


def order(client_id: str = ID, **changes: Any) -> Order:
    body: dict[str, Any] = {"client_id": client_id, "instrument": NAME, "side": Side.BUY, "kind": OrderKind.MARKET}
    body |= {"qty": D(10), "cause": Cause.MANUAL, "by": "me", "reference_price": D(100), "market_ms": 1}
    return Order(**{**body, "intended_ms": 2, **changes})


def guard(client_id: str = ID, **changes: Any) -> Order:
    """A stop that rests at the venue."""
    terms = {"kind": OrderKind.STOP, "trigger_price": D(95), "side": Side.SELL, "reduce_only": True}
    return order(client_id, **{**terms, "cause": Cause.STOP, **changes})


def fill(qty: str, price: str = "100", side: Side = Side.BUY, fee: str = "0", **changes: Any) -> ev.OrderFilled:
    levels = {name: changes.pop(name) for name in ("stop_price", "target_price", "trail_distance") if name in changes}
    body = {"fill_id": "f", "client_id": ID, "instrument": NAME, "side": side, "qty": D(qty), "price": D(price)}
    told = Fill(**{**body, "fee": Money(amount=D(fee), asset=changes.pop("fee_asset", "USD")), "ts_ms": 9, **changes})
    return ev.OrderFilled(fill=told, value=D(qty) * D(price), status=S.FILLED, **levels)


def begun(*events: ev.Event, at_ms: int = AT) -> DeskState:
    return after(Core().known, *events, at_ms=at_ms)


def after(state: DeskState, *events: ev.Event, at_ms: int = AT) -> DeskState:
    for event in events:
        state = apply(state, event, at_ms)
    return state


def intended(*orders: Order) -> list[ev.Event]:
    return [ev.OrderIntended(order=each) for each in orders]


def changed(before: DeskState, now: DeskState) -> set[str]:
    """The fields that an event changed, beside the number of the event."""
    assert now.seq > before.seq
    return {name for name in DeskState.model_fields if getattr(before, name) != getattr(now, name)} - {"seq"}


def test_a_log_begins_with_an_opening_and_has_only_one() -> None:
    with pytest.raises(ValueError, match="a desk begins with desk_opened, not with halted"):
        apply(None, ev.Halted(by="me", reason="x"), AT)
    opened = Core().events[0]
    with pytest.raises(ValueError, match="a desk opens once"):
        apply(apply(None, opened, AT), opened, AT)


def test_every_event_counts_one() -> None:
    state = begun()
    assert apply(state, ev.VenueBack(), AT).seq == state.seq + 1


def test_every_event_but_the_opening_has_its_change() -> None:
    from shared.desk import apply as module

    assert {ev.DeskOpened, *module._CHANGES} == {*ev.KINDS.values()}


def test_orders_are_counted_for_a_minute() -> None:
    state = begun()
    for number, at_ms in enumerate((0, 1, 60_000, 60_001)):
        state = after(state, *intended(order(f"{number:032}")), at_ms=at_ms)
    assert state.recent_order_ms == (60_000, 60_001)
    assert len(state.orders) == 4
    assert state.exits == {}


def test_an_order_is_open_until_it_has_ended() -> None:
    state = begun(*intended(order()), ev.OrderSent(client_id=ID))
    assert state.orders[ID].status is S.SENT
    state = after(state, ev.OrderAcknowledged(client_id=ID, venue_order_id="v1"))
    assert (state.orders[ID].status, state.orders[ID].venue_order_id) == (S.ACKNOWLEDGED, "v1")
    ended = after(state, ev.OrderCancelled(client_id=ID, reason="asked"))
    assert changed(state, ended) == {"orders"}
    assert ended.orders == {}
    assert changed(ended, after(ended, ev.OrderCancelled(client_id=ID, reason="asked"))) == set()


def test_a_replacement_waits_and_takes_the_place() -> None:
    new = order(OTHER, replaces=ID, qty=D(8))
    state = begun(*intended(order()), ev.ReplacementIntended(client_id=ID, order=new))
    assert state.replacements[ID].status is S.CREATED
    assert set(state.orders) == {ID}
    filled = after(state, fill("3"))
    assert (filled.replacements[ID].filled_qty, filled.orders) == (3, {})
    assert after(state, fill("9")).replacements[ID].filled_qty == 8
    both = after(filled, ev.ReplacementIntended(client_id=THIRD, order=order("d" * 32, replaces=THIRD)))
    taken = after(both, *intended(new))
    assert (set(taken.replacements), set(taken.orders)) == ({THIRD}, {OTHER})
    dropped = after(both, ev.ReplacementDropped(client_id=ID, order_id=OTHER, code="x", detail=""))
    assert (changed(both, dropped), set(dropped.replacements)) == ({"replacements"}, {THIRD})


def test_a_guard_that_rests_counts_as_an_exit_and_a_crossed_level_too() -> None:
    state = begun(*intended(guard(), guard(OTHER, kind=OrderKind.LIMIT, trigger_price=None, limit_price=D(120))))
    assert state.exits == {NAME: 2}
    state = after(state, *intended(guard(THIRD, kind=OrderKind.MARKET, trigger_price=None)))
    assert state.exits == {NAME: 2}
    level = Level(instrument="us:BBB", kind=LevelKind.STOP, side=Side.SELL, price=D(95))
    crossed = {"level": level, "price": D(94), "market_ms": 3}
    state = after(state, ev.LevelTriggered(client_id=ID, **crossed), ev.LevelTriggered(client_id=ID, **crossed))
    assert state.exits == {NAME: 2, "us:BBB": 2}
    waiting = after(state, ev.LevelAwaited(client_id=ID, **crossed), at_ms=7)
    assert changed(state, waiting) == {"awaited"}
    waiting = after(waiting, ev.OrderCancelled(client_id=ID, reason="x"))
    assert after(waiting, ev.LevelAwaited(client_id=OTHER, **crossed), at_ms=8).awaited == {OTHER: 8}
    assert after(state, ev.LevelAwaited(client_id=ID, **crossed), at_ms=7).awaited == {ID: 7}


@pytest.mark.parametrize("event", [ev.OrderUnknown(client_id=ID, reason="x"), ev.OrderRejected(client_id=ID, code="x")])
def test_the_newest_two_hundred_failures_are_kept(event: ev.Event) -> None:
    state = begun(*intended(order())).but(recent_error_ms=tuple(range(200)))
    assert after(state, event).recent_error_ms == (*range(1, 200), AT)
    assert after(state.but(recent_error_ms=()), event).recent_error_ms == (AT,)


def test_rejected_ways_out_are_counted_guards_by_themselves() -> None:
    exit_ = guard(OTHER, kind=OrderKind.MARKET, trigger_price=None)
    state = begun(*intended(guard(), exit_, order(THIRD)))
    for client_id in (ID, OTHER, THIRD):
        state = after(state, ev.OrderRejected(client_id=client_id, code="no"))
    once = {NAME: Rejections(count=1, at_ms=AT)}
    assert (state.rejected_guards, state.rejected_exits) == (once, once)
    state = after(state, *intended(guard()), ev.OrderRejected(client_id=ID, code="no"), at_ms=AT + 1)
    assert state.rejected_guards == {NAME: Rejections(count=2, at_ms=AT + 1)}
    assert state.rejected_exits == once
    state = state.but(rejected_guards={**state.rejected_guards, "us:BBB": Rejections(count=3, at_ms=1)})
    taken = after(state, *intended(guard()), ev.OrderAcknowledged(client_id=ID, venue_order_id="v"))
    assert (set(taken.rejected_guards), taken.rejected_exits) == ({"us:BBB"}, once)


@pytest.mark.parametrize("kind", [ev.OrderCancelled, ev.OrderExpired])
def test_a_sale_of_a_halt_that_comes_to_nothing_counts_as_rejected_and_no_other_does(kind: Any) -> None:
    sale = {"side": Side.SELL, "reduce_only": True}
    state = begun(*intended(order(cause=Cause.FLATTEN, **sale), order(OTHER, cause=Cause.STOP, **sale)))
    state = after(state, kind(client_id=OTHER, reason="x"))
    assert state.rejected_exits == {}
    state = after(state, kind(client_id=ID, reason="x"))
    assert state.rejected_exits == {NAME: Rejections(count=1, at_ms=AT)}
    state = after(state, *intended(order(cause=Cause.FLATTEN, **sale)), kind(client_id=ID, reason="x"), at_ms=AT + 5)
    assert state.rejected_exits == {NAME: Rejections(count=2, at_ms=AT + 5)}


def test_a_sell_that_fills_ends_the_count_of_rejections_and_a_buy_does_not() -> None:
    rejected = {NAME: Rejections(count=2, at_ms=1), "us:BBB": Rejections(count=1, at_ms=1)}
    state = begun(*intended(order())).but(rejected_exits=rejected)
    bought = after(state, fill("10"))
    assert bought.rejected_exits == rejected
    sale = order(OTHER, side=Side.SELL, reduce_only=True)
    sold = after(bought, *intended(sale), fill("1", side=Side.SELL, client_id=OTHER))
    assert set(sold.rejected_exits) == {"us:BBB"}


def refusal(number: int, code: str = "halted") -> ev.ProposalRefused:
    body = {"signal_id": ID, "strategy": "s", "instrument": NAME, "side": Side.BUY, "action": "enter"}
    return ev.ProposalRefused(client_id=f"{number:032}", code=code, detail="", bar_close_ms=0, **body)


def test_the_newest_256_refusals_are_kept_by_their_id() -> None:
    state = begun(*(refusal(number) for number in range(256)))
    assert len(state.refused) == 256
    again = after(state, refusal(0, "lot"))
    assert (len(again.refused), list(again.refused)[-1], again.refused[f"{0:032}"]) == (256, f"{0:032}", "lot")
    more = after(again, refusal(256))
    assert (len(more.refused), f"{1:032}" in more.refused, f"{0:032}" in more.refused) == (256, False, True)
    by_hand = ev.OrderRefused(client_id=ID, instrument=NAME, side=Side.BUY, by="me", code="lot", detail="")
    assert changed(more, after(more, by_hand)) == set()


def test_a_halt_is_remembered_whole_and_a_resume_forgets_it_all() -> None:
    halt = ev.Halted(by="me", reason="enough", code="daily_loss", hold_until_ms=5, flatten=True)
    asked = ev.ResumeRequested(by="adm", reason="fine", confirm_hash="h", expires_ms=9)
    state = begun(ev.Reduced(code="x", by="desk", reason="y"), halt, asked, at_ms=3)
    assert (state.status, state.halt_reason, state.halt_code) == (DeskStatus.HALTED, "enough", "daily_loss")
    assert (state.hold_until_ms, state.flattening, state.since_ms) == (5, True, 3)
    assert state.resume is not None
    assert state.resume.wire() == asked.wire()
    again = after(state, ev.Halted(by="me", reason="again"), at_ms=4)
    assert (again.resume, again.flattening, again.halt_code, again.since_ms) == (None, True, "asked", 4)
    assert after(state, ev.ResumeExpired()).resume is None
    trade = Trade(instrument=NAME, opened_ms=1, closed_ms=2, net=D(1), cost=D(2), cause=Cause.STOP)
    counted = state.but(trades=(trade,), equity=Equity(peak=D(1), day_ms=0, day_start=D(1)), recent_error_ms=(1,))
    fresh = after(counted, ev.Resumed(by="adm", reason="fine"), at_ms=8)
    assert (fresh.status, fresh.since_ms, fresh.resume) == (DeskStatus.ACTIVE, 8, None)
    assert (fresh.halt_reason, fresh.halt_code, fresh.hold_until_ms, fresh.flattening) == ("", "", 0, False)
    assert (fresh.reductions, fresh.trades, fresh.equity, fresh.recent_error_ms) == ({}, (), None, ())
    assert fresh.earlier_trades == (trade,)
    newer = tuple(trade.model_copy(update={"seq": number}) for number in range(200))
    again = after(fresh.but(trades=newer[:199]), ev.Resumed(by="adm", reason="fine"))
    assert again.earlier_trades == (trade, *newer[:199])
    assert after(again.but(trades=newer[199:]), ev.Resumed(by="adm", reason="fine")).earlier_trades == newer


def test_a_desk_is_reducing_while_any_reduction_stands() -> None:
    first = ev.Reduced(code="a", by="desk", reason="x", until_ms=9, clock=Timebase.MARKET)
    state = begun(first, at_ms=1)
    assert state.reductions == {"a": Reduction(reason="x", by="desk", since_ms=1, until_ms=9, clock=Timebase.MARKET)}
    assert (state.status, state.since_ms) == (DeskStatus.REDUCING, 1)
    both = after(state, ev.Reduced(code="b", by="desk", reason="y"), at_ms=2)
    assert (set(both.reductions), both.since_ms) == ({"a", "b"}, 1)
    one = after(both, ev.ReductionLifted(code="a", reason="over"), at_ms=3)
    assert (set(one.reductions), one.status, one.since_ms) == ({"b"}, DeskStatus.REDUCING, 1)
    none = after(one, ev.ReductionLifted(code="b", reason="over"), at_ms=4)
    assert (none.reductions, none.status, none.since_ms) == ({}, DeskStatus.ACTIVE, 4)


def test_a_reduction_under_a_halt_leaves_it_halted() -> None:
    state = begun(ev.Halted(by="me", reason="x"), at_ms=1)
    state = after(state, ev.Reduced(code="a", by="desk", reason="x"), at_ms=2)
    assert (state.status, set(state.reductions), state.since_ms) == (DeskStatus.HALTED, {"a"}, 1)
    state = after(state, ev.ReductionLifted(code="a", reason="x"), at_ms=3)
    assert (state.status, state.reductions, state.since_ms) == (DeskStatus.HALTED, {}, 1)


def test_what_is_noted_of_the_venue_of_equity_and_of_arming() -> None:
    state = begun(ev.VenueLost(since_ms=5, detail="x"), ev.EquityMarked(peak=D(3), day_ms=4, day_start=D(2)))
    assert (state.venue_silent_ms, state.equity) == (5, Equity(peak=D(3), day_ms=4, day_start=D(2)))
    assert after(state, ev.VenueBack()).venue_silent_ms == 0
    asked = ev.ArmRequested(by="adm", reason="go", confirm_hash="h", expires_ms=6, until_ms=7)
    waiting = after(state, asked)
    assert (changed(state, waiting), waiting.arm and waiting.arm.wire()) == ({"arm"}, asked.wire())
    armed = after(waiting, ev.Armed(by="adm", reason="go", until_ms=7))
    assert (armed.armed_until_ms, armed.arm) == (7, None)
    disarmed = after(armed, asked, ev.Disarmed(by="adm", reason="done"))
    assert (disarmed.armed_until_ms, disarmed.arm) == (0, None)


def test_a_difference_stands_until_it_is_resolved() -> None:
    told = ev.DifferenceFound(id=ID, difference="cash", subject="USD", ours="1", theirs="2", detail="x")
    state = begun(told, told.model_copy(update={"id": OTHER}))
    known = Difference(kind="cash", subject="USD", ours="1", theirs="2", detail="x", found_ms=AT)
    assert state.differences == {ID: known, OTHER: known}
    assert set(after(state, ev.DifferenceResolved(id=ID, how="gone", by="desk")).differences) == {OTHER}


def test_a_fill_is_paid_and_held() -> None:
    before = begun(*intended(order()))
    state = after(before, fill("10", "100", fee="2"))
    assert (state.cash, state.fees) == ({"USD": D(98_998)}, {"USD": D(2)})
    assert (state.positions[NAME].qty, state.positions[NAME].cost, state.positions[NAME].fees) == (10, 1000, 2)
    other = after(before, fill("10", "100", fee="2", fee_asset="BNB"))
    assert (other.cash, other.fees) == ({"USD": D(99_000), "BNB": D(-2)}, {"BNB": D(2)})
    assert changed(before, state) == {"orders", "positions", "cash", "fees"}


def test_a_fill_sets_the_levels_that_it_names_all_three_at_once() -> None:
    state = begun(*intended(order()), fill("4", stop_price=D(95), target_price=D(110), trail_distance=D(5)))
    held = state.positions[NAME]
    assert (held.stop_price, held.target_price, held.trail_distance) == (95, 110, 5)
    more = after(state, *intended(order(OTHER)), fill("1", client_id=OTHER)).positions[NAME]
    assert (more.stop_price, more.target_price, more.trail_distance) == (95, 110, 5)
    for name in ("stop_price", "target_price", "trail_distance"):
        one = after(state, *intended(order(OTHER)), fill("1", client_id=OTHER, **{name: D(7)})).positions[NAME]
        levels = {each: getattr(one, each) for each in ("stop_price", "target_price", "trail_distance")}
        assert levels == {**dict.fromkeys(levels), name: D(7)}
    gone = after(state, *intended(order(OTHER, side=Side.SELL)), fill("4", side=Side.SELL, client_id=OTHER))
    assert gone.positions[NAME].levels == ()
    assert gone.positions[NAME].opened_ms is None


def test_levels_are_moved_where_something_is_held() -> None:
    moved = ev.LevelsMoved(instrument=NAME, stop_price=D(96), by="desk")
    assert changed(begun(), after(begun(), moved)) == set()
    state = begun(*intended(order()), fill("4", target_price=D(110)))
    held = after(state, moved).positions[NAME]
    assert (held.stop_price, held.target_price, held.trail_distance) == (96, None, None)


def test_flat_is_a_position_too() -> None:
    assert begun().position(NAME) == Position(instrument=NAME)
    assert begun().held() in ((), [])
