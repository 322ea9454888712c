"""The life of an order: the table is what docs/desk.md says, every other move raises, and the rules never make one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.desk import commands, orders
from shared.desk import events as ev
from shared.desk.context import Context
from shared.desk.decide import decide
from shared.desk.orders import CLOSED, OPEN, TABLE, client_id_of, project
from shared.desk.state import DeskState, DeskStatus
from shared.errors import Refused
from shared.model import Cause, Fill, Money, Order, OrderKind, OrderStatus, Side
from shared.venues.venue import Offers, OrderReport
from tests.unit.desk.bench import DAY, NOW, T0, Bench
from tests.unit.desk.native_sql import ROOT

S = OrderStatus
D = Decimal
NAME, NEW = "a" * 32, "b" * 32
TEXT = (ROOT / "docs" / "desk.md").read_text()
SECTION = TEXT.split("## The states of an order\n", 1)[1].split("\n## ", 1)[0]


def rows() -> list[str]:
    """The table as the document has it: states that an event makes the same of stand in one row."""
    found = []
    for event, moves in TABLE.items():
        grouped: dict[str, list[str]] = {}
        for before, after in moves.items():
            became = ", ".join(status.value for status in S if status in after)
            grouped.setdefault(became, []).append("no order yet" if before is None else before.value)
        found += [f"| `{event.kind}` | {', '.join(before)} | {became} |" for became, before in grouped.items()]
    return found


def test_the_document_has_the_table_and_nothing_else() -> None:
    assert [line for line in SECTION.splitlines() if line.startswith("| `")] == rows()


def test_the_drawing_is_the_same_in_document_and_code_and_shows_every_state() -> None:
    drawing = [line for line in (orders.__doc__ or "").splitlines() if line.startswith("    ")]
    assert "\n".join(drawing) in SECTION.replace("\n\n", "\n")
    for status in S:
        assert status.value in "\n".join(drawing)


def test_every_state_is_open_or_closed_and_created_waits() -> None:
    assert {*OPEN, *CLOSED, S.CREATED} == set(S)
    assert all(status.is_open for status in OPEN)
    assert not any(status.is_open for status in CLOSED)


def order(status: S = S.INTENDED, **changes: Any) -> Order:
    fields: dict[str, Any] = {
        "client_id": NAME,
        "instrument": "us:AAA",
        "side": Side.BUY,
        "kind": OrderKind.MARKET,
        "qty": D(10),
        "cause": Cause.MANUAL,
        "by": "test",
        "reference_price": D(100),
        "market_ms": T0,
        "intended_ms": NOW,
        "status": status,
    }
    return Order(**{**fields, **changes})


def fill(qty: str = "4", fill_id: str = "f") -> Fill:
    return Fill(
        fill_id=fill_id,
        client_id=NAME,
        instrument="us:AAA",
        side=Side.BUY,
        qty=D(qty),
        price=D(100),
        fee=Money(amount=D(1), asset="USD"),
        ts_ms=T0 + DAY,
    )


EVENTS: tuple[ev.Event, ...] = (
    ev.ReplacementIntended(client_id=NEW, order=order(S.CREATED)),
    ev.ReplacementDropped(client_id=NEW, order_id=NAME, code="filled", detail=""),
    ev.OrderIntended(order=order()),
    ev.OrderSent(client_id=NAME),
    ev.OrderAcknowledged(client_id=NAME, venue_order_id="v"),
    ev.OrderUnknown(client_id=NAME, reason="x"),
    ev.OrderNotFound(client_id=NAME),
    ev.OrderFilled(fill=fill(), value=D(400), status=S.PARTLY_FILLED),
    ev.OrderCancelRequested(client_id=NAME, by="me", reason="x"),
    ev.OrderCancelled(client_id=NAME, reason="x"),
    ev.OrderExpired(client_id=NAME, reason="x"),
    ev.OrderRejected(client_id=NAME, code="x"),
)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.kind)
@pytest.mark.parametrize("before", [None, *S])
def test_a_move_is_in_the_table_or_raises(event: ev.Event, before: S | None) -> None:
    there = None if before is None else order(before, filled_qty=D(10) if before is S.FILLED else D(0))
    legal = TABLE[type(event)].get(before)
    if isinstance(event, ev.OrderFilled) and legal is not None and S.PARTLY_FILLED not in legal:
        event = event.model_copy(update={"status": before})
    if legal is None:
        with pytest.raises(ValueError, match=event.kind):
            project(there, event)
    else:
        assert project(there, event).status in legal


def test_every_event_about_an_order_stands_in_the_table() -> None:
    assert {type(event) for event in EVENTS} == set(TABLE)


def test_a_fill_that_says_what_cannot_be_raises() -> None:
    with pytest.raises(ValueError, match="order_filled"):
        project(order(S.ACKNOWLEDGED), ev.OrderFilled(fill=fill(), value=D(1), status=S.REJECTED))


reports = st.builds(
    OrderReport,
    client_id=st.just(NAME),
    venue_order_id=st.sampled_from([None, "v", "w"]),
    status=st.sampled_from(S),
    fills=st.lists(
        st.sampled_from([fill(q, f"f{n}") for n in range(3) for q in ("1", "4", "9", "30")]), max_size=3
    ).map(lambda fills: tuple({each.fill_id: each for each in fills}.values())),
    reason=st.sampled_from(["", "good_till", "x"]),
)
told = st.one_of(
    reports.map(commands.Reported),
    st.sampled_from(
        [
            commands.Sending(NAME),
            commands.Unanswered(NAME, "x"),
            commands.TurnedDown(NAME, "x", ""),
            commands.NotKnown(NAME),
            commands.Cancel(NAME, "me"),
            commands.Resolve(NAME, "me", True, "x", "v"),
            commands.Resolve(NAME, "me", False, "x"),
            commands.Replace(NAME, NEW, "me", D(20)),
            commands.HaltDesk("me", "x"),
            commands.Wake(),
        ]
    ),
)


def base() -> DeskState:
    state: DeskState = Bench().state
    return state


STATE = base()
UNFILLED = (S.CREATED, S.INTENDED, S.SENT, S.ACKNOWLEDGED)


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(S),
    st.integers(0, 9),
    st.lists(told, min_size=1, max_size=6),
    st.booleans(),
    st.booleans(),
    st.sampled_from(DeskStatus),
)
def test_whatever_is_said_the_rules_make_legal_moves_alone(
    status: S, filled: int, story: list[Any], rests: bool, keeps_ids: bool, desk: DeskStatus
) -> None:
    terms: dict[str, Any] = {"kind": OrderKind.LIMIT, "limit_price": D(100)} if rests else {}
    part = 10 if status is S.FILLED else 0 if status in UNFILLED else filled
    now = order(status, filled_qty=D(part), replaces=NEW, **terms)
    known: set[str] = set()
    for command in story:
        state = STATE.but(orders={NAME: now} if now.status in OPEN else {}, status=desk)
        context = Context(
            now_ms=NOW, marks={}, prior=now, known_fills=frozenset(known), offers=Offers(client_ids=keeps_ids)
        )
        try:
            found = decide(state, command, context)
        except Refused:
            continue
        for event in found:
            if client_id_of(event) == NAME:
                now = project(now, event)
            if isinstance(event, ev.OrderFilled):
                known.add(event.fill.fill_id)
        assert 0 <= now.filled_qty <= now.qty
