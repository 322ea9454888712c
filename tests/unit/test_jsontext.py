"""JSON is read in one way, which no text can hurt."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Invalid
from shared.jsontext import named_twice, read_json

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_what_was_written_is_read(value: Any) -> None:
    assert read_json(json.dumps(value)) == value


@given(st.text())
def test_any_other_text_is_refused_or_read_alike(text: str) -> None:
    try:
        found = read_json(text)
    except Invalid as refused:
        assert refused.error_code == "malformed_json"
    else:
        assert found == json.loads(text)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "NaN", "[Infinity]", "", "{", b"\xff", "[1,]"])
def test_what_would_hurt_is_refused(text: str | bytes) -> None:
    with pytest.raises(Invalid):
        read_json(text)


@given(VALUES)
def test_what_was_written_once_is_not_told_of(value: Any) -> None:
    assert named_twice(json.dumps(value)) is None


@pytest.mark.parametrize(
    "text", ['{"a": 1, "b": 2, "a": 1}', b'[{"a": {"a": 1}}, {"a": [], "a": 0}]', '{"b": [{"\\u0061": 1, "a": 2}]}']
)
def test_a_name_that_stands_twice_is_found_at_any_depth(text: str | bytes) -> None:
    read_json(text)
    assert named_twice(text) == "a"


def test_a_number_of_many_digits_hides_no_name() -> None:
    assert named_twice('{"a": ' + "9" * 5000 + ', "a": 1}') == "a"
