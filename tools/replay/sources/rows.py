"""The rows of one CSV file of a dataset folder, each checked on its own."""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TextIO

from tools.replay.bar import INTERVALS_MS, Bar, parse_bar
from tools.replay.errors import RuleError
from tools.replay.sources.refused import Refused

HEADER = ["symbol", "interval", "open_time_ms", "open", "high", "low", "close", "volume"]
END_OF_TIME_MS = 253_402_300_800_000
"""The year 10000; later times are not milliseconds."""

_SYMBOL = re.compile(r"[A-Z0-9._-]{1,32}")
_INTEGER = re.compile(r"[0-9]{1,15}")


class Row(NamedTuple):
    """One good row and the line it stands on (the header is line 1)."""

    line: int
    symbol: str
    interval: str
    bar: Bar


def read_rows(file: Path, refused: Refused) -> Iterator[Row]:
    """The good rows of `file` in its order; the others go to `refused`. Blank lines are passed over.

    A file that cannot be read (wrong header, broken gzip) is refused from that line on. Bytes that are not UTF-8 spoil
    only their row.
    """
    line = 0
    try:
        with _open(file) as text:
            for line, content in enumerate(text, start=1):
                if line == 1:
                    _header(content)
                    continue
                row = _row_or_refusal(file, line, content, refused)
                if row:
                    yield row
    except RuleError as broken:
        refused.add(str(file), line, broken)
    except (OSError, EOFError, zlib.error) as error:
        rule = "the file must be readable to its end; what stands before this line plays"
        refused.add(str(file), line + 1, RuleError("file", error, rule, "write or compress it again"))


def _row_or_refusal(file: Path, line: int, content: str, refused: Refused) -> Row | None:
    try:
        return parse_row(line, content)
    except RuleError as broken:
        refused.add(str(file), line, broken)
        return None


def parse_row(line: int, content: str) -> Row | None:
    """The row that `content` holds, or None for a blank line; raises RuleError."""
    # One reader per line, so that a stray quote cannot swallow the lines after it.
    fields = _fields(content)
    if not fields:
        return None
    if len(fields) != len(HEADER):
        rule = f"a row has {len(HEADER)} fields, this one {len(fields)}"
        raise RuleError("row", content.strip(), rule, f"write {','.join(HEADER)}")
    symbol, interval, open_time, open_, high, low, close, volume = fields
    if not _SYMBOL.fullmatch(symbol):
        raise RuleError("symbol", symbol, "1 to 32 of A-Z 0-9 . _ -", "rename it, in capitals")
    if interval not in INTERVALS_MS:
        raise RuleError("interval", interval, "an interval is known", f"use one of {' '.join(INTERVALS_MS)}")
    bar = parse_bar(_open_time_ms(open_time, interval), (open_, high, low, close, volume))
    return Row(line, symbol, interval, bar)


def _open(file: Path) -> TextIO:
    if file.suffix == ".gz":
        return gzip.open(file, "rt", encoding="utf-8-sig", errors="surrogateescape")
    return file.open(encoding="utf-8-sig", errors="surrogateescape")


def _header(content: str) -> None:
    """Raises RuleError unless `content` is the header."""
    fields = _fields(content)
    if fields != HEADER:
        raise RuleError("header", content.strip(), "the first line is the header", f"write {','.join(HEADER)}")


def _fields(content: str) -> list[str]:
    try:
        return next(csv.reader([content]), [])
    except csv.Error as error:
        raise RuleError("row", content.strip(), f"must be CSV ({error})", "take the odd characters out") from error


def _open_time_ms(text: str, interval: str) -> int:
    if not _INTEGER.fullmatch(text) or int(text) >= END_OF_TIME_MS:
        raise RuleError("open_time_ms", text, "whole milliseconds since 1970, UTC", "write it like 1704067200000")
    open_time_ms = int(text)
    if open_time_ms % INTERVALS_MS[interval]:
        rule = f"must be a multiple of the interval {interval} = {INTERVALS_MS[interval]} ms"
        raise RuleError("open_time_ms", text, rule, "use the bar's open time, UTC")
    return open_time_ms
