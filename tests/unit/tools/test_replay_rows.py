"""The CSV parser of a dataset folder: what it takes is consistent, what it refuses it names."""

from __future__ import annotations

import gzip
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.replay.bar import INTERVALS_MS
from tools.replay.errors import RuleError
from tools.replay.sources.refused import Refused
from tools.replay.sources.rows import HEADER, parse_row, read_rows

pytestmark = pytest.mark.native

GOOD = {
    "symbol": "BTCUSDT",
    "interval": "1h",
    "open_time_ms": "1704067200000",
    "open": "42283.58",
    "high": "42554.57",
    "low": "42261.02",
    "close": "42475.23",
    "volume": "1271.68108",
}
NUMBERS = ("open", "high", "low", "close", "volume")


def text(**changed: str) -> str:
    """A good row with some fields changed."""
    return ",".join({**GOOD, **changed}.values())


def refusal(content: str) -> RuleError:
    with pytest.raises(RuleError) as caught:
        parse_row(7, content)
    return caught.value


def test_a_good_row_is_taken_exactly() -> None:
    row = parse_row(7, text())
    assert row is not None
    assert (row.line, row.symbol, row.interval) == (7, "BTCUSDT", "1h")
    assert row.bar == (1704067200000, "42283.58", "42554.57", "42261.02", "42475.23", "1271.68108")


@pytest.mark.parametrize("column", NUMBERS)
@pytest.mark.parametrize(
    "value",
    ["NaN", "Infinity", "-inf", "1e400", "1e99999999", "1e-19", "9" * 19, "", " ", "0x10", "1,5", "1_0", "\u0661"],
)
def test_absurd_numbers_are_refused_by_column(column: str, value: str) -> None:
    broken = refusal(text(**{column: f'"{value}"'}))
    assert broken.column == column
    assert broken.value == value


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("open", "0"),
        ("open", "-1"),
        ("low", "42300"),
        ("high", "42400"),
        ("volume", "-0.1"),
        ("open_time_ms", "1704067200001"),
        ("open_time_ms", "1704067200000.0"),
        ("open_time_ms", "-3600000"),
        ("open_time_ms", "9" * 15),
        ("interval", "2h"),
        ("interval", "1H"),
        ("symbol", "btcusdt"),
        ("symbol", "A" * 33),
        ("symbol", ""),
        ("symbol", "'; DROP TABLE candles; --"),
    ],
)
def test_a_broken_rule_names_its_column_and_value(column: str, value: str) -> None:
    broken = refusal(text(**{column: value}))
    assert (broken.column, broken.value) == (column, value)
    assert broken.rule
    assert broken.remedy


@pytest.mark.parametrize("content", ["a", text() + ",", text().rsplit(",", 1)[0], '"' + text()])
def test_a_row_of_another_width_is_refused(content: str) -> None:
    assert refusal(content).column == "row"


@given(st.text())
def test_any_text_is_a_row_a_blank_or_a_refusal(content: str) -> None:
    refused = Refused()
    try:
        parse_row(2, content)
    except RuleError as broken:
        refused.add("a.csv", 2, broken)
    assert {one.column for one in refused.details} <= {*HEADER, "row"}


@given(
    st.fixed_dictionaries(
        {
            "symbol": st.text("AB1._-a ", max_size=4),
            "interval": st.sampled_from([*INTERVALS_MS, "2h"]),
            "open_time_ms": st.integers(-2, 10**9).map(lambda n: str(n * 60_000)),
            **{name: st.decimals(allow_nan=True, allow_infinity=True).map(str) for name in NUMBERS},
        }
    )
)
def test_what_is_taken_keeps_every_rule(fields: dict[str, str]) -> None:
    try:
        row = parse_row(2, ",".join(fields.values()))
    except RuleError:
        return
    assert row is not None
    open_, high, low, close, volume = map(Decimal, row.bar[1:])
    assert 0 < low <= min(open_, close) <= max(open_, close) <= high < 10**18
    assert volume >= 0
    assert row.bar.open_time_ms % INTERVALS_MS[row.interval] == 0


@given(st.lists(st.decimals("0.000001", 10**17, places=6), min_size=4, max_size=4), st.decimals(0, 10**17, places=18))
def test_good_numbers_survive_to_the_last_digit(prices: list[Decimal], volume: Decimal) -> None:
    low, open_, close, high = sorted(prices)
    texts = [format(number, "f") for number in (open_, high, low, close, volume)]
    row = parse_row(2, text(**dict(zip(NUMBERS, texts, strict=True))))
    assert row is not None
    assert list(row.bar[1:]) == texts


def read(file: Path) -> tuple[list[int], list[tuple[int, str]]]:
    """(lines taken, (line, column) refused)."""
    refused = Refused()
    taken = [row.line for row in read_rows(file, refused)]
    return taken, [(one.line, one.column) for one in refused.details]


def test_a_bad_row_costs_only_itself(tmp_path: Path) -> None:
    rows = [",".join(HEADER), text(), 'A,"1h', text(low="NaN"), "", text()]
    file = tmp_path / "a.csv"
    file.write_bytes("\r\n".join(rows).encode() + b"\r\n\xff\xfe," + text().encode() + b"\n" + text().encode())
    assert read(file) == ([2, 6, 8], [(3, "row"), (4, "low"), (7, "row")])


def test_a_wrong_header_refuses_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"time,open\n{text()}\n")
    assert read(tmp_path / "a.csv") == ([], [(1, "header")])


def test_what_stands_before_a_broken_end_plays(tmp_path: Path) -> None:
    lines = [text(open_time_ms=str(3_600_000 * n), volume=str(n * 7919)) for n in range(5_000)]
    whole = gzip.compress("\n".join([",".join(HEADER), *lines]).encode())
    (tmp_path / "a.csv.gz").write_bytes(whole[: len(whole) // 2])
    taken, refused = read(tmp_path / "a.csv.gz")
    assert taken
    assert [column for _, column in refused] in (["file"], ["row", "file"])
    assert read_error(tmp_path) == ["file"]


def read_error(folder: Path) -> list[str]:
    (folder / "b.csv.gz").write_bytes(b"this is not gzip")
    return [column for _, column in read(folder / "b.csv.gz")[1]]


def test_the_list_of_refusals_is_bounded_and_its_count_is_not() -> None:
    refused = Refused()
    for line in range(1_500):
        refused.add("a.csv", line, RuleError("low", "x" * 500, "rule", "remedy"))
    assert (refused.count, len(refused.details)) == (1_500, 1_000)
    assert str(refused.details[3]) == f"a.csv:3: low={'x' * 80!r}: rule; remedy"
