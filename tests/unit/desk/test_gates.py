"""The gates one by one: where each stands in the line, what it lets pass at its limit, and what never holds a way out back."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from shared.desk import gates, guards
from shared.desk.context import Context
from shared.desk.gates import BEFORE_SIZE, WHOLE, WITH_SIZE, Intent
from shared.desk.state import DeskState, DeskStatus, Reduction
from shared.model import OrderKind, OrderStatus, Side
from tests.unit.desk.bench import NOW
from tests.unit.desk.protections.core import Core
from tests.unit.desk.test_state import AAA, limit

D = Decimal


def intent(core: Core, side: str = "buy", qty: str = "1", price: str = "100", **changes: Any) -> Intent:
    return Intent(core.known.instruments[AAA], Side(side), OrderKind.MARKET, D(qty), D(price), **changes)


def code(core: Core, asked: Intent, state: DeskState | None = None, **context: Any) -> str | None:
    found = gates.check(state or core.known, asked, core.context._replace(**context))
    return found.code if found else None


def test_what_depends_on_the_quantity_is_asked_when_there_is_one() -> None:
    line = {stage: gates.line(guards.of(Core().known), stage) for stage in (BEFORE_SIZE, WITH_SIZE, WHOLE)}
    own = (
        (gates.halted, BEFORE_SIZE),
        (gates.armed, BEFORE_SIZE),
        (gates.reconciled, BEFORE_SIZE),
        (gates.listed, BEFORE_SIZE),
        (gates.convertible, BEFORE_SIZE),
        (gates.levels_sane, WITH_SIZE),
        (gates.reduces, WITH_SIZE),
        (gates.covered, WITH_SIZE),
        (gates.order_count, WITH_SIZE),
    )
    for gate, stage in own:
        assert [each for each in (BEFORE_SIZE, WITH_SIZE) if gate in line[each]] == [stage], gate
    assert [gate for gate in line[WHOLE] if gate in dict(own)] == [gate for gate, _ in own]
    assert sorted(map(repr, line[WHOLE])) == sorted(map(repr, line[BEFORE_SIZE] + line[WITH_SIZE]))


def test_the_gates_stand_where_the_protections_leave_room_for_them() -> None:
    places = {each.gate: each.place for each in gates.STRUCTURE}
    assert places == {
        gates.halted: 10,
        gates.armed: 12,
        gates.reconciled: 14,
        gates.listed: 20,
        gates.convertible: 30,
        gates.levels_sane: 60,
        gates.reduces: 80,
        gates.covered: 90,
        gates.order_count: 210,
    }


def shut(status: DeskStatus) -> DeskState:
    reductions = {"x": Reduction(reason="because", by="me", since_ms=0)} if status is DeskStatus.REDUCING else {}
    core = Core()
    core.hold("AAA")
    return core.known.but(status=status, halt_reason="enough", reductions=reductions)


@pytest.mark.parametrize(
    ("status", "entry"),
    [(DeskStatus.ACTIVE, None), (DeskStatus.REDUCING, "reducing"), (DeskStatus.HALTED, "halted")],
)
def test_a_status_holds_entries_back_and_no_way_out(status: DeskStatus, entry: str | None) -> None:
    core, state = Core(), shut(status)
    assert code(core, intent(core), state) == entry
    assert code(core, intent(core, "sell", "10", reduce_only=True), state) is None


def test_a_status_tells_why() -> None:
    core = Core()
    halted = gates.check(shut(DeskStatus.HALTED), intent(core), core.context)
    reducing = gates.check(shut(DeskStatus.REDUCING), intent(core), core.context)
    assert halted is not None
    assert "enough" in halted.detail
    assert reducing is not None
    assert "x: because" in reducing.detail


@pytest.mark.parametrize(("live_open", "entry"), [(True, None), (False, "live_gate"), (None, "live_gate")])
def test_the_live_gate_holds_entries_back_and_no_way_out(live_open: bool | None, entry: str | None) -> None:
    core = Core()
    core.hold("AAA")
    state = core.known.but(mode="live", armed_until_ms=core.now_ms + 1)
    assert code(core, intent(core), state, live_open=live_open) == entry
    assert code(core, intent(core, "sell", reduce_only=True), state, live_open=live_open) is None
    assert code(core, intent(core), state.but(armed_until_ms=core.now_ms), live_open=True) == "live_gate"
    assert code(core, intent(core), live_open=False) is None


def test_what_is_not_reconciled_delisted_or_cannot_be_counted_is_only_left() -> None:
    core = Core()
    core.hold("AAA")
    out = intent(core, "sell", "10", reduce_only=True)
    delisted = core.known.but(delisted=frozenset({AAA}))
    euro = core.known.instruments[AAA].model_copy(update={"quote": "EUR", "settle": "EUR"})
    assert code(core, intent(core), reconciled=False) == "not_reconciled"
    assert code(core, out, reconciled=False) is None
    assert code(core, intent(core), delisted) == "unknown_instrument"
    assert code(core, out, delisted) is None
    assert code(core, replace(intent(core), instrument=euro)) == "no_conversion"
    assert gates.convertible(core.known, replace(out, instrument=euro), core.context) is None


@pytest.mark.parametrize(
    ("side", "stop", "target", "wanted"),
    [
        ("buy", "99.99", "100.01", None),
        ("buy", "100", None, "stop_absurd"),
        ("buy", "101", None, "stop_absurd"),
        ("buy", None, "100", "target_absurd"),
        ("buy", "100", "100", "stop_absurd"),
        ("sell", "100.01", "99.99", None),
        ("sell", "100", None, "stop_absurd"),
        ("sell", None, "100", "target_absurd"),
    ],
)
def test_a_level_at_the_price_is_on_the_wrong_side(
    side: str, stop: str | None, target: str | None, wanted: str | None
) -> None:
    core = Core()
    levels = {"stop_price": D(stop) if stop else None, "target_price": D(target) if target else None}
    found = gates.levels_sane(core.known, intent(core, side, **levels), core.context)
    assert (found and found.code) == wanted


def test_all_that_is_free_may_be_sold_and_not_one_more() -> None:
    core = Core()
    core.hold("AAA", "10")
    assert code(core, intent(core, "sell", "10", reduce_only=True)) is None
    assert code(core, intent(core, "sell", "11", reduce_only=True)) == "reduce_only"
    assert code(core, intent(core, "buy", "1", reduce_only=True)) == "reduce_only"
    assert code(core, intent(core, "sell", "10")) is None
    assert code(core, intent(core, "sell", "11")) == "short_not_allowed"
    core.leave("AAA", "100")
    assert code(core, intent(core, "sell", "1", reduce_only=True)) == "no_position"
    assert code(core, intent(core, "sell", "1")) == "short_not_allowed"


def test_a_detail_tells_how_much_is_free() -> None:
    core = Core()
    core.hold("AAA", "10")
    found = gates.covered(core.known, intent(core, "sell", "11"), core.context)
    assert found is not None
    assert found.detail.startswith("10 can be sold")
    found = gates.reduces(core.known, intent(core, "sell", "11", reduce_only=True), core.context)
    assert found is not None
    assert found.detail.endswith("10 can be sold")


@pytest.mark.parametrize(("open_", "reduce_only", "wanted"), [
    (1, False, None), (2, False, "max_open_orders"), (999, True, None), (1000, True, "max_open_orders"),
])  # fmt: skip
def test_entries_are_counted_against_the_setting_and_exits_against_what_fits(
    open_: int, reduce_only: bool, wanted: str | None
) -> None:
    core = Core(max_open_orders=2)
    orders = {f"{n:032}": limit(n, status=OrderStatus.ACKNOWLEDGED) for n in range(open_)}
    found = gates.order_count(
        core.known.but(orders=orders), intent(core, "sell" if reduce_only else "buy", reduce_only=reduce_only),
        core.context,
    )  # fmt: skip
    assert (found and found.code) == wanted
    assert found is None or found.detail.startswith(str(open_))


def test_a_proposal_made_far_from_the_price_was_made_on_something_else() -> None:
    core = Core({"price_band": {"wrong_side_bps": 1000}})
    assert gates.proposed_at(core.known, D(109), D(100)) is None
    found = gates.proposed_at(core.known, D(150), D(100))
    assert found is not None
    assert (found.code, found.detail) == ("price_absurd", "proposed at 150, the desk sees 100")


def test_the_first_gate_that_refuses_is_the_one_that_is_told() -> None:
    core = Core()
    state = core.known.but(status=DeskStatus.HALTED, delisted=frozenset({AAA}))
    asked = intent(core, stop_price=D(101))
    assert code(core, asked, state, reconciled=False) == "halted"
    assert code(core, asked, core.known.but(delisted=frozenset({AAA})), reconciled=False) == "not_reconciled"
    assert code(core, asked, core.known.but(delisted=frozenset({AAA}))) == "unknown_instrument"
    with_size = gates.check(state, asked, Context(NOW, core.marks), WITH_SIZE)
    assert with_size is not None
    assert with_size.code == "stop_absurd"
