"""The decoder of the sandbox's stream: gaps are told, bad messages are no failure, and nothing is reported twice."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model import OrderStatus, exact, ids
from shared.venues.sandbox_feed import MAX_CHARS, SandboxFeed

OURS = ids.digest("ours")


def fill(number: int = 1, qty: str = "4", **changes: Any) -> dict[str, Any]:
    body = {
        "fill_id": f"t{number}",
        "order_id": "o1",
        "client_id": OURS,
        "symbol": "AAA",
        "side": "buy",
        "qty": qty,
        "price": "99.95",
        "fee": "0.0001",
        "fee_asset": "USD",
        "ts_ms": 5,
    }
    return {**body, **changes}


def order(**changes: Any) -> dict[str, Any]:
    body = {
        "order_id": "o1",
        "client_id": OURS,
        "symbol": "AAA",
        "side": "buy",
        "kind": "limit",
        "status": "partly_filled",
        "qty": "10",
        "filled_qty": "4",
        "reason": "",
        "fills": [fill()],
        "a_field_of_tomorrow": True,
    }
    return {**body, **changes}


def update(seq: int, **changes: Any) -> str:
    return json.dumps({"type": "order", "seq": seq, "order": order(**changes)})


def hello(seq: int) -> str:
    return json.dumps({"type": "hello", "seq": seq})


def beat(seq: int) -> str:
    return json.dumps({"type": "heartbeat", "seq": seq, "wall_ms": 1})


def begun(seq: int = 0) -> SandboxFeed:
    feed = SandboxFeed("us")
    feed.read(hello(seq))
    return feed


def test_an_order_comes_with_its_fills() -> None:
    report = begun().read(update(1)).report
    assert report is not None
    assert (report.client_id, report.venue_order_id, report.status) == (OURS, "o1", OrderStatus.PARTLY_FILLED)
    (only,) = report.fills
    assert (only.instrument, exact.text(only.qty), exact.text(only.price)) == ("us:AAA", "4", "99.95")
    assert (exact.text(only.fee.amount), only.fee.asset) == ("0.0001", "USD")


def test_an_order_of_another_hand_has_a_name_of_its_own() -> None:
    feed = begun()
    named = [
        feed.read(update(seq, client_id=client_id, fills=[fill(client_id=client_id)])).report
        for seq, client_id in enumerate((None, "my-own-bot", None), 1)
    ]
    names = {report.client_id for report in named if report}
    assert len(names) == 1
    assert names != {OURS}


def test_the_first_message_says_whether_something_was_missed() -> None:
    feed = SandboxFeed("us")
    assert feed.read(hello(7)).gap, "what was before is not known"
    assert not feed.read(hello(7)).gap
    assert feed.read(hello(9)).gap
    assert feed.read(hello(0)).gap, "a stream that counts anew"
    assert not feed.read(update(1)).gap


def test_a_heartbeat_shows_what_was_lost() -> None:
    feed = begun(3)
    assert feed.read(beat(3)) == (None, False, "")
    assert feed.read(beat(4)).gap
    assert not feed.read(beat(4)).gap


@given(st.lists(st.integers(1, 12), max_size=30))
def test_a_gap_is_told_whenever_a_number_was_jumped_and_no_number_is_used_twice(numbers: list[int]) -> None:
    feed, known, used = begun(), 0, []
    for seq in numbers:
        news = feed.read(update(seq))
        assert (news.report is not None) == (seq > known)
        assert news.gap == (seq > known + 1)
        used += [seq] if news.report else []
        known = max(known, seq)
    assert used == sorted(set(used))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[" * 100_000,
        '{"type": "order"',
        '{"type": "dance", "seq": 1}',
        '{"type": "hello"}',
        '{"type": "hello", "seq": -1}',
        '{"type": "hello", "seq": "1"}',
        '{"type": "order", "seq": 1}',
        update(1, fills=[]),
        update(1, fills=[fill(), fill()], filled_qty="8"),
        update(1, fills=[fill(qty="-4")]),
        update(1, fills=[fill(price="NaN")]),
        update(1, fills=[fill(price=99.95)]),
        update(1, fills=[fill(order_id="o2")]),
        update(1, fills=[fill(side="sell")]),
        update(1, status="filled"),
        update(1, status="open", filled_qty="10", fills=[fill(qty="10")]),
        update(1, symbol="../../etc"),
        update(1, order_id=""),
        "x" * (MAX_CHARS + 1),
    ],
)
def test_what_cannot_be_read_is_a_gap(text: str) -> None:
    news = begun().read(text)
    assert news.gap
    assert news.problem
    assert news.report is None


@given(st.text() | st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_no_text_raises(text: str) -> None:
    assert SandboxFeed("us").read(text).gap


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5), st.lists, max_leaves=5
)


@given(st.sampled_from(sorted(order())), JSON)
def test_no_field_of_an_order_raises(name: str, value: Any) -> None:
    news = begun().read(update(1, **{name: value}))
    assert news.report is not None or news.gap
