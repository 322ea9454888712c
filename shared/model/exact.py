"""Exact decimals: text on the wire, bounded digits, and arithmetic that raises rather than rounds."""

from __future__ import annotations

import re
from decimal import (
    ROUND_DOWN,
    ROUND_HALF_EVEN,
    ROUND_UP,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
)
from functools import lru_cache
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

MAX_DIGITS = 18
"""Digits before the point, and digits after it, that a number from outside may have."""

EXACT = Context(prec=90, traps=[InvalidOperation, DivisionByZero, Overflow, Inexact])
"""Sums and products of bounded numbers fit; whatever would round raises `Inexact` instead."""

ROUNDED = Context(prec=90, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow])

_TEXT = re.compile(rf"[+-]?\d{{1,{MAX_DIGITS}}}(\.\d{{1,{MAX_DIGITS}}})?\Z", re.ASCII)
ZERO = Decimal(0)


def parse(value: object) -> Decimal:
    """A decimal from text such as `"12.50"`; ValueError for floats, exponents, NaN, infinities and too many digits."""
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError("must be a finite number")
        return value
    if not isinstance(value, str):
        raise ValueError('must be a decimal written as text, such as "12.50"')
    if not _TEXT.match(value):
        raise ValueError(f"must be a plain decimal with at most {MAX_DIGITS} digits before and after the point")
    return Decimal(value)


@lru_cache(maxsize=4096)
def text(value: Decimal) -> str:
    """The one way a decimal is written: no exponent, no trailing zeros, no minus before zero."""
    if not value:
        return "0"
    plain = format(value, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def add(a: Decimal, b: Decimal) -> Decimal:
    return EXACT.add(a, b)


def subtract(a: Decimal, b: Decimal) -> Decimal:
    return EXACT.subtract(a, b)


def multiply(a: Decimal, b: Decimal) -> Decimal:
    return EXACT.multiply(a, b)


def divide(a: Decimal, b: Decimal, places: int = MAX_DIGITS) -> Decimal:
    """a / b, rounded half-even to `places` digits after the point: for ratios, never for a ledger."""
    return ROUNDED.divide(a, b).quantize(Decimal(1).scaleb(-places), context=ROUNDED)


def on_step(value: Decimal, step: Decimal) -> bool:
    """Whether `value` is a whole multiple of `step`."""
    return not EXACT.remainder(value, step)


def floor_to(value: Decimal, step: Decimal) -> Decimal:
    """The multiple of `step` at or towards zero from `value`."""
    return _to_step(value, step, ROUND_DOWN)


def ceil_to(value: Decimal, step: Decimal) -> Decimal:
    """The multiple of `step` at or away from zero from `value`."""
    return _to_step(value, step, ROUND_UP)


def nearest_to(value: Decimal, step: Decimal) -> Decimal:
    return _to_step(value, step, ROUND_HALF_EVEN)


def _to_step(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    count = ROUNDED.divide(value, step).to_integral_value(rounding=rounding)
    return EXACT.multiply(count, step)


def _positive(value: object) -> Decimal:
    found = parse(value)
    if found <= ZERO:
        raise ValueError("must be above 0")
    return found


def _not_negative(value: object) -> Decimal:
    found = parse(value)
    if found < ZERO:
        raise ValueError("must be 0 or more")
    return found


_WRITTEN = PlainSerializer(text, return_type=str, when_used="json")
_SCHEMA = WithJsonSchema({"type": "string", "format": "decimal", "examples": ["12.5"]})
# one function each, since every call out of pydantic costs more than what it checks
Exact = Annotated[Decimal, BeforeValidator(parse), _WRITTEN, _SCHEMA]
Positive = Annotated[Decimal, BeforeValidator(_positive), _WRITTEN, _SCHEMA]
NotNegative = Annotated[Decimal, BeforeValidator(_not_negative), _WRITTEN, _SCHEMA]
