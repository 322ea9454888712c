"""The order's state machine against the small model, from every state that can be reached and with every word."""

from __future__ import annotations

from decimal import Decimal

import hypothesis.strategies as st
import pytest
from hypothesis import given

from shared.desk import events as ev
from shared.desk.orders import project
from shared.model import Cause, Fill, Money, Order, OrderKind, OrderStatus, Side
from tests.simulation.model.orders import CLOSED, LOTS, OPEN, WORDS, Life, makes_sense, reachable, said

NAME = "a" * 32
EVERY = sorted(reachable())


def order_of(life: Life) -> Order | None:
    if not life.status:
        return None
    return Order(
        client_id=NAME,
        instrument="us:AAA",
        side=Side.BUY,
        kind=OrderKind.MARKET,
        qty=Decimal(LOTS),
        cause=Cause.MANUAL,
        by="me",
        reference_price=Decimal(10),
        market_ms=0,
        intended_ms=0,
        status=OrderStatus(life.status),
        filled_qty=Decimal(life.filled),
        filled_value=Decimal(10 * life.filled),
        venue_order_id="v1" if life.named else None,
    )


def life_of(order: Order) -> Life:
    return Life(order.status.value, int(order.filled_qty), order.venue_order_id is not None)


def fill_event(life: Life, word: str) -> ev.OrderFilled:
    """A fill as the rules write it: the status that the order has afterwards stands in the event."""
    qty = Decimal(1) if word == "fill_part" else Decimal(max(1, LOTS - life.filled))
    after = said(life, word)
    status = OrderStatus(after.status) if after is not None else OrderStatus.PARTLY_FILLED
    fill = Fill(
        fill_id="f1",
        client_id=NAME,
        instrument="us:AAA",
        side=Side.BUY,
        qty=qty,
        price=Decimal(10),
        fee=Money(amount=Decimal(0), asset="USD"),
        ts_ms=0,
    )
    return ev.OrderFilled(fill=fill, value=10 * qty, status=status)


def event_of(life: Life, word: str) -> ev.Event:
    if word in ("fill_part", "fill_rest"):
        return fill_event(life, word)
    kind = ev.KINDS[word]
    new = order_of(Life("intended"))
    given_: dict[str, object] = {
        "client_id": NAME,
        "order_id": NAME,
        "order": new,
        "by": "me",
        "reason": "said",
        "code": "said",
        "detail": "",
        "venue_order_id": "v1",
    }
    return kind(**{name: given_[name] for name in kind.model_fields if name in given_})


def test_the_model_reaches_every_state() -> None:
    assert {life.status for life in EVERY} == {"", "created", *OPEN, *CLOSED} == {"", *(s.value for s in OrderStatus)}


@pytest.mark.parametrize("word", WORDS)
def test_every_word_does_in_every_state_what_the_model_says(word: str) -> None:
    for life in EVERY:
        if not makes_sense(life, word):
            continue
        expected = said(life, word)
        try:
            got = life_of(project(order_of(life), event_of(life, word)))
        except ValueError:
            assert expected is None, f"{word} is refused of {life}"
        else:
            assert got == expected, f"{word} of {life}"


def test_no_state_is_a_trap() -> None:
    """From every open state some words of the venue end it; a closed one is left only by the fill that completes it."""
    for life in EVERY:
        after = {word: said(life, word) for word in WORDS}
        if life.status in OPEN:
            assert any(each is not None and each.status in CLOSED for each in after.values())
        if life.status in CLOSED:
            assert {each.status for each in after.values() if each is not None} <= {life.status, "filled"}


@given(st.lists(st.sampled_from(WORDS), max_size=30))
def test_any_sequence_of_words_keeps_model_and_desk_together(words: list[str]) -> None:
    life, order = Life(), order_of(Life())
    for word in words:
        expected = said(life, word)
        if not makes_sense(life, word):
            continue
        try:
            order = project(order, event_of(life, word))
        except ValueError:
            assert expected is None
        else:
            assert expected is not None
            life = expected
            assert life_of(order) == life
