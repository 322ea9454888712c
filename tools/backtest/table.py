"""One symbol's bars from a CSV file, refused with line, field, value and rule where anything is wrong with it.

The header names the columns, in any order and any case: time (or date, timestamp, open_time_ms), open, high, low,
close, volume. Times are those of the open: whole milliseconds since 1970, or ISO 8601, UTC where no offset is given.
"""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple, TextIO

from brain.backtest.engine import SPLIT
from brain.bars import is_jump
from shared.model import Interval
from tools.failure import ToolError
from tools.replay.bar import Bar, parse_bar
from tools.replay.errors import Refusal, RuleError
from tools.replay.sources.rows import END_OF_TIME_MS

COLUMNS: Final = ("time", "open", "high", "low", "close", "volume")
TIMES: Final = frozenset({"time", "date", "datetime", "timestamp", "open_time_ms"})
SHOWN: Final = 5
SAY: Final = "ARGS='--interval 1d'"
"""How `make backtest` is told an interval."""
_INTEGER = re.compile(r"[0-9]{1,15}")
_EXAMPLE: Final = "write it like 1704067200000 or 2024-01-01T00:00:00Z"


class Table(NamedTuple):
    """`bars` ascending, with exact decimal texts; `warnings` are about what stays as it is."""

    bars: Sequence[Bar]
    interval: Interval
    warnings: Sequence[str]


class Line(NamedTuple):
    """A bar and the line it stands on; the header is line 1."""

    number: int
    bar: Bar


def read_table(file: Path, interval: Interval | None = None) -> Table:
    """All of it, or ToolError with the first lines that are wrong. Without an interval it is the shortest step there is."""
    wrong: list[Refusal | str] = []
    lines = list(_lines(file, wrong))
    _in_order(file, lines, wrong)
    if not lines and not wrong:
        raise ToolError(f"{file}: holds no bar; give it at least one line below the header")
    # an interval is not looked for among times that are wrong already
    found = interval
    if not wrong:
        found = interval or _interval(file, lines)
        _aligned(file, lines, found, wrong)
    if wrong or found is None:
        more = f"\nand {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        raise ToolError("\n".join(map(str, wrong[:SHOWN])) + more)
    return Table([line.bar for line in lines], found, _warnings(file, lines))


def _lines(file: Path, wrong: list[Refusal | str]) -> Iterator[Line]:
    try:
        with _open(file) as text:
            reader = csv.reader(text)
            header = next(reader, [])
            places = _header(file, header)
            for fields in reader:
                if len(fields) > len(header):
                    # which of them was cut in two, nobody can tell
                    wrong.append(
                        f"{file}:{reader.line_num}: the row has {len(fields)} fields, the header {len(header)};"
                        " write 1,000,000 as 1000000, and 1,5 as 1.5"
                    )
                    continue
                try:
                    if fields:
                        yield Line(reader.line_num, _bar(fields, places))
                except RuleError as broken:
                    wrong.append(Refusal.of(str(file), reader.line_num, broken))
    except (OSError, EOFError, UnicodeDecodeError, zlib.error, csv.Error) as error:
        raise ToolError(f"{file}: cannot be read: {error}; give a readable CSV file in UTF-8, gzipped or not") from None


def _open(file: Path) -> TextIO:
    if file.suffix == ".gz":
        return gzip.open(file, "rt", encoding="utf-8-sig", newline="")
    return file.open(encoding="utf-8-sig", newline="")


def _header(file: Path, fields: Sequence[str]) -> list[int]:
    """Where each of `COLUMNS` stands."""
    names = [name.strip().lower() for name in fields]
    names = ["time" if name in TIMES else name for name in names]
    for column in COLUMNS:
        if names.count(column) != 1:
            has = "no" if column not in names else "more than one"
            raise ToolError(f"{file}:1: the header {','.join(fields)!r} has {has} {column}; write {','.join(COLUMNS)}")
    return [names.index(column) for column in COLUMNS]


def _bar(fields: Sequence[str], places: Sequence[int]) -> Bar:
    if len(fields) <= max(places):
        raise RuleError("row", ",".join(fields), f"a row has {max(places) + 1} fields or more", "complete it")
    time, open_, high, low, close, volume = (fields[place].strip() for place in places)
    return parse_bar(_time_ms(time), (open_, high, low, close, volume))


def _time_ms(text: str) -> int:
    if _INTEGER.fullmatch(text):
        found = int(text)
        # seconds would all lie in 1970
        if 10**11 <= found < END_OF_TIME_MS:
            return found
        raise RuleError("time", text, "whole milliseconds since 1970, UTC, 1973 or later", _EXAMPLE)
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise RuleError("time", text, "must be milliseconds or an ISO time", _EXAMPLE) from None
    whole = read if read.tzinfo else read.replace(tzinfo=UTC)
    found = (whole - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    if found < 0:
        raise RuleError("time", text, "must be 1970 or later", _EXAMPLE)
    return found


def _in_order(file: Path, lines: Sequence[Line], wrong: list[Refusal | str]) -> None:
    for before, now in pairwise(lines):
        if now.bar.open_time_ms <= before.bar.open_time_ms:
            same = now.bar.open_time_ms == before.bar.open_time_ms
            rule = f"{'repeats' if same else 'lies before'} the time of line {before.number}"
            broken = RuleError("time", now.bar.open_time_ms, rule, "keep one bar a time, in ascending order")
            wrong.append(Refusal.of(str(file), now.number, broken))


def _interval(file: Path, lines: Sequence[Line]) -> Interval:
    if len(lines) == 1:
        raise ToolError(f"{file}: holds one bar only, which does not tell its interval; say it: {SAY}")
    step = min(now.bar.open_time_ms - before.bar.open_time_ms for before, now in pairwise(lines))
    for each in Interval:
        if each.ms == step:
            return each
    known = ", ".join(each.value for each in Interval)
    raise ToolError(f"{file}: bars {step} ms apart are of no known interval; say which, such as {SAY}: one of {known}")


def _aligned(file: Path, lines: Sequence[Line], interval: Interval, wrong: list[Refusal | str]) -> None:
    for line in lines:
        if line.bar.open_time_ms % interval.ms:
            rule = f"must be a multiple of the interval {interval.value} = {interval.ms} ms"
            broken = RuleError("time", line.bar.open_time_ms, rule, f"use the bar's open time, UTC, or say {SAY}")
            wrong.append(Refusal.of(str(file), line.number, broken))


def _warnings(file: Path, lines: Sequence[Line]) -> list[str]:
    found = []
    for before, now in pairwise(lines):
        ratio = float(now.bar.open) / float(before.bar.close)
        if is_jump(ratio, SPLIT):
            found.append(
                f"{file}:{now.number}: open={now.bar.open!r} is {ratio:.3g} times the close before it:"
                " a split that was not adjusted for? It stays as it is"
            )
    if found[SHOWN:]:
        found = [*found[:SHOWN], f"and {len(found) - SHOWN} more such jumps"]
    return found
