"""Floats packed into text: bit for bit, and one text for what is equal."""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.indicators.numbers import all_finite, count_of, pack, unpack

ANY = st.lists(st.floats())


def bits(numbers: list[float]) -> list[bytes]:
    return [b"nan" if number != number else struct.pack("<d", number) for number in numbers]


@given(numbers=ANY)
def test_what_was_packed_comes_back_to_the_last_bit(numbers: list[float]) -> None:
    text = pack(numbers)
    assert bits(unpack(text)) == bits(numbers)
    assert pack(unpack(text)) == text


def test_the_bytes_are_those_of_little_endian_doubles() -> None:
    assert unpack(pack([1, 2])) == [1.0, 2.0]
    assert pack([2.0**-1022 + 2.0**-1074]) == "AQAAAAAAEAA="
    assert pack([]) == ""


@given(numbers=ANY)
def test_every_nan_is_the_same_text(numbers: list[float]) -> None:
    (negative,) = struct.unpack("<d", struct.pack("<Q", 0xFFF8 << 48 | 7))
    assert pack([*numbers, negative]) == pack([*numbers, math.nan])


@pytest.mark.parametrize(
    "text", ["a", "AAAA", "AAAAAAAAAA=", "AAAAAAAAAAA", "AAAAAAAAAAA=\n", "\N{BULLET}", None, 1, [], {}]
)
def test_what_was_never_packed_is_refused(text: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        unpack(text)


@given(numbers=ANY | st.lists(st.floats(min_value=1e308)))
def test_finite_is_told_one_by_one(numbers: list[float]) -> None:
    assert all_finite(numbers) == all(math.isfinite(number) for number in numbers)


@pytest.mark.parametrize("number", [-1.0, 0.5, 4.0, math.nan, math.inf, -math.inf])
def test_what_is_no_count_is_refused(number: float) -> None:
    assert [count_of("bars", each, 3) for each in (0.0, 3.0)] == [0, 3]
    with pytest.raises(ValueError, match=r"bars .* does not fit: a whole number from 0 to 3"):
        count_of("bars", number, 3)
