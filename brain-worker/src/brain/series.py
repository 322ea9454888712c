"""The columns of one symbol -> its new bars, or why the series is refused."""

from __future__ import annotations

from bisect import bisect_right
from itertools import islice, pairwise, repeat
from math import inf
from operator import le, lt, mod
from typing import Any, NamedTuple

from brain.bar import Bar
from brain.bars import Bars, is_jump

COLUMNS = ("t", "o", "h", "l", "c", "v")
MIN_PRICE = 1e-9
MAX_PRICE = 1e15
"""Prices that a proposal can write exactly enough: ten digits after the point, far fewer than 18 before it."""
MAX_TIME_MS = 2**53 - 1
MAX_JUMP = 20.0
"""An open so many times the close before it, or that part of it, is a split that nobody adjusted for, or a mistake."""

_NAMES = {"o": "open", "h": "high", "l": "low", "c": "close", "v": "volume"}
_NUMBERS = frozenset((int, float))


class Refusal(NamedTuple):
    """Why something was refused: a stable code and a sentence. `bar_close_ms` is 0 where no bar can be named."""

    bar_close_ms: int
    code: str
    detail: str


def read(columns: Any, interval_ms: int, after_ms: int) -> list[Bar] | Refusal:
    """The bars that opened after `after_ms`, ascending. The whole time column is checked, the other values only of
    these bars.
    """
    if type(columns) is not dict or columns.keys() != frozenset(COLUMNS):
        return Refusal(0, "bad_columns", f"must be an object of the columns {', '.join(COLUMNS)}")
    if not all(type(column) is list for column in columns.values()):
        return Refusal(0, "bad_columns", "every column must be a list")
    times = columns["t"]
    lengths = {len(column) for column in columns.values()}
    if len(lengths) != 1:
        sizes = ", ".join(f"{name} {len(columns[name])}" for name in COLUMNS)
        return Refusal(_newest_close_ms(times, interval_ms), "unequal_columns", f"columns differ in length: {sizes}")
    wrong = _wrong_times(times, interval_ms)
    if wrong:
        return wrong
    start = bisect_right(times, after_ms)
    rows = list(zip(*(columns[name][start:] for name in COLUMNS), strict=True))
    close = columns["c"][start - 1] if start else None
    for row in rows:
        wrong = _wrong_bar(row, interval_ms) or _jump(close, row, interval_ms)
        if wrong:
            return wrong
        close = row[4]
    return [Bar(t, float(o), float(h), float(low), float(c), float(v)) for t, o, h, low, c, v in rows]


def whole(columns: Any, interval_ms: int) -> Bars | Refusal:
    """All bars, as `read` would give them; a series without a flaw is checked column by column, which is far quicker."""
    if _is_flawless(columns, interval_ms):
        times, *prices = (columns[name] for name in COLUMNS)
        made = Bars(times, *map(_floats, prices))
        if not made.jumps(MAX_JUMP):
            return made
    found = read(columns, interval_ms, -1)
    return found if isinstance(found, Refusal) else Bars.of(found)


def _floats(column: list[float]) -> list[float]:
    return column if set(map(type, column)) == {float} else list(map(float, column))


def _is_flawless(columns: Any, interval_ms: int) -> bool:
    """Whether all rules for single bars hold, without a word on which does not."""
    if type(columns) is not dict or columns.keys() != frozenset(COLUMNS):
        return False
    times, open_, high, low, close, volume = (columns[name] for name in COLUMNS)
    prices = (open_, high, low, close, volume)
    if not all(type(column) is list and len(column) == len(times) for column in (times, *prices)):
        return False
    if not all(_NUMBERS.issuperset(map(type, column)) for column in prices) or set(map(type, times)) != {int}:
        return False
    return (
        times[0] >= 0
        and times[-1] <= MAX_TIME_MS
        and all(map(lt, times, islice(times, 1, None)))
        and not any(map(mod, times, repeat(interval_ms)))
        # a NaN stands in no order to anything
        and all(map(le, low, open_))
        and all(map(le, open_, high))
        and all(map(le, low, close))
        and all(map(le, close, high))
        and min(low) >= MIN_PRICE
        and max(high) <= MAX_PRICE
        and all(map(le, repeat(0), volume))
        and max(volume) <= MAX_PRICE
    )


def _newest_close_ms(times: list[Any], interval_ms: int) -> int:
    newest = times[-1] if times else None
    return newest + interval_ms if type(newest) is int and 0 <= newest <= MAX_TIME_MS else 0


def _wrong_times(times: list[Any], interval_ms: int) -> Refusal | None:
    if set(map(type, times)) - {int}:
        place = next(at for at, value in enumerate(times) if type(value) is not int)
        return Refusal(0, "bad_time", f"t[{place}] must be whole milliseconds")
    if not times:
        return None
    if times[0] < 0 or max(times) > MAX_TIME_MS:
        return Refusal(0, "bad_time", f"t must lie within 0 and {MAX_TIME_MS}")
    for before, now in pairwise(times):
        if before >= now:
            return Refusal(max(0, now + interval_ms), "not_ascending", f"open time {now} follows {before}")
    return None


def _wrong_bar(row: tuple[Any, ...], interval_ms: int) -> Refusal | None:
    open_ms, open_, high, low, close, volume = row
    if (
        _NUMBERS.issuperset(map(type, row))
        and not open_ms % interval_ms
        and MIN_PRICE <= low <= open_ <= high <= MAX_PRICE
        and low <= close <= high
        and 0 <= volume <= MAX_PRICE
    ):
        return None
    code, detail = _fault(row, interval_ms)
    return Refusal(open_ms + interval_ms, code, detail)


def _jump(close: Any, row: tuple[Any, ...], interval_ms: int) -> Refusal | None:
    """From the close before it, which was not looked at if it is no new one."""
    open_ms, open_ = row[:2]
    if type(close) not in _NUMBERS or not close > 0 or not is_jump(open_ / close, MAX_JUMP):
        return None
    detail = f"open {open_} is {open_ / close:.3g} times the close before it, {close}: a split, or a mistake; adjust the prices"
    return Refusal(open_ms + interval_ms, "price_jump", detail)


def _fault(row: tuple[Any, ...], interval_ms: int) -> tuple[str, str]:
    """The first thing that is wrong with a bar that is wrong."""
    open_ms, open_, high, low, close, _ = row
    if open_ms % interval_ms:
        return "misaligned", f"open time {open_ms} is not a multiple of {interval_ms}"
    for column, value in zip(COLUMNS[1:], row[1:], strict=True):
        name = _NAMES[column]
        if type(value) not in _NUMBERS:
            return "not_a_number", f"{name} must be a number"
        if value != value or value in (inf, -inf):
            return "not_finite", f"{name} must be finite"
        if value < 0 or (value == 0 and column != "v"):
            return "not_positive", f"{name} must be {'0 or more' if column == 'v' else 'above 0'}"
        if value > MAX_PRICE or (value < MIN_PRICE and column != "v"):
            return (
                "out_of_range",
                f"{name} must be {'at most' if column == 'v' else f'within {MIN_PRICE} and'} {MAX_PRICE}",
            )
    return "bad_range", f"low {low} <= open {open_}, close {close} <= high {high} does not hold"
