"""The hot window: a cache that packs, merges, and is rebuilt."""

from __future__ import annotations

import asyncio
import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.archive import hot
from shared.archive.ndjson import Row
from shared.errors import TooLarge
from shared.model import Interval
from tests.unit.archive.test_archive import DAY0, STEP, Place, row

_rows = st.lists(st.tuples(st.sampled_from("ABC"), st.integers(0, 60)), max_size=80).map(
    lambda pairs: [row(symbol, number) for symbol, number in pairs]
)


def window(rows: list[Row], limit: int = 10) -> hot.Window:
    found = hot.Window("us", Interval.M1, limit)
    found.add(rows)
    return found


@given(rows=_rows, limit=st.integers(1, 30))
def test_holds_the_newest_bars_ascending_and_packs_round(rows: list[Row], limit: int) -> None:
    found = window(rows, limit)
    for symbol, series in found.series.items():
        times = sorted({each.open_time_ms for each in rows if each.symbol == symbol})
        assert list(series) == times[-limit:]
        assert found.newest_ms(symbol) == times[-1]
        assert found.oldest_ms(symbol) == times[-limit:][0]
    back = hot.from_bytes(found.to_bytes(), "us", Interval.M1, limit)
    assert back.series == {symbol: series for symbol, series in sorted(found.series.items()) if series}
    assert back.to_bytes() == found.to_bytes()


@given(rows=_rows, cut=st.integers(0, 80))
def test_the_order_of_arrival_does_not_matter(rows: list[Row], cut: int) -> None:
    one = window(rows, 100)
    two = window(rows[cut:], 100)
    two.add(rows[:cut])
    assert one.to_bytes() == two.to_bytes()


def _packed(**changes: object) -> bytes:
    body = json.loads(gzip.decompress(window([row("A", 1), row("A", 2)]).to_bytes()))
    return gzip.compress(json.dumps({**body, **changes}).encode())


@pytest.mark.parametrize(
    "body",
    [
        None, b"", b"garbage", gzip.compress(b"{"), gzip.compress(b"[]"), _packed(v=2), _packed(venue="fx"),
        _packed(symbols={"A": {"t": [1]}}),
        _packed(symbols={"A": {"t": [1], "o": [], "h": [], "l": [], "c": [], "v": []}}),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_an_empty_window(body: bytes | None) -> None:
    assert hot.from_bytes(body, "us", Interval.M1, 10).series == {}


def test_behind_only_by_what_is_archived_and_hot() -> None:
    found = window([row("A", n) for n in range(100, 105)])
    assert found.behind({}) is None
    assert found.behind({"A": DAY0 + 104 * STEP}) is None
    assert found.behind({"A": DAY0 + 110 * STEP}) == DAY0 + 105 * STEP
    assert found.behind({"A": DAY0 + 104 * STEP, "DEAD": DAY0 - 500 * STEP}) is None
    assert found.behind({"A": DAY0 + 104 * STEP, "NEW": DAY0 + 104 * STEP}) == DAY0 + 84 * STEP


def test_a_lost_window_is_rebuilt_and_a_stale_one_patched() -> None:
    place = Place()
    place.write([row(s, n) for n in range(50) for s in "AB"], "r1")
    place.write([row(s, n) for n in range(50, 55) for s in "AB"], "r2")
    marks = dict.fromkeys("AB", DAY0 + 54 * STEP)
    empty = hot.from_bytes(None, "us", Interval.M1, 10)
    assert asyncio.run(hot.catch_up(empty, marks, place.archive)) > 20
    assert list(empty.series["A"]) == [DAY0 + n * STEP for n in range(45, 55)]
    stale = window([row(s, n) for n in range(40, 50) for s in "AB"])
    place.store.gets = 0
    assert asyncio.run(hot.catch_up(stale, marks, place.archive)) == 10
    assert place.store.gets == 1
    assert stale.to_bytes() == empty.to_bytes()
    assert asyncio.run(hot.catch_up(stale, marks, place.archive)) == 0


def test_where_objects_are_too_many_the_newest_part_is_taken_and_no_hole_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.archive.candles.MAX_OBJECTS", 6)
    place = Place()
    for n in range(40):
        place.write([row("A", n)] + ([row("B", n)] if n < 30 else []), f"r{n}")
    marks = {"A": DAY0 + 39 * STEP, "B": DAY0 + 29 * STEP}
    found = window([row(s, n) for n in range(20, 30) for s in "AB"])
    assert asyncio.run(hot.catch_up(found, marks, place.archive)) > 0
    times = list(found.series["A"])
    assert times == [DAY0 + n * STEP for n in range(40 - len(times), 40)]
    assert len(times) >= 3
    assert len(found.series["B"]) == 10, "a symbol that lacks nothing keeps what it has"


def test_one_interval_in_too_many_objects_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.archive.candles.MAX_OBJECTS", 2)
    place = Place()
    for n in range(4):
        place.write([row("A", 5)], f"r{n}")
    with pytest.raises(TooLarge):
        asyncio.run(hot.catch_up(window([]), {"A": DAY0 + 5 * STEP}, place.archive))
