"""What the settings of an indicator have to be."""

from __future__ import annotations

import math
from typing import Final

NAN: Final = math.nan


def checked(period: int, name: str = "period", least: int = 1) -> int:
    """`period`; ValueError unless it is a whole number of `least` or more."""
    if type(period) is not int or period < least:
        raise ValueError(f"{name} {period!r} must be {least} or more, a whole number")
    return period


def positive(value: float, name: str) -> float:
    """`value` as a float; ValueError unless it is finite and above 0."""
    if not 0.0 < value < math.inf:
        raise ValueError(f"{name} {value!r} must be above 0 and finite")
    return float(value)
