"""What a strategy remembers beside its indicators: plain values as JSON, long lists of floats with the packed numbers."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any, Final

from brain.indicators.numbers import Numbers, all_finite, count_of

_SIMPLE: Final = frozenset((int, str, bool, type(None)))
_FLOATS: Final = "floats"
"""`{"floats": count}` stands for a list whose numbers are packed."""


def keep(owner: object, names: Sequence[str], into: list[float]) -> list[Any]:
    """The values of these attributes for JSON; what is packed is appended."""
    kept: list[Any] = []
    for name in names:
        value = getattr(owner, name)
        if type(value) is list and set(map(type, value)) == {float}:
            kept.append({_FLOATS: len(value)})
            into += value
        else:
            kept.append(value)
    return kept


def recall(owner: object, names: Sequence[str], kept: list[Any], numbers: Numbers, at: int) -> int:
    """Sets them again; the place after the last number used. ValueError or TypeError for what they cannot have been."""
    for name, found in zip(names, kept, strict=True):
        before, value = getattr(owner, name), found
        if isinstance(found, dict):
            end = at + count_of(name, found[_FLOATS], len(numbers) - at)
            value, at = numbers[at:end], end
            fits = numbers.finite or all_finite(value)
        else:
            fits = _is_plain(found)
        if not fits or (before is not None and isinstance(before, list) != isinstance(value, list)):
            raise ValueError(f"{name} cannot be {found!r}")
        # a float that happens to be whole may come back as an int
        setattr(owner, name, float(value) if type(before) is float and type(value) is int else value)
    return at


def _is_plain(value: Any) -> bool:
    if type(value) is float:
        return isfinite(value)
    return type(value) in _SIMPLE or (type(value) is list and all(map(_is_plain, value)))
