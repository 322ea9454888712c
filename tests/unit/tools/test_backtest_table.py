"""A CSV file of bars: read exactly, or refused with line, field, value and rule."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from shared.model import Interval
from tools.backtest.table import read_table
from tools.failure import ToolError

pytestmark = pytest.mark.native
GOOD = """time,open,high,low,close,volume
2024-01-01T00:00:00Z,100,101.5,99,101,10
2024-01-01T01:00:00Z,101,102,100.25,100.5,0
2024-01-01T04:00:00+01:00,100.5,103,100,102,5.5
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "btc.csv"


def refused(file: Path, text: str) -> str:
    file.write_text(text)
    with pytest.raises(ToolError) as raised:
        read_table(file)
    return str(raised.value)


def test_times_in_iso_with_a_gap(file: Path) -> None:
    file.write_text(GOOD)
    found = read_table(file)
    assert found.interval is Interval.H1
    assert [bar.open_time_ms for bar in found.bars] == [1704067200000, 1704070800000, 1704078000000]
    assert found.bars[0] == (1704067200000, "100", "101.5", "99", "101", "10")
    assert list(found.warnings) == []


def test_milliseconds_other_names_any_order_and_columns_more(file: Path) -> None:
    rows = ["5,9,1,1,1,1,1704067200000", "5,9,1,1,1,1,1704153600000"]
    file.write_text("\ufeffVolume,Extra,Close,Low,High,Open,Date\n" + "\n".join(rows) + "\n\n")
    found = read_table(file)
    assert found.interval is Interval.D1
    assert found.bars[1] == (1704153600000, "1", "1", "1", "1", "5")


def test_gzip(tmp_path: Path) -> None:
    packed = tmp_path / "btc.csv.gz"
    packed.write_bytes(gzip.compress(GOOD.encode()))
    assert len(read_table(packed).bars) == 3
    packed.write_bytes(gzip.compress(GOOD.encode())[:-12])
    with pytest.raises(ToolError, match="cannot be read"):
        read_table(packed)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("2024-01-01T03:00:00Z,1,NaN,1,1,1", ":5: high='NaN': must be a finite decimal number"),
        ("2024-01-01T03:00:00Z,1,1,1,1,-3", ":5: volume='-3': volume must be >= 0"),
        ("2024-01-01T03:00:00Z,1,1,0,1,1", ":5: low='0': a price must be > 0"),
        ("2024-01-01T03:00:00Z,5,4,3,3,1", ":5: high='4': high >= max(open, close) = 5"),
        ("2024-01-01T03:00:00Z,5,6,5,4,1", ":5: low='5': low <= min(open, close) = 4"),
        ("2024-01-01T03:00:00Z,5,6,5", ":5: row='2024-01-01T03:00:00Z,5,6,5': a row has 6 fields or more"),
        ("2024-01-01T03:00:00Z,1e400,1,1,1,1", ":5: open='1e400'"),
        ("2024-01-01T03:00:00Z,1,1,1,1,", ":5: volume='': must be a finite decimal number"),
        ("2024-01-01T03:00:00Z,inf,1,1,1,1", ":5: open='inf'"),
        ("yesterday,1,1,1,1,1", ":5: time='yesterday': must be milliseconds or an ISO time"),
        ("1704078000,1,1,1,1,1", ":5: time='1704078000': whole milliseconds"),
        ("1960-01-01,1,1,1,1,1", ":5: time='1960-01-01': must be 1970 or later"),
        ("2024-01-01T01:00:00Z,1,1,1,1,1", ":5: time='1704070800000': lies before the time of line 4"),
        ("2024-01-01T03:00:00Z,1,1,1,1,1", ":5: time='1704078000000': repeats the time of line 4"),
    ],
)
def test_a_line_that_is_wrong_is_named(file: Path, line: str, told: str) -> None:
    assert f"{file}{told}" in refused(file, f"{GOOD}{line}\n")


@pytest.mark.parametrize("row", ["2024-01-01T03:00:00Z,1,1,1,1,1,000,000", "2024-01-01T03:00:00Z,100,1,101,5,99,101,1"])
def test_a_number_with_commas_is_not_cut_off(file: Path, row: str) -> None:
    told = f"{file}:5: the row has 8 fields, the header 6; write 1,000,000 as 1000000, and 1,5 as 1.5"
    assert refused(file, f"{GOOD}{row}\n") == told


def test_a_quoted_number_with_commas_is_refused_too(file: Path) -> None:
    assert "volume='1,000,000'" in refused(file, f'{GOOD}2024-01-01T03:00:00Z,1,1,1,1,"1,000,000"\n')


def test_every_wrong_line_counts_and_the_first_five_are_shown(file: Path) -> None:
    told = refused(file, GOOD + "x,1,1,1,1,1\n" * 7)
    assert told.count("must be milliseconds") == 5
    assert told.endswith("and 2 more")


@pytest.mark.parametrize("header", ["", "time,open,high,low,close", "time,date,open,high,low,close,volume"])
def test_a_header_that_is_not_one(file: Path, header: str) -> None:
    assert ":1: the header" in refused(file, header + "\n1704067200000,1,1,1,1,1\n")


def test_no_bar_no_file_no_text(file: Path) -> None:
    assert "holds no bar" in refused(file, GOOD.splitlines()[0])
    with pytest.raises(ToolError, match="cannot be read"):
        read_table(file.parent / "none.csv")
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ToolError, match="cannot be read"):
        read_table(file)


def test_the_interval_is_told_where_it_cannot_be_seen(file: Path) -> None:
    one = "".join(GOOD.splitlines(keepends=True)[:2])
    assert refused(file, one) == (
        f"{file}: holds one bar only, which does not tell its interval; say it: ARGS='--interval 1d'"
    )
    odd = refused(file, one + "2024-01-01T00:07:00Z,1,1,1,1,1\n")
    assert "bars 420000 ms apart are of no known interval; say which, such as ARGS='--interval 1d': one of 1m, " in odd
    file.write_text(one)
    assert read_table(file, Interval.D1).interval is Interval.D1
    file.write_text(GOOD)
    with pytest.raises(ToolError, match=r"multiple of the interval 4h .*or say ARGS='--interval 1d'"):
        read_table(file, Interval.H4)


def test_a_split_is_warned_about_and_stays(file: Path) -> None:
    file.write_text(GOOD + "2024-01-01T04:00:00Z,4080,4100,4000,4050,1\n")
    found = read_table(file)
    assert len(found.bars) == 4
    [warning] = found.warnings
    assert warning.startswith(f"{file}:5: open='4080' is 40 times the close before it")
