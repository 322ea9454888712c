"""Objects and their index: round trips, ranges, watermarks, compaction."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.archive import compact, keys, ndjson
from shared.archive.candles import CandleArchive, flat
from shared.archive.ndjson import Row
from shared.errors import Invalid, StorageUnavailable, TooLarge
from shared.model import Candle, Interval, exact
from tests.unit.native_ports import MemoryStore, NativeDatabase

DAY_MS = 86_400_000
STEP = 60_000
DAY0 = 20_000 * DAY_MS

_price = st.decimals("0.00000001", "999999999", places=8).map(exact.text)


@st.composite
def candles(draw: st.DrawFn) -> Candle:
    prices = sorted((draw(_price) for _ in range(4)), key=Decimal)
    low, open_, close, high = prices
    return Candle.of(
        instrument=f"us:{draw(st.sampled_from(['AAPL', 'BRK.B', 'X_1']))}", interval=Interval.M1,
        open_time_ms=draw(st.integers(0, 10**8)) * STEP, open=open_, high=high, low=low, close=close,
        volume=draw(_price),
    )  # fmt: skip


@given(st.lists(candles(), max_size=20))
def test_ndjson_round_trip_keeps_every_digit_and_gives_the_same_bytes(found: list[Candle]) -> None:
    rows = [ndjson.row(each) for each in found]
    body = ndjson.pack(rows)
    back = list(ndjson.unpack(body))
    assert back == rows
    assert [ndjson.candle("us", Interval.M1, each) for each in back] == found
    assert ndjson.pack(back) == body


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b"not gzip", "is not gzip"),
        (ndjson.pack([])[:8], "is not gzip"),
        (None, "is not a bar"),
    ],
)
def test_a_broken_object_says_which_and_where(body: bytes | None, rule: str) -> None:
    if body is None:
        packer = ndjson.Packer()
        packer.add(ndjson.line(row("A", 0)))
        packer.add(b'["A","late","1","1","1","1","1"]\n')
        body = packer.finish()
    with pytest.raises(Invalid, match=rule) as error:
        list(ndjson.unpack(body, "candles/x"))
    assert "candles/x" in error.value.detail


def row(symbol: str, number: int, close: str = "10", day: int = 0) -> Row:
    return Row(symbol, DAY0 + day * DAY_MS + number * STEP, close, close, close, close, "1")


class Place:
    """An archive on native ports."""

    def __init__(self, interval: Interval = Interval.M1) -> None:
        self.db, self.store = NativeDatabase(), MemoryStore()
        self.archive = CandleArchive(self.db, self.store, "us", interval)

    def write(self, rows: list[Row], run: str, now_ms: int = 1) -> None:
        asyncio.run(self._write(rows, run, now_ms))

    async def _write(self, rows: list[Row], run: str, now_ms: int) -> None:
        stored = await self.archive.put(rows, run)
        await self.db.batch([self.archive.index(stored, now_ms)])

    def read(self, from_ms: int = 0, to_ms: int = 10**14, symbols: set[str] | None = None) -> list[Row]:
        return flat(asyncio.run(self.archive.read(from_ms, to_ms, symbols)))

    def index(self) -> list[str]:
        return [each["key"] for each in self.db.all("SELECT key FROM archive_objects ORDER BY key")]

    def compact(self, unit: str = "2024-10-04", run: str = "c1") -> compact.Compacted:
        return asyncio.run(compact.compact(self.db, self.store, "us", self.archive._interval, unit, run, 5))


def test_writes_under_the_documented_key_and_reads_a_range() -> None:
    place = Place()
    place.write([row("A", n) for n in range(10)] + [row("B", n) for n in range(10)], "r1")
    assert list(place.store.objects) == ["candles/v1/us/1m/2024-10-04/r1.ndjson.gz"]
    assert place.read(DAY0 + 3 * STEP, DAY0 + 4 * STEP, {"A"}) == [row("A", 3), row("A", 4)]
    assert place.read(DAY0 + 20 * STEP) == []


def test_overlapping_objects_give_each_bar_once_and_the_first_stands() -> None:
    place = Place()
    place.write([row("A", n) for n in range(6)], "r1", 1)
    place.write([row("A", n, "11") for n in range(4, 9)], "r2", 2)
    found = place.read()
    assert [each.open_time_ms for each in found] == [DAY0 + n * STEP for n in range(9)]
    assert [each.close for each in found] == ["10"] * 6 + ["11"] * 3


def test_the_same_run_again_writes_the_same_object() -> None:
    place = Place()
    place.write([row("A", 1)], "r1")
    before = dict(place.store.objects)
    place.write([row("A", 1)], "r1")
    assert place.store.objects == before
    assert len(place.index()) == 1


def test_watermarks_move_forward_only() -> None:
    place = Place()

    async def mark(rows: list[Row]) -> None:
        bars: dict[str, dict[int, Row]] = {}
        for each in rows:
            bars.setdefault(each.symbol, {})[each.open_time_ms] = each
        await place.db.batch([place.archive.watermarks(bars, 1)])

    asyncio.run(mark([row("A", n) for n in (5, 6, 7)]))
    asyncio.run(mark([row("A", 2)]))
    found = place.db.all("SELECT open_time_ms, first_open_time_ms FROM watermarks")
    assert found == [{"open_time_ms": DAY0 + 7 * STEP, "first_open_time_ms": DAY0 + 2 * STEP}]


def test_an_object_swept_between_index_and_read_is_found_through_the_new_index() -> None:
    place = Place()
    place.write([row("A", 1)], "r1")
    place.write([row("A", 2)], "r2")
    moved: list[int] = []

    def swap(operation: str, key: str) -> None:
        if operation == "get" and not moved:
            moved.append(1)
            place.store.fail = lambda operation, key: None
            stored_rows = [row("A", 1), row("A", 2)]
            body = ndjson.pack(stored_rows)
            place.store.objects = {"candles/v1/us/1m/2024-10-04/day.ndjson.gz": body}
            place.db.change("UPDATE archive_objects SET key = 'candles/v1/us/1m/2024-10-04/day.ndjson.gz'"
                            " WHERE key LIKE '%r1%'")  # fmt: skip
            place.db.change("DELETE FROM archive_objects WHERE key LIKE '%r2%'")

    place.store.fail = swap
    assert len(place.read()) == 2


def test_an_object_that_is_gone_is_an_error_not_an_empty_answer() -> None:
    place = Place()
    place.write([row("A", 1)], "r1")
    place.store.objects.clear()
    with pytest.raises(StorageUnavailable, match="r1"):
        place.read()


def test_a_range_over_too_many_objects_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.archive.candles.MAX_OBJECTS", 2)
    place = Place()
    for n in range(3):
        place.write([row("A", n)], f"r{n}")
    with pytest.raises(TooLarge):
        place.read()


def test_compaction_makes_one_object_of_a_day_and_loses_nothing() -> None:
    place = Place()
    for n in range(5):
        place.write([row(s, n) for s in "AB"], f"r{n}", n)
    place.write([row("A", 3), row("A", 9)], "late", 9)
    before = place.read()
    step = place.compact()
    assert step == compact.Compacted(6, 12, 11, 0, False)
    assert place.index() == list(place.store.objects) == ["candles/v1/us/1m/2024-10-04/day.ndjson.gz"]
    assert place.read() == before
    place.write([row("B", 7)], "later", 10)
    step = place.compact(run="c2")
    assert step.merged == 2
    assert place.index() == list(place.store.objects)
    assert place.read() == [*before[:-1], row("B", 7), before[-1]]


def test_bars_of_an_hour_or_more_are_compacted_by_month() -> None:
    place = Place(Interval.D1)
    for day in range(-2, 3):
        place.write([Row("A", DAY0 + day * DAY_MS, "1", "1", "1", "1", "1")], f"r{day}")
    units = asyncio.run(compact.units(place.db, "us", Interval.D1, "2024-11-01", 9))
    assert units == ["2024-10"]
    assert asyncio.run(compact.units(place.db, "us", Interval.D1, "2024-10-30", 9)) == []
    place.compact("2024-10")
    assert place.index() == ["candles/v1/us/1d/2024-10/month.ndjson.gz"]
    assert len(place.read()) == 5


def test_too_many_objects_are_merged_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compact, "MAX_MERGED", 4)
    place = Place()
    for n in range(9):
        place.write([row("A", n)], f"r{n}", n)
    before = place.read()
    steps = [place.compact(run=f"c{i}") for i in range(3)]
    assert [step.more for step in steps] == [True, True, False]
    assert place.index() == list(place.store.objects) == ["candles/v1/us/1m/2024-10-04/day.ndjson.gz"]
    assert place.read() == before


def test_the_unit_that_grows_is_gathered_once_its_objects_are_many() -> None:
    place = Place()

    def gather(run: str) -> compact.Compacted:
        return asyncio.run(compact.gather(place.db, place.store, "us", Interval.M1, "2024-10-04", run, 5))

    for n in range(59):
        place.write([row(s, n) for s in "AB"], f"r{n:03d}", n)
    assert gather("g1").merged == 0
    place.write([row("A", 59)], "r059", 59)
    stray = keys.run_key("us", Interval.M1, "2024-10-04", "writing")
    place.store.objects[stray] = b"of an ingest that is not through"
    before = place.read()
    assert gather("g1") == compact.Compacted(60, 119, 119, 0, more=False)
    assert place.index() == ["candles/v1/us/1m/2024-10-04/part-g1.ndjson.gz"]
    assert place.read() == before
    assert stray in place.store.objects, "nothing is swept beside a running ingest"
    for n in range(60, 120):
        place.write([row("A", n)], f"r{n:03d}", n)
    before = place.read()
    assert gather("g2").merged == 60, "parts are not gathered again"
    assert len(place.index()) == 2
    del place.store.objects[stray]
    assert place.compact().merged == 2
    assert place.read() == before
    assert place.index() == list(place.store.objects) == ["candles/v1/us/1m/2024-10-04/day.ndjson.gz"]


def test_units_are_past_ones_with_more_than_one_object() -> None:
    place = Place()
    for n in range(2):
        place.write([row("A", n)], f"a{n}")
        place.write([row("A", n, day=1)], f"b{n}")
    place.write([row("A", 1, day=-1)], "single")
    assert asyncio.run(compact.units(place.db, "us", Interval.M1, "2024-10-05", 9)) == ["2024-10-04"]
    assert asyncio.run(compact.units(place.db, "us", Interval.M1, "2024-10-06", 1)) == ["2024-10-04"]


def test_a_crash_at_any_point_of_compaction_loses_nothing() -> None:
    for crash in range(8):
        place = Place()
        for n in range(3):
            place.write([row("A", n)], f"r{n}", n)
        before = place.read()
        steps: list[str] = []

        def fail(what: str, crash: int = crash, steps: list[str] = steps) -> None:
            steps.append(what)
            if len(steps) == crash + 1:
                raise StorageUnavailable(what)

        place.store.fail = lambda operation, key, fail=fail: fail(f"{operation} {key}")  # type: ignore[misc]
        place.db.fail = lambda sql, fail=fail: fail(sql) if sql.startswith("DELETE") else None  # type: ignore[misc]
        with pytest.raises(StorageUnavailable):
            place.compact()
        place.store.fail, place.db.fail = lambda operation, key: None, lambda sql: None
        assert place.read() == before, steps
        place.compact(run="again")
        assert place.read() == before
        assert place.index() == list(place.store.objects)


def test_what_is_read_back_differently_is_not_switched_to() -> None:
    place = Place()
    place.write([row("A", 1)], "r1")
    place.write([row("A", 2)], "r2")
    before = place.index()

    def spoil(operation: str, key: str) -> None:
        if operation == "get" and key.endswith("day.ndjson.gz"):
            place.store.objects[key] = b"other"

    place.store.fail = spoil
    with pytest.raises(StorageUnavailable, match="read back"):
        place.compact()
    assert place.index() == before


def test_sweep_leaves_the_object_of_a_run_that_has_not_ended() -> None:
    place = Place()
    place.write([row("A", 1)], "r1")
    for run, state in (("alive", "running"), ("dead", "failed")):
        key = keys.run_key("us", Interval.M1, "2024-10-04", run)
        place.store.objects[key] = ndjson.pack([row("A", 2)])
        values: tuple[Any, ...] = (run, "ingest", "us", state, "cron", 1)
        place.db.change("INSERT INTO job_runs (id, job, scope, state, requested_by, queued_ms) VALUES (?,?,?,?,?,?)",
                        *values)  # fmt: skip
    assert asyncio.run(compact.sweep(place.db, place.store, "us", Interval.M1, "2024-10-04")) == 1
    assert [keys.run_of(key) for key in sorted(place.store.objects)] == ["alive", "r1"]
    assert asyncio.run(compact.sweep(place.db, place.store, "us", Interval.M1, "1999-01-01")) == 0


def test_compacting_over_a_missing_object_changes_nothing() -> None:
    place = Place()
    place.write([row("A", 1)], "r1")
    place.write([row("A", 2)], "r2")
    place.store.objects.popitem()
    with pytest.raises(StorageUnavailable):
        place.compact()
    assert len(place.index()) == 2
