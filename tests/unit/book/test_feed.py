from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.book.feed import MAX_CHARS, Depth, Heartbeat, Malformed, parse
from tests.unit.book.support import beat, depth

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


def test_a_depth_and_a_heartbeat() -> None:
    assert parse(depth("AAPL", 3, "1.50", "2")) == Depth("AAPL", 3, 1_070_323_200_003, [["1.50", "5"]], [["2", "7"]])
    assert parse(beat()) == Heartbeat(1_070_323_200_000, 1_700_000_000_000)


@given(st.text())
def test_any_text_is_read_without_an_exception(text: str) -> None:
    assert isinstance(parse(text), Malformed)


@given(json_values)
def test_any_json_is_read_without_an_exception(value: object) -> None:
    parse(json.dumps(value))


@given(st.sampled_from(["type", "symbol", "seq", "ts_ms", "bids", "asks", "more"]), json_values)
def test_any_field_may_hold_anything(name: str, value: object) -> None:
    read = parse(json.dumps({**json.loads(depth()), name: value}))
    assert isinstance(read, Malformed | Depth)
    if isinstance(read, Depth):
        assert all(isinstance(text, str) for pair in read.bids + read.asks for text in pair)
        assert min(read.seq, read.ts_ms) >= 0


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("{", "not_json"),
        ("[" * 50_000, "too_deep"),
        ("[[1]," * 20_000, "too_deep"),
        ('{"a":' * 20_000, "too_deep"),
        ("[]" * 100, "not_json"),
        ("9" * 5000, "not_json"),
        (" " * (MAX_CHARS + 1), "too_long"),
        ("[]", "not_an_object"),
        ('{"type": "trade"}', "unknown_type"),
        ('{"type": ["depth"]}', "unknown_type"),
        (depth(symbol="a b"), "symbol"),
        (depth(more=1), "fields"),
        (depth(seq=True), "number"),
        (depth(seq=1, ts_ms=1.5), "number"),
        (depth(seq=1, ts_ms=-1), "number"),
        (depth(seq=1, ts_ms=2**60), "number"),
        (depth(bids=[["1", 5]]), "levels"),
        (depth(bids=[["1e400", "5"]]), "levels"),
        (depth(bids=[["1"]]), "levels"),
        (depth(bids=[["-1", "1"]]), "levels"),
        (depth(asks=[["1", "1"]] * 1001), "levels"),
        (depth(asks="x"), "levels"),
        ('{"type": "depth", "symbol": "A", "seq": NaN, "ts_ms": 1, "bids": [], "asks": []}', "not_json"),
        ('{"type": "heartbeat", "ts_ms": 1}', "fields"),
        ('{"type": "heartbeat", "ts_ms": 1, "wall_ms": "1"}', "number"),
    ],
)
def test_each_rule(text: str, rule: str) -> None:
    read = parse(text)
    assert isinstance(read, Malformed)
    assert read.rule == rule


def test_bytes_are_refused() -> None:
    assert parse(b"{}") == Malformed("too_long")  # type: ignore[arg-type]
