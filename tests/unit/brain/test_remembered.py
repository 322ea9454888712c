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
from shared.errors import Invalid
from shared.model import Side

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


def deep(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def endless() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        ([1.0, float("nan")], "nan"),
        ([1, float("-inf")], "-inf"),
        ([[None, [float("nan")]]], "nan"),
        (object(), "object"),
        ({"a": 1}, "dict"),
        ({1, 2}, "set"),
        ((1, 2), "tuple"),
        (b"x", "bytes"),
        (Side.BUY, "Side"),
        ([1, "x", [b"x"]], "bytes"),
        (2**53 + 1, "a whole number beyond 2\\*\\*53"),
        ([-(10**5000)], "a whole number beyond 2\\*\\*53"),
        ("\ud800", "a text that is not Unicode"),
        (deep(9), "lists in lists, more than 8 deep"),
        (endless(), "lists in lists, more than 8 deep"),
    ],
)
def test_what_json_cannot_hold_is_refused_by_its_name(value: Any, words: str) -> None:
    with pytest.raises(Invalid, match=rf"^remembers\.it: holds {words}; remember"):
        remembered.keep(SimpleNamespace(good=1, it=value), ("good", "it"), [])


@pytest.mark.parametrize("value", [deep(8), 2**53, -(2**53), "\u00e9\U0001f600", [], [[1.5], [2.5]]])
def test_what_json_can_just_hold_is_kept(value: Any) -> None:
    assert there_and_back(value, [] if isinstance(value, list) else None) == value


class Owner:
    """Something that remembers a list of lists."""

    def __init__(self) -> None:
        self.seen: list[Any] = [1, [2]]


def test_what_is_kept_and_what_is_recalled_change_no_more() -> None:
    owner, other = Owner(), Owner()
    kept = remembered.keep(owner, ("seen",), [])
    owner.seen[1].append(3)
    owner.seen.append(4)
    assert kept == [[1, [2]]]
    remembered.recall(other, ("seen",), kept, unpack(pack([])), 0)
    other.seen[1].append(5)
    other.seen.append(6)
    assert kept == [[1, [2]]]
