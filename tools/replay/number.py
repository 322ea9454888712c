"""Exact decimal text: read strictly, rounded to a step, written without an exponent."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal

from tools.replay.errors import RuleError

MAX_INTEGER_DIGITS = 18
MAX_FRACTION_DIGITS = 18

# 18 + 18 digits do not fit into the 28 of Python's default context.
EXACT = Context(prec=80, rounding=ROUND_HALF_EVEN)

_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{0,40})?([eE][+-]?[0-9]{1,3})?")


def parse_decimal(column: str, text: str) -> Decimal:
    """`text` as a finite Decimal of at most 18 integer and 18 fraction digits.

    Raises RuleError for anything else: NaN, Infinity, 1e400, blanks, digits of other scripts.
    """
    if not _NUMBER.fullmatch(text):
        raise RuleError(column, text, "must be a finite decimal number", "write it like 130.31")
    value = Decimal(text)
    if value and value.adjusted() >= MAX_INTEGER_DIGITS:
        raise RuleError(column, text, f"at most {MAX_INTEGER_DIGITS} integer digits", "check the column and its unit")
    if decimals(value) > MAX_FRACTION_DIGITS:
        raise RuleError(column, text, f"at most {MAX_FRACTION_DIGITS} fraction digits", "round it to the tick")
    return value


def decimals(value: Decimal) -> int:
    """How many fraction digits `value` is written with; 0 for a whole number."""
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int):
        raise ValueError(f"{value} is not finite and has no decimals; parse it with parse_decimal")
    return max(0, -exponent)


def step_of(fraction_digits: int) -> str:
    """The step with so many decimals: 0 -> "1", 2 -> "0.01"."""
    return format(Decimal(1).scaleb(-fraction_digits), "f")


def on_step(value: Decimal, step: Decimal) -> str:
    """`value` rounded half to even to a multiple of `step` (a power of ten, at most 1), as plain text."""
    return format(EXACT.quantize(value, step), "f")


def steps_in(value: Decimal, step: Decimal) -> int:
    """How many whole steps fit into `value`, exactly; the rest is dropped."""
    return int(EXACT.divide_int(value, step))


def steps_text(count: int, step: Decimal) -> str:
    """`count` steps as exact decimal text: (5, 0.01) -> "0.05"."""
    return format(EXACT.multiply(Decimal(count), step), "f")
