"""Ledger against venue by one answer at a time: which differences there are, what they are called, and when they count."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from shared.desk import commands, reconcile
from shared.desk import events as ev
from shared.desk.looking import AGAIN_MS, EVERY_MS, OVERLAP_MS, ROUNDS, STANDING_MS
from shared.desk.state import Difference, Reduction
from shared.desk.timers import backoff_ms
from shared.errors import Conflict
from shared.model import Fill, Money, OrderStatus, Side, ids
from shared.venues.venue import AccountView, OrderReport
from tests.unit.desk.bench import NOW, Bench, candle, opening, run
from tests.unit.desk.faulty import FaultyVenue
from tests.unit.desk.protections.core import Core
from tests.unit.desk.remote import down, far, held, look
from tests.unit.desk.test_state import AAA, limit

D = Decimal
BBB = "us:BBB"
OPEN = OrderStatus.ACKNOWLEDGED


def view(core: Core, **changes: Any) -> AccountView:
    """What the venue says of a desk with which it agrees."""
    positions = {name: each.qty for name, each in core.known.positions.items()}
    return AccountView((), (), positions, dict(core.known.cash))._replace(**changes)


def looked(account: AccountView, **changes: Any) -> commands.Looked:
    known: dict[str, Any] = {
        "known_orders": {},
        "touched": frozenset(),
        "seen_before": frozenset(),
        "whole": True,
        **changes,
    }
    return commands.Looked(account=account, **known)


def holding() -> Core:
    core = Core()
    core.hold("AAA", "10")
    return core


def differences(core: Core, account: AccountView, **changes: Any) -> list[tuple[str, str, str, str, str]]:
    found = reconcile.compare(core.known, looked(account, **changes)).values()
    return [(each.difference, each.subject, each.ours, each.theirs, each.detail) for each in found]


def test_what_agrees_differs_in_nothing() -> None:
    core = holding()
    assert differences(core, view(core)) == []
    assert differences(core, view(core, positions=None, balances={"USD": D(99_000), "AAA": D(10)})) == []
    assert differences(core, view(core, positions=None, balances=None)) == []


def test_positions_and_balances_are_told_by_how_much() -> None:
    core = holding()
    account = view(core, positions={AAA: D(8), BBB: D(3), "us:ZZZ": D(9)}, balances={"USD": D("99000.5"), "ZZZ": D(9)})
    assert differences(core, account) == [
        ("position", AAA, "10", "8", "the venue has 2 less"),
        ("position", BBB, "0", "3", "the venue has 3 more"),
        ("balance", "USD", "99000", "99000.5", "the venue has 0.5 more"),
    ]
    # what is under way in one instrument may move it and any balance, and no other position
    assert differences(core, account, touched=frozenset({AAA})) == [("position", BBB, "0", "3", "the venue has 3 more")]
    assert [each[:4] for each in differences(core, view(core, positions={}, balances={}))] == [
        ("position", AAA, "10", "0"),
        ("balance", "USD", "99000", "0"),
    ]


def test_a_difference_has_one_name_while_both_sides_trade_on() -> None:
    core = holding()
    (name,) = reconcile.compare(core.known, looked(view(core, positions={AAA: D(8)})))
    assert name == ids.digest("difference", "alpha", "position", AAA, "the venue has 2 less")
    core.leave("AAA", "100")
    core.hold("AAA", "5")
    assert set(reconcile.compare(core.known, looked(view(core, positions={AAA: D(3)})))) == {name}
    (other,) = reconcile.compare(core.known, looked(view(core, positions={AAA: D(2)})))
    assert other != name


def test_orders_that_are_open_there_and_not_here_differ() -> None:
    core = holding()
    mine, over = limit(1, status=OPEN), limit(2, status=OrderStatus.CANCELLED)
    core.state = core.known.but(orders={mine.client_id: mine})
    reports = (
        OrderReport(mine.client_id, "v1", OPEN),
        OrderReport(over.client_id, "v2", OPEN),
        OrderReport("c" * 32, "v3", OPEN),
        OrderReport("d" * 32, None, OPEN),
        OrderReport("e" * 32, "v5", OrderStatus.FILLED),
    )
    account = view(core, orders=reports)
    known = {"known_orders": {each.client_id: each for each in (mine, over)}}
    found = differences(core, account, **known)
    assert [each[:4] for each in found] == [
        ("closed_order", "v2", "cancelled", "open"),
        ("foreign_order", "v3", "none", "open"),
        ("foreign_order", "d" * 32, "none", "open"),
    ]
    assert over.client_id in found[0][4]
    assert [each[0] for each in differences(core, account, **known, touched=frozenset({AAA}))] == ["foreign_order"] * 2
    names = set(reconcile.compare(core.known, looked(account, **known)))
    assert ids.digest("difference", "alpha", "foreign_order", "v3", "none", "open") in names


# --- when it counts ---


def told(core: Core, command: commands.Looked) -> list[tuple[str, ...]]:
    found = reconcile.looked(core.known, command, core.context)
    return [(e.kind, getattr(e, "how", getattr(e, "difference", getattr(e, "code", "")))) for e in found]


def test_a_difference_counts_at_once_or_when_it_is_seen_twice() -> None:
    core = holding()
    account = view(core, positions={AAA: D(8)})
    (name,) = reconcile.compare(core.known, looked(account))
    counted = [("difference_found", "position")]
    assert told(core, looked(account)) == counted
    assert told(core, looked(account, whole=False)) == []
    assert told(core, looked(account, whole=False, seen_before=frozenset({name}))) == counted
    rests = limit(1, status=OPEN, instrument=BBB)
    core.state = core.known.but(orders={rests.client_id: rests})
    assert told(core, looked(account)) == []
    assert told(core, looked(account, seen_before=frozenset({name}))) == counted


def standing(core: Core, kind: str, subject: str) -> Core:
    was = Difference(kind=kind, subject=subject, ours="10", theirs="8", detail="x", found_ms=1)
    reduction = Reduction(reason="x", by="desk", since_ms=1)
    core.state = core.known.but(differences={"d" * 32: was}, reductions={reconcile.CODE: reduction})
    return core


@pytest.mark.parametrize(
    ("kind", "subject", "changes", "command", "gone"),
    [
        ("position", AAA, {}, {}, True),
        ("position", AAA, {"positions": None, "balances": None}, {}, False),
        ("position", AAA, {}, {"touched": frozenset({AAA})}, False),
        ("position", AAA, {}, {"touched": frozenset({BBB})}, True),
        ("balance", "USD", {}, {}, True),
        ("balance", "USD", {"balances": None}, {}, False),
        ("balance", "USD", {}, {"touched": frozenset({BBB})}, False),
        ("foreign_order", "v3", {}, {"touched": frozenset({BBB})}, True),
        ("closed_order", "v2", {}, {}, True),
        ("closed_order", "v2", {}, {"touched": frozenset({BBB})}, False),
    ],
)
def test_a_difference_goes_by_a_look_that_could_have_seen_it(
    kind: str, subject: str, changes: dict[str, Any], command: dict[str, Any], gone: bool
) -> None:
    core = standing(holding(), kind, subject)
    found = told(core, looked(view(core, **changes), **command))
    assert found == ([("difference_resolved", "agreed"), ("reduction_lifted", "unreconciled")] if gone else [])
    if gone:
        assert told(core, looked(view(core, **changes), **command, whole=False)) == [("difference_resolved", "agreed")]


def test_a_difference_of_another_amount_takes_the_place_of_the_one_before() -> None:
    core = standing(holding(), "position", AAA)
    found = told(core, looked(view(core, positions={AAA: D(3)})))
    assert found == [("difference_resolved", "changed"), ("difference_found", "position")]


# --- fills of nobody ---


def foreign(**changes: Any) -> Fill:
    fee = Money(amount=D(1), asset="USD")
    fill = Fill(
        fill_id="f9", client_id="c" * 32, instrument=AAA, side=Side.SELL, qty=D(4), price=D(90), fee=fee, ts_ms=NOW
    )
    return fill.model_copy(update=changes)


def test_a_fill_of_nobody_is_booked_and_explained() -> None:
    core = holding()
    fill = foreign()
    account = view(core, fills=(fill,), positions={AAA: D(6)}, balances={"USD": D(99_359)})
    found, booked, resolved = reconcile.looked(core.known, looked(account), core.context)
    why = f"the venue filled sell 4 at 90 for the order {'c' * 32}, which this desk did not place"
    name = ids.digest("difference", "alpha", "foreign_fill", "f9")
    assert found == ev.DifferenceFound(
        id=name, difference="foreign_fill", subject=AAA, ours="none", theirs="sell 4 at 90", detail=why
    )
    assert booked == ev.FillFound(
        fill_id="f9",
        instrument=AAA,
        side=Side.SELL,
        qty=D(4),
        price=D(90),
        fee=fill.fee,
        ts_ms=NOW,
        value=D(360),
        explanation=why,
    )
    assert resolved == ev.DifferenceResolved(id=name, how="explained", by="desk", reason=why)


@pytest.mark.parametrize(
    ("fill", "command", "known"),
    [
        (foreign(), {"known_orders": {"c" * 32: limit(1)}}, frozenset()),
        (foreign(), {}, frozenset({"f9"})),
        (foreign(instrument="us:ZZZ"), {}, frozenset()),
        (foreign(), {"touched": frozenset({AAA})}, frozenset()),
    ],
)
def test_what_may_be_somebodys_or_is_booked_is_not_booked_again(
    fill: Fill, command: dict[str, Any], known: frozenset[str]
) -> None:
    core = holding()
    context = core.context.__class__(core.now_ms, core.marks, known_fills=known)
    assert reconcile.looked(core.known, looked(view(core, fills=(fill,)), **command), context) == []


def test_the_reduction_names_five_at_most() -> None:
    core = Core()
    each = [Difference(kind="balance", subject=f"A{n}", ours="1", theirs="2", detail="x", found_ms=1) for n in range(7)]
    five = core.known.but(differences={str(n): was for n, was in enumerate(each[:5])})
    seven = core.known.but(differences={str(n): was for n, was in enumerate(each)})
    names = ", ".join(f"balance of A{n}" for n in range(5))
    for state, more in ((five, ""), (seven, " and 2 more")):
        (reduced,) = reconcile.due(state, core.context)
        assert isinstance(reduced, ev.Reduced)
        assert (reduced.code, reduced.by) == ("unreconciled", "desk")
        assert reduced.reason == f"ledger and venue differ: {names}{more}"
    (failed,) = reconcile.look_failed(core.known, commands.LookFailed("no answer"), core.context)
    assert isinstance(failed, ev.Reduced)
    assert (failed.code, failed.by, failed.reason.endswith("no answer")) == ("unreconciled", "desk", True)


# --- a person's word ---


@pytest.mark.parametrize(("theirs", "cost"), [
    ("4", "-600"), ("10", "0"), ("13", "330"), ("0", "-1000"), ("-2", "-1220"),
])  # fmt: skip
def test_a_position_taken_over_keeps_its_cost_and_takes_more_at_the_price(theirs: str, cost: str) -> None:
    core = standing(holding(), "position", AAA)
    core.mark("AAA", "110")
    was = core.known.differences["d" * 32].model_copy(update={"theirs": theirs})
    state = core.known.but(differences={"d" * 32: was})
    adjusted, resolved = reconcile.accept(state, commands.Accept("d" * 32, "me", "so be it"), core.context)
    assert isinstance(adjusted, ev.LedgerAdjusted)
    assert (adjusted.instrument, adjusted.asset, adjusted.qty) == (AAA, None, D(theirs) - 10)
    assert (adjusted.cost, adjusted.by, adjusted.reason) == (D(cost), "me", "so be it")
    assert resolved == ev.DifferenceResolved(id="d" * 32, how="accepted", by="me", reason="so be it")


def test_what_cannot_be_taken_over_says_what_it_is() -> None:
    core = standing(holding(), "foreign_order", "v3")
    with pytest.raises(Conflict) as caught:
        core.run(commands.Accept("d" * 32, "me", "x"))
    assert (caught.value.error_code, caught.value.context) == ("not_acceptable", {"kind": "foreign_order"})
    core = standing(holding(), "position", AAA)
    was = core.known.differences["d" * 32].model_copy(update={"theirs": "12"})
    core.state = core.known.but(differences={"d" * 32: was})
    core.marks.clear()
    with pytest.raises(Conflict) as unpriced:
        core.run(commands.Accept("d" * 32, "me", "x"))
    assert (unpriced.value.error_code, unpriced.value.context) == ("no_price", {"instrument": AAA})


# --- when it is looked ---


def wait_ms(bench: Any) -> int:
    ((due_ms,),) = bench.sql.rows("SELECT due_ms FROM timers WHERE name = 'look'")
    return int(due_ms) - int(bench.clock.now_ms())


def test_how_soon_it_is_looked_again() -> None:
    assert (EVERY_MS, STANDING_MS, AGAIN_MS, OVERLAP_MS, ROUNDS) == (300_000, 30_000, 2000, 600_000, 3)
    bench = far()
    assert look(bench)
    assert wait_ms(bench) == EVERY_MS
    held(bench)
    bench.remote.positions[AAA] += 1
    look(bench)
    assert wait_ms(bench) == STANDING_MS
    bench.remote.positions[AAA] -= 1
    assert look(bench)
    assert wait_ms(bench) == EVERY_MS
    for number in range(3):
        bench.remote.trouble.extend(down())
        assert not look(bench)
        assert wait_ms(bench) == backoff_ms(number)
        assert bench.call("reconciliation")["failing"] == "no answer"
    assert look(bench)
    assert bench.call("reconciliation")["failing"] is None
    bench.remote.trouble.extend(down())
    look(bench)
    assert wait_ms(bench) == backoff_ms(0)


def test_what_is_seen_once_while_orders_are_open_is_looked_at_soon_and_then_ever_later() -> None:
    bench = far()
    held(bench)
    bench.place("BBB", "buy", "1", kind="limit", limit_price="90")
    assert look(bench)
    waits = []
    for number in range(7):
        # another amount each time: it never stands still for long enough to count
        bench.remote.positions[AAA] = D(10 + number + 1)
        look(bench)
        waits.append(wait_ms(bench))
    assert waits == [2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]
    assert bench.state.differences == {}
    bench.remote.positions[AAA] = D(10)
    assert look(bench)
    bench.remote.positions[AAA] = D(11)
    look(bench)
    assert wait_ms(bench) == 2000


def test_fills_are_asked_for_from_a_while_before_the_newest_that_is_known() -> None:
    bench = far()
    bench.bars(candle("AAA", 1, "100"))
    opened_ms = bench.state.opened_ms
    assert set(bench.remote.since) == {opened_ms}
    held(bench, "1")
    newest_ms = NOW + 10 * OVERLAP_MS
    bench.remote.trade("c" * 32, "AAA", "buy", "1", "100", ts_ms=newest_ms)
    bench.remote.trade("c" * 32, "AAA", "buy", "1", "100", ts_ms=newest_ms - 1)
    for _ in range(2):
        look(bench)
    bench.remote.since.clear()
    look(bench)
    assert set(bench.remote.since) == {newest_ms - OVERLAP_MS}
    assert bench.state.position(AAA).qty == 3
    bench.reborn()
    look(bench)
    assert set(bench.remote.since) == {newest_ms - OVERLAP_MS}


def test_before_the_first_look_nothing_is_known_and_nothing_has_failed() -> None:
    bench = Bench(opened=False)
    run(bench.desk.open(opening()))
    found = bench.call("reconciliation")
    assert (found["looked_ms"], found["failing"], found["clean"]) == (None, None, False)


def test_a_paper_desk_is_asked_for_all_that_it_ever_filled() -> None:
    class Asked(FaultyVenue):
        async def account(self, since_ms: int) -> AccountView:
            asked.append(since_ms)
            return await super().account(since_ms)

    asked: list[int] = []
    look(Bench(venue=Asked))
    assert set(asked) == {0}
