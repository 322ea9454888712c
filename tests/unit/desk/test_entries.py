"""Who opened a position and what was put at risk: remembered of it, told with the trade, and the same after any replay."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.desk import commands, entries
from shared.desk import events as ev
from shared.desk.apply import apply
from shared.desk.state import DeskState
from shared.model import Cause, Entry, Fill, Money, OrderStatus, Position, Proposal, Side, Trade, exact
from shared.venues.venue import OrderReport
from tests.unit.desk.bench import Bench, candle, proposal
from tests.unit.desk.protections.core import MINUTE, START, Core
from tests.unit.desk.test_state import order

D = Decimal
NAME = "us:AAA"


def proposed(core: Core, price: str = "100", **changes: Any) -> str:
    """The order of a strategy that wants 10 of AAA with its stop 5 below."""
    body = {"bar_close_ms": START, "size": {"qty": "10"}, **proposal("AAA", 0, price)}
    asked = Proposal.parse(json.dumps({**body, "bar_close_ms": core.market_ms, **changes}))
    client_id = next(
        event.order.client_id
        for event in core.run(commands.Propose(asked))
        if isinstance(event, ev.OrderIntended) and event.order.cause is Cause.PROPOSAL
    )
    core.run(commands.Sending(client_id), client_id)
    return client_id


def held(core: Core) -> Position:
    return core.known.position(NAME)


def leave(core: Core, price: str) -> Trade:
    core.leave("AAA", price)
    return core.known.trades[-1]


def test_a_strategys_position_is_its_own_and_risks_the_distance_to_its_stop() -> None:
    core = Core()
    core.mark("AAA", "100")
    client_id = proposed(core)
    core.fill(client_id, "100.5", "4")
    assert held(core).entry == Entry(client_id=client_id, by="sma_cross", proposed=True, risk=D(20))
    core.fill(client_id, "101")
    # the stop keeps its distance from what was paid, so five each are at risk
    assert held(core).entry == Entry(client_id=client_id, by="sma_cross", proposed=True, risk=D(50))
    core.leave("AAA", "110")
    trade = core.known.trades[-1]
    assert trade.entry == Entry(client_id=client_id, by="sma_cross", proposed=True, risk=D(50))
    [ended] = [n for n, event in enumerate(core.events, 1) if isinstance(event, ev.OrderFilled)][-1:]
    assert trade.seq == ended
    found = trade.outcome()
    assert found is not None
    assert found.wire() == {
        "strategy": "sma_cross",
        "symbol": "AAA",
        "r": float((4 * D("9.5") + 6 * D(9)) / 50),
        "closed_ms": core.market_ms,
        "opened_ms": trade.opened_ms,
        "id": client_id,
    }
    assert held(core).entry is None


def test_a_multiplier_is_part_of_the_risk() -> None:
    instrument = Core().known.instruments[NAME].model_copy(update={"multiplier": D(3)})
    bought = order(1, side=Side.BUY, stop_price=D(95), reference_price=D(100))
    assert entries.bought(instrument, bought, fill_of(bought, "2", "99"), Position(instrument=NAME)) == Entry(
        client_id=bought.client_id, by="me", proposed=False, risk=D(24)
    )


def fill_of(bought: Any, qty: str, price: str) -> Fill:
    fee = Money(amount=exact.ZERO, asset="USD")
    about = {"client_id": bought.client_id, "instrument": bought.instrument, "side": bought.side}
    return Fill(fill_id="f", qty=D(qty), price=D(price), fee=fee, ts_ms=1, **about)


@pytest.mark.parametrize(("terms", "stop", "risk"), [
    ({"stop_price": "95"}, None, "8"),
    ({"stop_price": "99.5"}, "90", "0"),
    ({}, "90", "18"),
    ({}, None, None),
    ({"trail_distance": "3"}, "90", "6"),
    ({"trail_distance": "3", "stop_price": "95"}, None, "8"),
    ({"stop_price": "95", "cause": Cause.PROPOSAL}, None, "10"),
    ({"cause": Cause.PROPOSAL}, "90", "18"),
])  # fmt: skip
def test_what_a_purchase_of_two_at_99_risks(terms: dict[str, Any], stop: str | None, risk: str | None) -> None:
    terms = {name: D(value) if isinstance(value, str) and name != "cause" else value for name, value in terms.items()}
    bought = order(1, side=Side.BUY, reference_price=D(100), **terms)
    there = Position(instrument=NAME, qty=D(1), stop_price=None if stop is None else D(stop))
    found = entries.bought(Core().known.instruments[NAME], bought, fill_of(bought, "2", "99"), there)
    assert found is not None
    assert found.risk == (None if risk is None else D(risk))


def test_a_persons_position_is_the_persons_and_teaches_nobody() -> None:
    core = Core()
    client_id = core.place("AAA", "buy", "10", stop_price="95")
    core.fill(client_id, "101")
    assert held(core).entry == Entry(client_id=client_id, by="me", proposed=False, risk=D(60))
    trade = leave(core, "110")
    assert trade.entry is not None
    assert (trade.entry.by, trade.outcome()) == ("me", None)


def test_without_a_stop_the_risk_is_not_known() -> None:
    core = Core()
    client_id = core.place("AAA", "buy", "10")
    core.fill(client_id, "100")
    assert leave(core, "110").entry == Entry(client_id=client_id, by="me", proposed=False, risk=None)


def test_the_first_entry_opens_it_and_what_is_added_adds_its_risk() -> None:
    core = Core()
    core.fill(client_id := proposed(core), "100")
    core.fill(core.place("AAA", "buy", "2", stop_price="97"), "101")
    assert held(core).entry == Entry(client_id=client_id, by="sma_cross", proposed=False, risk=D(58))
    core.fill(core.place("AAA", "buy", "1"), "101")
    # without a stop of its own it is measured at the one that the position has by now
    assert held(core).entry == Entry(client_id=client_id, by="sma_cross", proposed=False, risk=D(62))
    assert leave(core, "90").outcome() is None


def test_what_is_sold_or_moved_meanwhile_leaves_the_risk_as_it_was_taken() -> None:
    core = Core()
    core.fill(client_id := proposed(core), "100")
    core.run(commands.SetLevels(NAME, "me", stop_price=D(99)))
    core.fill(core.place("AAA", "sell", "4", reduce_only=True), "103")
    assert held(core).entry == Entry(client_id=client_id, by="sma_cross", proposed=True, risk=D(50))
    found = leave(core, "104").outcome()
    assert found is not None
    assert found.r == 0.72


def test_what_took_the_place_of_a_strategys_order_is_a_persons() -> None:
    was = order(1, side=Side.BUY, cause=Cause.PROPOSAL, by="sma_cross", stop_price=D(95), reference_price=D(100))
    instrument, flat = Core().known.instruments[NAME], Position(instrument=NAME)
    now = was.model_copy(update={"replaces": was.client_id, "client_id": "b" * 32, "by": "me"})
    found = [entries.bought(instrument, each, fill_of(each, "1", "100"), flat) for each in (was, now)]
    assert [(each.by, each.proposed) for each in found if each] == [("sma_cross", True), ("me", False)]


def test_a_late_fill_of_an_order_that_had_ended_is_still_its_strategys() -> None:
    core = Core()
    client_id = proposed(core)
    core.run(commands.Reported(OrderReport(client_id, "v1", OrderStatus.CANCELLED)), client_id)
    assert client_id not in core.known.orders
    [late, *_] = core.fill(client_id, "100", "4")
    assert isinstance(late, ev.OrderFilled)
    assert late.entry == Entry(client_id=client_id, by="sma_cross", proposed=True, risk=D(20))
    assert held(core).entry == late.entry
    found = leave(core, "95").outcome()
    assert found is not None
    assert found.r == -1.0


def test_a_fill_in_its_time_carries_no_entry() -> None:
    core = Core()
    found = core.fill(proposed(core), "100")
    assert [event.entry for event in found if isinstance(event, ev.OrderFilled)] == [None]


def test_what_comes_in_without_an_order_makes_the_risk_unknown() -> None:
    core = Core()
    core.fill(client_id := proposed(core), "100")
    unknown = Entry(client_id=client_id, by="sma_cross", proposed=False, risk=None)
    assert after(core, found(Side.BUY, "1")).entry == unknown
    assert after(core, found(Side.SELL, "1")).entry == held(core).entry
    assert after(core, found(Side.SELL, "10")).entry is None
    assert after(core, found(Side.SELL, "12")).entry is None
    assert after(core, adjusted("2")).entry == after(core, adjusted("-2")).entry == unknown
    assert after(core, adjusted("-10")).entry is None
    assert after(core, adjusted("-12")).entry is None


def after(core: Core, event: ev.Event) -> Position:
    return apply(core.known, event, 1).position(NAME)


def found(side: Side, qty: str) -> ev.FillFound:
    about: dict[str, Any] = {"instrument": NAME, "side": side, "qty": D(qty), "price": D(100), "value": 100 * D(qty)}
    fee = Money(amount=exact.ZERO, asset="USD")
    return ev.FillFound(fill_id="x", fee=fee, ts_ms=7, explanation="by hand", **about)


def adjusted(qty: str) -> ev.LedgerAdjusted:
    return ev.LedgerAdjusted(instrument=NAME, qty=D(qty), cost=100 * D(qty), by="me", reason="split")


def test_what_nobody_ordered_has_no_entry_whatever_is_added() -> None:
    core = Core()
    core.state = apply(core.known, found(Side.BUY, "1"), 1)
    core.events.append(found(Side.BUY, "1"))
    assert held(core).entry is None
    core.fill(core.place("AAA", "buy", "2", stop_price="97"), "100")
    assert held(core).entry is None
    assert leave(core, "101").entry is None


def test_a_purchase_that_turns_a_short_position_opens_a_long_one_with_the_rest() -> None:
    core = Core()
    client_id = core.place("AAA", "buy", "5", stop_price="95")
    core.state = apply(core.known, found(Side.SELL, "2"), 1)
    core.fill(client_id, "100", "1")
    assert held(core).entry is None
    core.fill(client_id, "100")
    assert held(core).entry == Entry(client_id=client_id, by="me", proposed=False, risk=D(15))


def test_two_strategies_in_one_position_teach_neither() -> None:
    mine = Entry(client_id="a" * 32, by="sma_cross", proposed=True, risk=D(3))
    other = mine.model_copy(update={"client_id": "b" * 32, "by": "supertrend", "risk": D(4)})
    both = Entry(client_id="a" * 32, by="sma_cross", proposed=False, risk=D(7))
    assert mine.joined_by(other) == both
    assert mine.joined_by(mine) == mine.model_copy(update={"risk": D(6)})
    nothing = mine.model_copy(update={"risk": None})
    assert mine.joined_by(nothing) == nothing.joined_by(mine) == nothing


@pytest.mark.parametrize(("net", "risk", "r"), [
    ("-20", "20", -1.0), ("50", "20", 2.5), ("1", "3", 1 / 3), ("900000", "1", 1000.0), ("-900000", "1", -1000.0),
    ("5", "0", None), ("5", None, None),
])  # fmt: skip
def test_an_outcome_is_profit_over_risk(net: str, risk: str | None, r: float | None) -> None:
    entry = Entry(client_id="a" * 32, by="committee", proposed=True, risk=None if risk is None else D(risk))
    about: dict[str, Any] = {"instrument": NAME, "opened_ms": 1, "closed_ms": 2, "cost": D(9), "cause": Cause.STOP}
    told = Trade(net=D(net), entry=entry, **about).outcome()
    assert (None if told is None else told.r) == r
    assert Trade(net=D(net), **about).outcome() is None


def test_the_newest_trades_are_told_also_after_a_resume_and_after_a_waking() -> None:
    bench = Bench()
    bench.bars(candle("AAA", 0, "100"))
    assert bench.call("trades") == {"items": [], "seq": bench.state.seq}
    bench.propose(proposal("AAA", 0, "100"))
    bench.bars(candle("AAA", 1, "100"))
    bench.bars(candle("AAA", 2, "94"))
    bench.bars(candle("AAA", 3, "94"))
    (trade,) = bench.call("trades")["items"]
    assert Trade.parse(json.dumps(trade)) == bench.state.trades[0]
    assert (trade["entry"]["by"], trade["cause"]) == ("sma_cross", "stop")
    bench.call("halt", by="me", reason="x")
    confirm = bench.call("resume_request", by="me", reason="y")["confirm"]
    bench.call("resume_confirm", by="me", confirm=confirm)
    assert bench.state.trades == ()
    assert bench.call("trades") == {"items": [trade], "seq": bench.state.seq}
    assert bench.reborn().call("trades")["items"] == [trade]
    assert bench.call("trades", after_seq=trade["seq"] - 1)["items"] == [trade]
    assert bench.call("trades", after_seq=trade["seq"])["items"] == []


def test_no_more_than_two_hundred_are_told() -> None:
    bench = Bench()
    about: dict[str, Any] = {"instrument": NAME, "opened_ms": 1, "closed_ms": 2, "net": D(1), "cost": D(9)}
    made = [Trade(seq=number, cause=Cause.STOP, **about) for number in range(1, 301)]
    bench.desk.engine.session.state = bench.state.but(earlier_trades=tuple(made[:150]), trades=tuple(made[150:]))
    assert [each["seq"] for each in bench.call("trades")["items"]] == [*range(101, 301)]


# --- any course of things ---


@dataclass
class Held:
    """What a position's entry must be, counted apart."""

    qty: Decimal = exact.ZERO
    by: str | None = None
    proposed: bool = False
    risk: Decimal | None = None

    def buys(self, qty: Decimal, by: str, proposed: bool, risk: Decimal | None) -> None:
        if not self.qty:
            self.by, self.proposed, self.risk = by, proposed, risk
        else:
            self.risk = None if self.risk is None or risk is None else self.risk + risk
            self.proposed = self.proposed and proposed
        self.qty += qty

    def disturbed(self, qty: Decimal) -> None:
        if not self.qty:
            self.by = None
        self.risk, self.proposed = None, False
        self.qty += qty

    def sells(self, qty: Decimal) -> None:
        self.qty -= qty


PRICES = st.integers(98, 104)
MOVES = st.one_of(
    st.tuples(st.just("propose"), PRICES, st.integers(1, 9)),
    st.tuples(st.just("add"), PRICES, st.sampled_from(["95", "97.5", None])),
    st.tuples(st.just("sell"), PRICES, st.integers(1, 12)),
    st.tuples(st.just("found"), PRICES, st.integers(1, 3)),
    st.tuples(st.just("adjust"), PRICES, st.integers(1, 3)),
    st.tuples(st.just("level"), PRICES, st.sampled_from(["94", "96"])),
)


def moved(core: Core, true: Held, what: str, price: int, more: Any) -> None:
    at = str(price)
    stop = held(core).stop_price
    if what == "propose":
        if true.qty:
            return
        # in two parts, as a venue may
        client_id = proposed(core)
        core.fill(client_id, at, str(more))
        core.fill(client_id, str(price + 1))
        true.buys(D(10), "sma_cross", True, D(50))
    elif what == "add":
        terms = {} if more is None else {"stop_price": more}
        core.fill(core.place("AAA", "buy", "2", **terms), at)
        at_stop = stop if more is None else D(more)
        true.buys(D(2), "me", False, None if at_stop is None else 2 * max(D(0), price - at_stop))
    elif what == "sell" and true.qty:
        qty = min(true.qty, D(more))
        core.fill(core.place("AAA", "sell", str(qty), reduce_only=True), at)
        true.sells(qty)
    elif what == "found":
        taken(core, found(Side.BUY, str(more)))
        true.disturbed(D(more))
    elif what == "adjust":
        taken(core, adjusted(str(more)))
        true.disturbed(D(more))
    elif what == "level" and true.qty:
        core.run(commands.SetLevels(NAME, "me", stop_price=D(more)))


def taken(core: Core, event: ev.Event) -> None:
    core.state = apply(core.state, event, core.now_ms)
    core.events.append(event)


@settings(max_examples=60, deadline=None)
@given(st.lists(MOVES, max_size=12))
def test_the_entry_is_what_was_bought_by_whom_and_any_replay_tells_the_same(moves: list[tuple[str, int, Any]]) -> None:
    core, true = Core(max_orders_per_minute=600), Held()
    for what, price, more in moves:
        core.later(MINUTE)
        core.mark("AAA", "100")
        moved(core, true, what, price, more)
        entry = held(core).entry
        assert held(core).qty == true.qty
        if not true.qty or true.by is None:
            assert entry is None
        else:
            assert entry is not None
            assert (entry.by, entry.proposed, entry.risk) == (true.by, true.proposed, true.risk)
    again: DeskState | None = None
    for event in core.events:
        again = apply(again, ev.read(event.kind, event.v, event.json_text()), core.now_ms)
    assert again is not None
    assert (again.positions, again.trades) == (core.known.positions, core.known.trades)
    assert DeskState.parse(again.json_text()) == again
