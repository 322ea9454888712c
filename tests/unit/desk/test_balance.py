"""What a round trip ends with, what a position is worth, and what a buy keeps free."""

from __future__ import annotations

from decimal import Decimal

import pytest

from shared.desk import balance, booking
from shared.desk.worth import Worth
from shared.model import Cause, OrderKind, Position, Side
from tests.unit.desk.protections.core import START, Core
from tests.unit.desk.test_state import AAA, order

D = Decimal


@pytest.mark.parametrize(("before", "after", "ends"), [
    ("10", "0", True), ("10", "-1", True), ("-10", "1", True), ("-10", "0", True), ("10", "0.5", False),
    ("10", "20", False), ("-10", "-1", False), ("0", "5", False), ("0", "-5", False),
])  # fmt: skip
def test_a_round_trip_ends_where_the_position_is_flat_or_turns(before: str, after: str, ends: bool) -> None:
    state = Core().known
    was = Position(instrument=AAA, qty=D(before), opened_ms=3, paid=D(1000), flat_net=D(2))
    now = Position(instrument=AAA, qty=D(after), realised=D(50), fees=D(4), flat_net=D(2))
    found = booking._traded(state, was, now, 9, Cause.STOP)
    assert ("trades" in found) is ends
    if ends:
        (trade,) = found["trades"]
        assert (trade.opened_ms, trade.closed_ms, trade.net, trade.cost, trade.cause) == (3, 9, 44, 1000, Cause.STOP)
    assert found["positions"][AAA].flat_net == (46 if ends else 2)


@pytest.mark.parametrize(("kind", "factor"), [
    (OrderKind.MARKET, "1.0115"), (OrderKind.LIMIT, "1.001"), (OrderKind.STOP, "1.0115"), (OrderKind.STOP_LIMIT, "1.001"),
])  # fmt: skip
def test_what_a_buy_keeps_free_is_its_fee_and_without_a_limit_slippage_and_a_move(kind: OrderKind, factor: str) -> None:
    core = Core()
    paper = core.known.paper.model_copy(update={"fee_bps": D(10), "slippage_bps": D(5)})
    state = core.known.but(paper=paper)
    assert balance.allowance(state, kind) == D(factor)
    assert balance.cost_of(state, state.instruments[AAA], kind, D(3), D(7)) == 21 * D(factor)
    sizes = {"limit_price": D(9)} if kind.has_limit else {}
    sizes |= {"trigger_price": D(9)} if kind.has_trigger else {}
    bought = order(1, kind=kind, side=Side.BUY, qty=D(4), reference_price=D(9), **sizes)
    promising = state.but(orders={bought.client_id: bought})
    assert balance.reserved(promising, "USD") == 36 * D(factor)
    assert balance.reserved(promising, "EUR") == 0
    assert balance.free(promising, "USD") == 100_000 - 36 * D(factor)
    assert balance.free(state, "EUR") == 0


def test_a_position_is_worth_what_it_would_sell_for() -> None:
    core = Core()
    core.hold("AAA", "10")
    core.mark("AAA", "110", bid="109", ask="111", before="105", market_ms=START + 8)
    worth = Worth(core.known, core.context)
    assert (worth.is_quoted, worth.equity, worth.equity_before) == (True, 100_090, 100_050)
    assert (worth.market_ms, worth.market_ms_of(AAA), worth.market_ms_of("us:ZZZ")) == (START + 8, START + 8, START)
    short = core.known.but(positions={AAA: Position(instrument=AAA, qty=D(-10), cost=D(-1000))})
    assert Worth(short, core.context).equity == 99_000 - 1110
    core.mark("AAA", "110", received_ms=core.now_ms - core.known.limits.max_data_age_ms)
    assert Worth(core.known, core.context).equity_to_size_on == 100_100
    core.mark("AAA", "110", received_ms=core.now_ms - core.known.limits.max_data_age_ms - 1)
    worth = Worth(core.known, core.context)
    assert (worth.equity_to_size_on, worth.is_quoted, worth.equity_before) == (100_000, False, 100_100)
