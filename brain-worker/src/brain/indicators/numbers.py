"""Many floats as one text and back, the same to the last bit."""

from __future__ import annotations

from array import array
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterable, Sequence
from math import isfinite

from brain.indicators.period import NAN


class Numbers(list[float]):
    """What was packed; `finite`: none of them is NaN or infinite."""

    __slots__ = ("finite",)

    finite: bool


def pack(numbers: Iterable[float]) -> str:
    """Base64 of doubles, little-endian as every machine that this runs on. Equal numbers are equal text, NaN too."""
    packed = array("d", numbers)
    total = sum(packed)
    if total != total:
        # the sign of a NaN differs between machines
        packed = array("d", [number if number == number else NAN for number in packed])
    return b2a_base64(packed, newline=False).decode()


def unpack(text: str) -> Numbers:
    """What `pack` was given. ValueError or TypeError for any other text or value."""
    packed = array("d")
    packed.frombytes(a2b_base64(text, strict_mode=True))
    found = Numbers(packed)
    found.finite = all_finite(found)
    return found


def all_finite(numbers: Sequence[float]) -> bool:
    """Whether none is NaN or infinite: told by their sum, and one by one only where that overflows."""
    total = sum(numbers)
    return total - total == 0.0 or all(map(isfinite, numbers))


def count_of(name: str, number: float, most: float) -> int:
    """`number` as the count that it must be; ValueError unless it is whole and from 0 to `most`."""
    if not 0.0 <= number <= most or number % 1.0:
        raise ValueError(f"{name} {number!r} does not fit: a whole number from 0 to {most}")
    return int(number)
