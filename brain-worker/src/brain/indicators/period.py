"""What every indicator's period has to be."""

from __future__ import annotations

import math
from typing import Final

NAN: Final = math.nan


def checked(period: int) -> int:
    """`period`; ValueError below 1."""
    if period < 1:
        raise ValueError(f"period {period} must be 1 or more")
    return period


def optional(value: float) -> float | None:
    """NaN as None: JSON has no NaN."""
    return value if value == value else None


def number(value: float | None) -> float:
    """The reverse of `optional`; an int that once was a float becomes one again."""
    return NAN if value is None else float(value)
