"""What the desk is worth, what is at stake, and how much it may buy: sums over all that it holds and has ordered."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from shared.desk import ledger, sizing
from shared.desk.context import Context, Mark
from shared.desk.state import DeskState
from shared.desk.totals import Totals, totals
from shared.model import Position
from tests.unit.desk.bench import instrument, opening
from tests.unit.desk.protections.core import Core

D = Decimal
AAA, BBB = "us:AAA", "us:BBB"
ASKED = ("equity", "equity_before", "equity_to_size_on", "exposure", "held", "market_ms", "is_quoted", "taken")


def sums(core: Core) -> Totals:
    return totals(core.known, core.context)


def test_the_currency_is_worth_itself_and_a_base_its_price() -> None:
    core = Core()
    core.mark("AAA", "90")
    state, marks = core.known, core.marks
    assert ledger.conversion(state, marks, "USD") == 1
    assert ledger.conversion(state, marks, "AAA") == 90
    assert ledger.conversion(state, marks, "ZZZ") is None
    assert ledger.conversion(state, {}, "AAA") is None


def test_a_base_is_worth_nothing_known_where_another_currency_or_a_multiple_is_quoted() -> None:
    core = Core()
    listed = core.known.instruments
    for changes in ({"multiplier": D(2)}, {"quote": "EUR"}):
        only = {AAA: listed[AAA].model_copy(update=changes)}
        assert ledger.conversion(core.known.but(instruments=only), core.marks, "AAA") is None
    second = {AAA: listed[AAA].model_copy(update={"quote": "EUR"}), BBB: listed[BBB].model_copy(update={"base": "AAA"})}
    core.mark("BBB", "70")
    assert ledger.conversion(core.known.but(instruments=second), core.marks, "AAA") == 70


def test_what_is_held_counts_at_its_price_and_cash_in_every_asset() -> None:
    core = Core()
    core.hold("AAA", "10")
    core.mark("AAA", "90")
    paid = core.known.but(cash={**core.known.cash, "BBB": D("-0.5"), "ZZZ": D(0)})
    assert ledger.equity(core.known, core.marks) == 99_900
    assert ledger.equity(paid, core.marks) == 99_850
    assert Totals(paid, core.context).equity == 99_850
    assert ledger.equity(core.known.but(cash={**core.known.cash, "ZZZ": D(1)}), core.marks) is None
    del core.marks[AAA]
    assert ledger.equity(core.known, core.marks) is None
    assert sums(core).equity is None


def test_what_is_held_in_another_currency_is_converted_or_unknown() -> None:
    core = Core()
    core.hold("AAA", "10")
    euro = core.known.instruments[AAA].model_copy(update={"quote": "EUR", "settle": "EUR"})
    rate = core.known.instruments[BBB].model_copy(update={"base": "EUR"})
    core.mark("BBB", "2")
    known = core.known.but(instruments={AAA: euro, BBB: rate})
    assert ledger.equity(known, core.marks) == 99_000 + 2 * 1000
    assert Totals(known, core.context).equity == 101_000
    unknown = core.known.but(instruments={AAA: euro})
    assert ledger.equity(unknown, core.marks) is None
    assert Totals(unknown, core.context).equity is None


def test_an_old_price_counts_for_no_more_than_was_paid() -> None:
    core = Core()
    core.hold("AAA", "10")
    core.mark("AAA", "120")
    seen_ms = core.now_ms
    assert ledger.equity(core.known, core.marks, seen_ms) == 100_200
    assert ledger.equity(core.known, core.marks, seen_ms + 1) == 100_000
    core.mark("AAA", "80")
    assert ledger.equity(core.known, core.marks, seen_ms + 1) == 99_800


def test_what_is_not_realised_yet_is_its_worth_less_its_cost() -> None:
    core = Core()
    core.hold("AAA", "10")
    core.mark("AAA", "120")
    position = core.known.position(AAA)
    assert ledger.unrealised(core.known, core.marks, position) == 200
    assert ledger.unrealised(core.known, {}, position) is None


def test_exposure_is_what_is_held_at_its_price_or_cost_and_what_open_buys_may_add() -> None:
    core = Core()
    core.hold("AAA", "10")
    core.mark("AAA", "120")
    core.place("AAA", qty="5", kind="limit", limit_price="90")
    core.place("BBB", qty="2", kind="limit", limit_price="95")
    state, marks = core.known, core.marks
    assert ledger.held_exposure(state, marks) == 1200
    assert ledger.held_exposure(state, {}) == 1000
    assert ledger.symbol_exposure(state, marks, AAA) == 1650
    assert ledger.symbol_exposure(state, marks, "us:CCC") == 0
    assert ledger.total_exposure(state, marks) == 1840
    found = sums(core)
    assert (found.exposure, found.symbol_exposure(AAA), found.symbol_exposure(BBB)) == (1840, 1650, 190)
    assert found.symbol_exposure("us:CCC") == 0
    assert found.taken == {AAA, BBB}
    assert found.free_balance("USD") == found.free_balance("USD") == 99_000 - 450 - 190
    assert found.free_balance("EUR") == 0


def test_a_short_position_counts_by_its_size() -> None:
    core = Core()
    short = Position(instrument=AAA, qty=D(-3), cost=D(-330), opened_ms=1)
    state = core.known.but(positions={AAA: short})
    assert ledger.held_exposure(state, core.marks) == Totals(state, core.context).exposure == 300
    assert ledger.held_exposure(state, {}) == 330


def test_totals_are_made_once_for_a_state_and_a_context() -> None:
    core = Core()
    context = core.context
    first = totals(core.known, context)
    assert totals(core.known, context) is first
    assert totals(core.known, core.context) is not first
    other = totals(core.known.but(seq=99), context)
    assert other is not first


def values(state: DeskState, context: Context) -> list[object]:
    found = Totals(state, context)
    return [getattr(found, name) for name in ASKED] + [found.symbol_exposure(AAA), found.free_balance("USD")]


@given(st.lists(st.sampled_from(["cash", "positions", "instruments", "orders", "marks", "nothing"]), max_size=6))
def test_what_is_taken_over_from_the_state_before_is_what_would_be_found_anew(steps: list[str]) -> None:
    core = Core()
    core.hold("AAA", "10")
    state, context = core.known, core.context
    for number, step in enumerate(["nothing", *steps], start=1):
        if step == "cash":
            state = state.but(cash={"USD": D(1000 * number)})
        elif step == "positions":
            held = state.positions[AAA].model_copy(update={"qty": D(number)})
            state = state.but(positions={**state.positions, AAA: held})
        elif step == "instruments":
            twice = state.instruments[AAA].model_copy(update={"multiplier": D(number)})
            state = state.but(instruments={**state.instruments, AAA: twice})
        elif step == "orders":
            state = state.but(orders={}, seq=number)
        elif step == "marks":
            mark = Mark(price=D(number), market_ms=number, received_ms=number, bid=D(number), ask=D(number))
            context = Context(now_ms=number, marks={AAA: mark}, market_ms=number)
        else:
            state = state.but(seq=state.seq + 1)
        kept = totals(state, context)
        found = [getattr(kept, name) for name in ASKED] + [kept.symbol_exposure(AAA), kept.free_balance("USD")]
        assert found == values(state, context)


def size(core: Core, symbol: str = "AAA", price: str = "100", stop: str = "5", equity: str = "100000") -> sizing.Size:
    listed = core.known.instruments[f"us:{symbol}"]
    return sizing.entry_size(core.known, core.context, listed, D(price), D(stop), D(equity))


def test_what_is_lost_at_the_stop_is_the_chosen_share_of_equity() -> None:
    assert size(Core()) == (D(200), "risk")
    assert size(Core(risk_per_trade_bps=50)) == (D(100), "risk")
    assert size(Core(), equity="50000", stop="2.5") == (D(200), "risk")


def test_it_is_floored_to_the_lot_and_never_below_nothing() -> None:
    core = Core()
    assert size(core, stop="6") == (D(166), "risk")
    assert size(core, equity="0") == (D(0), "risk")
    assert size(core, equity="-5") == (D(0), "risk")
    assert size(core, equity="499").qty == 0
    assert size(core, equity="500").qty == 1


def test_a_multiple_is_counted_in_risk_and_in_room() -> None:
    core = Core(max_order_notional="50000")
    body = opening(instruments=[instrument("AAA", multiplier="10")], limits=core.known.limits.wire())
    core.open({**body, "paper": core.known.paper.wire()})
    assert size(core) == (D(20), "risk")
    assert size(core, stop="1") == (D(50), "max_order_notional")


def test_the_smallest_room_decides_and_is_named() -> None:
    assert size(Core(), stop="0.5") == (D(500), "max_order_notional")
    assert size(Core(max_symbol_notional="30000"), stop="0.5") == (D(300), "max_symbol_notional")
    assert size(Core(max_total_notional="20000"), stop="0.5") == (D(200), "max_total_notional")
    wide = {"max_order_notional": "900000", "max_symbol_notional": "900000", "max_total_notional": "900000"}
    assert size(Core(**wide), stop="0.5") == (D(990), "free_balance")
    assert size(Core({"leverage": {"max": "0.3"}}, **wide), stop="0.5") == (D(300), "leverage")


def test_what_is_held_and_ordered_takes_of_the_room() -> None:
    core = Core({"leverage": {"max": "0.35"}}, max_symbol_notional="30000", max_total_notional="32000")
    core.hold("AAA", "100")
    core.place("AAA", qty="50", kind="limit", limit_price="100")
    assert size(core, stop="0.5") == (D(150), "max_symbol_notional")
    core.place("BBB", qty="100", kind="limit", limit_price="100")
    assert size(core, stop="0.5") == (D(70), "max_total_notional")
    core.mark("AAA", "80")
    assert size(core, stop="0.5") == (D(90), "max_total_notional")


def test_a_group_leaves_room_to_those_in_it_only() -> None:
    groups = {"tech": {"symbols": ["AAA", "BBB"], "max_notional": "5000"}, "few": {"symbols": ["CCC"]}}
    core = Core({"exposure": {"groups": groups}})
    core.hold("BBB", "20")
    assert size(core, "AAA", stop="0.5") == (D(30), "max_group_notional")
    assert size(core, "CCC", stop="0.5") == (D(500), "max_order_notional")
    core.hold("AAA", "30")
    assert size(core, "AAA") == (D(0), "max_group_notional")


def test_without_known_equity_leverage_leaves_no_bound_and_the_gate_refuses() -> None:
    core = Core({"leverage": {"max": "0.3"}})
    core.hold("BBB", "1")
    del core.marks[BBB]
    assert size(core, stop="0.5").bound == "max_order_notional"


def test_a_quantity_of_any_size_is_found_exactly() -> None:
    wide = dict.fromkeys(("max_order_notional", "max_symbol_notional", "max_total_notional"), "9" * 15)
    core = Core(**wide)
    assert size(core, price="0.00000001", stop="0.0000000000001").qty == D("9900990099009")
