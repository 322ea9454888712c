"""What a strategy remembers beside its indicators, there and back."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain import remembered
from brain.indicators.numbers import pack, unpack

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
PLAIN = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5) | FLOATS
LISTS = st.lists(FLOATS, max_size=5) | st.lists(PLAIN | st.lists(PLAIN, max_size=3), max_size=3)


def there_and_back(value: Any, before: Any) -> Any:
    numbers = [0.5]
    kept = json.loads(json.dumps(remembered.keep(SimpleNamespace(it=value), ("it",), numbers), allow_nan=False))
    fresh, packed = SimpleNamespace(it=before), unpack(pack(numbers))
    assert remembered.recall(fresh, ("it",), kept, packed, 1) == len(packed)
    return fresh.it


@given(value=PLAIN)
def test_a_value_comes_back(value: Any) -> None:
    for before in (None, value):
        found = there_and_back(value, before)
        assert (repr(found), type(found)) == (repr(value), type(value))


@given(value=LISTS)
def test_a_list_comes_back(value: list[Any]) -> None:
    assert repr(there_and_back(value, [])) == repr(value)


def test_a_list_of_floats_is_packed_and_no_other() -> None:
    numbers: list[float] = []
    owner = SimpleNamespace(a=[1.5, 2.5], b=[1.5, 2], c=[])
    assert remembered.keep(owner, ("a", "b", "c"), numbers) == [{"floats": 2}, [1.5, 2], []]
    assert numbers == [1.5, 2.5]


@pytest.mark.parametrize(
    ("before", "kept"),
    [
        ([], [{"floats": 3}]),
        ([], [{"floats": -1}]),
        ([], [{"floats": 0.5}]),
        ([], [{"floats": "1"}]),
        ([], [{"other": 1}]),
        ([], [{"floats": 2}]),
        (0.0, [{"floats": 1}]),
        ([], [1]),
        (1, [[1]]),
        (1, [1, 1]),
        (1, []),
        (None, [[{}]]),
        (None, [float("inf")]),
    ],
)
def test_what_cannot_have_been_is_refused(before: Any, kept: list[Any]) -> None:
    numbers = unpack(pack([1.0, float("nan")]))
    with pytest.raises((ValueError, TypeError, LookupError)):
        remembered.recall(SimpleNamespace(it=before), ("it",), kept, numbers, 0)
