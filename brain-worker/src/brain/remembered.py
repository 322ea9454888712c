"""What a strategy remembers beside its indicators: plain values as JSON, long lists of floats with the packed numbers."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from math import isfinite
from typing import Any, Final

from brain.indicators.numbers import Numbers, all_finite, count_of
from shared.errors import Invalid

MOST_WHOLE: Final = 2**53
"""Beyond it, not every reader of JSON keeps all digits."""
DEEPEST: Final = 8
"""Lists in lists."""
_ALWAYS: Final = frozenset((bool, type(None)))
_FLOATS: Final = "floats"
"""`{"floats": count}` stands for a list whose numbers are packed."""
_REMEDY: Final = "remember finite numbers, texts, None, or lists of them"


def check(owner: object, names: Sequence[str]) -> None:
    """`Invalid` for what cannot be remembered from the first bar on: a name that `setup` did not set."""
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise Invalid("remembers: must be a tuple of names; write ('one', 'two') or ('one',)", field="remembers")
    for name in names:
        if not hasattr(owner, name):
            raise Invalid(
                f"remembers.{name}: is not set in setup; set it there, or mend the name", field=f"remembers.{name}"
            )


def keep(owner: object, names: Sequence[str], into: list[float]) -> list[Any]:
    """The values of these attributes for JSON; what is packed is appended. `Invalid` for what JSON cannot hold."""
    kept: list[Any] = []
    for name in names:
        value = getattr(owner, name)
        kind = type(value)
        if kind is list and set(map(type, value)) == {float} and all_finite(value):
            kept.append({_FLOATS: len(value)})
            into += value
            continue
        if kind not in _ALWAYS and (odd := _odd(value)):
            rule = f"holds {odd}"
            raise Invalid(f"remembers.{name}: {rule}; {_REMEDY}", field=f"remembers.{name}", rule=rule)
        # a list goes on changing in its owner
        kept.append(deepcopy(value) if kind is list else value)
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
            fits = type(found) in _ALWAYS or not _odd(found)
            value = deepcopy(found) if type(found) is list else found
        if not fits or (before is not None and isinstance(before, list) != isinstance(value, list)):
            raise ValueError(f"{name} cannot be {found!r}")
        # a float that happens to be whole may come back as an int
        setattr(owner, name, float(value) if type(before) is float and type(value) is int else value)
    return at


def _odd(value: Any, depth: int = 0) -> str:
    """What in it JSON cannot hold, in words that are the same in every run; empty where there is nothing."""
    kind = type(value)
    if kind is float:
        return "" if isfinite(value) else repr(value)
    if kind is int:
        return "" if -MOST_WHOLE <= value <= MOST_WHOLE else "a whole number beyond 2**53"
    if kind in _ALWAYS:
        return ""
    if kind is str:
        return "" if value.encode(errors="replace").decode() == value else "a text that is not Unicode"
    if kind is not list:
        return kind.__name__
    if depth > DEEPEST:
        return f"lists in lists, more than {DEEPEST} deep"
    return next(filter(None, (_odd(each, depth + 1) for each in value)), "")
