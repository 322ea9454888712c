"""What a person takes over of the venue's side, and that money adds up whatever the venue says."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.desk import commands, reconcile
from shared.desk import events as ev
from shared.desk.apply import apply
from shared.desk.context import Context
from shared.desk.state import DeskState
from shared.errors import Conflict, NotFound, VenueUnavailable
from shared.model import Fill, Money, OrderStatus, Side, ids
from shared.venues.venue import AccountView, OrderReport
from tests.unit.desk.bench import NOW, Bench, candle
from tests.unit.desk.remote import bodies, conserved, down, far, held, look

D = Decimal


# --- a person's word ---


def accept(bench: Bench, key: str = "a1") -> dict[str, Any]:
    (name,) = bench.state.differences
    return bench.call("accept", difference=name, reason="a dividend", by="edk_me", idempotency_key=key)


def test_a_balance_is_taken_over_and_the_desk_goes_on() -> None:
    bench = far()
    bench.remote.balances["USD"] -= D("12.5")
    look(bench)
    assert accept(bench) == {"seq": bench.state.seq - 1}
    assert bench.state.cash["USD"] == D("99987.5")
    assert bench.state.adjusted == {"USD": D("-12.5")}
    adjusted, resolved = bodies(bench, "ledger_adjusted")[-1], bodies(bench, "difference_resolved")[-1]
    assert (adjusted["by"], adjusted["reason"]) == ("edk_me", "a dividend")
    assert (resolved["how"], resolved["by"], resolved["reason"]) == ("accepted", "edk_me", "a dividend")
    assert bench.kinds()[-1] == "reduction_lifted"
    conserved(bench.state)
    assert bench.place("BBB", "buy", "1")["status"] == "intended"


def test_the_same_acceptance_again_changes_nothing_and_answers_the_same() -> None:
    bench = far()
    bench.remote.balances["USD"] += 1
    look(bench)
    (name,) = bench.state.differences
    body = {"difference": name, "reason": "x", "by": "me", "idempotency_key": "k"}
    first, before = bench.call("accept", **body), bench.kinds()
    assert bench.call("accept", **body) == first
    assert bench.kinds() == before
    with pytest.raises(NotFound) as caught:
        bench.call("accept", **{**body, "idempotency_key": "k2"})
    assert caught.value.error_code == "difference_not_found"


def test_nothing_is_taken_over_that_cannot_be_looked_at_or_is_not_so_any_more() -> None:
    bench = far()
    bench.remote.balances["USD"] += 1
    look(bench)
    bench.remote.trouble.extend(down())
    with pytest.raises(VenueUnavailable):
        accept(bench)
    bench.remote.balances["USD"] -= 1
    with pytest.raises(NotFound):
        accept(bench)
    assert bench.state.adjusted == {}


@pytest.mark.parametrize(
    ("there", "qty", "cost", "adjusted"),
    [
        ("4", "4", "400", "-600"),
        ("0", "0", "0", "-1000"),
        ("13", "13", "1330", "330"),
        ("-2", "-2", "-220", "-1220"),
    ],
)
def test_a_position_is_taken_over_at_its_cost_and_what_is_more_at_the_mark(
    there: str, qty: str, cost: str, adjusted: str
) -> None:
    bench = far()
    held(bench)
    bench.bars(candle("AAA", 1, "110"))
    bench.remote.positions["us:AAA"] = D(there)
    look(bench)
    accept(bench)
    position = bench.state.position("us:AAA")
    assert (position.qty, position.cost) == (D(qty), D(cost))
    assert bench.state.adjusted["USD"] == D(adjusted)
    conserved(bench.state)
    assert look(bench)


def test_more_of_what_has_no_price_is_not_taken_over() -> None:
    bench = far()
    bench.remote.positions["us:CCC"] = D(1)
    look(bench)
    with pytest.raises(Conflict) as caught:
        accept(bench)
    assert caught.value.error_code == "no_price"


# --- the rules alone ---

NAMES = ("us:AAA", "us:BBB")
MONEY = st.integers(-500, 500).map(lambda n: D(n) / 8)
FILLS = st.lists(
    st.builds(
        Fill,
        fill_id=st.integers(0, 30).map(str),
        client_id=st.just(ids.digest("nobody")),
        instrument=st.sampled_from(NAMES),
        side=st.sampled_from(Side),
        qty=st.integers(1, 40).map(D),
        price=st.integers(1, 4000).map(lambda n: D(n) / 16),
        fee=st.integers(0, 50).map(lambda n: Money(amount=D(n) / 10, asset="USD")),
        ts_ms=st.just(NOW),
    ),
    max_size=5,
    unique_by=lambda fill: fill.fill_id,
)
VIEWS = st.builds(
    AccountView,
    orders=st.lists(
        st.sampled_from([OrderReport(ids.digest(n), f"v{n}", OrderStatus.ACKNOWLEDGED) for n in range(3)]), unique=True
    ).map(tuple),
    fills=FILLS.map(tuple),
    positions=st.none() | st.dictionaries(st.sampled_from(NAMES), st.integers(-50, 50).map(D)),
    balances=st.none() | st.dictionaries(st.sampled_from(["USD", "AAA", "BBB"]), MONEY),
)
TOUCHED = st.frozensets(st.sampled_from(NAMES))
START = far().state
MARKS = far().desk.engine.market.marks


def played(state: DeskState, events: list[ev.Event]) -> DeskState:
    for event in events:
        state = apply(state, ev.read(event.kind, event.v, event.model_dump_json()), NOW)
    return state


def step(state: DeskState, view: AccountView, known: set[str], **more: Any) -> tuple[DeskState, commands.Looked]:
    command = commands.Looked(account=view, known_orders={}, **more)
    state = played(state, reconcile.looked(state, command, Context(NOW, MARKS, known_fills=frozenset(known))))
    known |= {fill.fill_id for fill in view.fills if fill.instrument not in command.touched}
    return state, command


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(VIEWS, TOUCHED, st.booleans()), max_size=5), st.data())
def test_money_is_conserved_whatever_the_venue_says_and_a_person_accepts(
    looks: list[tuple[AccountView, frozenset[str], bool]], data: st.DataObject
) -> None:
    state, known, seen = START, set[str](), frozenset[str]()
    for view, touched, person in looks:
        state, command = step(state, view, known, touched=touched, seen_before=seen, whole=not touched)
        seen = frozenset(reconcile.compare(state, command))
        conserved(state)
        choices = [name for name, each in state.differences.items() if each.kind in ("position", "balance")]
        if person and choices:
            name = data.draw(st.sampled_from(sorted(choices)))
            word = commands.Accept(name, "me", "so it is")
            state = played(state, reconcile.accept(state, word, Context(NOW, MARKS)))
            conserved(state)
            assert name not in reconcile.compare(state, command)


@settings(max_examples=150, deadline=None)
@given(VIEWS, TOUCHED)
def test_looking_at_the_same_twice_adds_nothing(view: AccountView, touched: frozenset[str]) -> None:
    known = set[str]()
    once, command = step(START, view, known, touched=touched, whole=not touched)
    seen = frozenset(reconcile.compare(once, command))
    twice, _ = step(once, view, known, touched=touched, seen_before=seen, whole=not touched)
    again = commands.Looked(view, {}, touched, seen, not touched)
    assert reconcile.looked(twice, again, Context(NOW, MARKS, known_fills=frozenset(known))) == []
    assert twice.differences.keys() == reconcile.compare(twice, again).keys()


@settings(max_examples=100, deadline=None)
@given(VIEWS)
def test_what_is_accepted_agrees_at_the_next_look(view: AccountView) -> None:
    view = view._replace(orders=())
    known = set[str]()
    state, command = step(START, view, known)
    while state.differences:
        name = min(state.differences)
        state = played(state, reconcile.accept(state, commands.Accept(name, "me", "x"), Context(NOW, MARKS)))
    assert reconcile.compare(state, command) == {}
    conserved(state)
