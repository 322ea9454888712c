from __future__ import annotations

import contextlib
import gzip
import zlib
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.book import ticks as module
from shared.book.ticks import PACK_MS, PACK_TICKS, Tick, TickBuffer, object_key, pack, unpack
from shared.errors import StorageUnavailable
from tests.unit.book.native_sql import NativeSql
from tests.unit.book.support import FakeStore, Tasks

DAY_MS = 86_400_000
numbers = st.integers(0, 2**53)
text = st.from_regex(r"\A[0-9]{1,18}(\.[0-9]{1,18})?\Z")
any_tick = st.builds(Tick, st.from_regex(r"\A[A-Z]{1,5}\Z"), numbers, numbers, numbers, text, text, text, text)


def tick(seq: int, ts_ms: int = 0) -> Tick:
    return Tick("AAPL", seq, ts_ms, seq, "1", "2", "1.01", "3")


class Crash(BaseException):
    """The process dies: no handler of ours sees it."""


@given(st.integers(1, 2**40), st.lists(any_tick, max_size=20))
def test_a_packed_row_gives_back_every_tick(first_n: int, ticks: list[Tick]) -> None:
    assert unpack(zlib.decompress(pack(first_n, ticks))) == list(enumerate(ticks, first_n))


def test_rows_are_written_by_number_and_by_time() -> None:
    sql, counters = NativeSql(), Counter[str]()
    buffer = TickBuffer(sql, FakeStore(), counters)
    for seq in range(PACK_TICKS):
        buffer.add(tick(seq), 0)
    assert sql.rows("SELECT first_n, last_n FROM ticks") == [(1, PACK_TICKS)]
    buffer.add(tick(1), 5)
    waits = []
    for at_ms in (5 + PACK_MS - 1, 5 + PACK_MS):
        buffer.pack_if_due(at_ms)
        waits.append(buffer.has_tail)
    assert waits == [True, False]
    assert buffer.buffered == PACK_TICKS + 1
    assert TickBuffer(sql, FakeStore(), counters).buffered == PACK_TICKS + 1


def test_a_flush_writes_one_object_under_the_market_day_and_forgets_its_rows() -> None:
    sql, store, counters = NativeSql(), FakeStore(), Counter[str]()
    buffer = TickBuffer(sql, store, counters)
    for seq in (1, 2, 3):
        buffer.add(tick(seq, DAY_MS * 365), 0)
    assert Tasks().run(buffer.flush("us", "0")) == (3, 1)
    assert list(store.objects) == ["ticks/v1/us/0/1971-01-01/000000000001-000000000003.ndjson.gz"]
    lines = gzip.decompress(next(iter(store.objects.values()))).decode().splitlines()
    assert lines[0] == '[1,"AAPL",1,31536000000,1,"1","2","1.01","3"]'
    assert (buffer.buffered, counters["ticks_flushed"]) == (0, 3)
    assert Tasks().run(buffer.flush("us", "0")) == (0, 0)
    buffer.add(tick(4), 0)
    Tasks().run(buffer.flush("us", "0"))
    assert [n for n, _ in store.ticks()] == [4, 1, 2, 3]


def test_keys_sort_by_number() -> None:
    assert object_key("us", "0", 9, 10, 0) < object_key("us", "0", 11, 100, 0)


def test_a_large_backlog_becomes_several_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OBJECT_TICKS", 2 * PACK_TICKS)
    store = FakeStore()
    buffer = TickBuffer(NativeSql(), store, Counter())
    for seq in range(5 * PACK_TICKS):
        buffer.add(tick(seq), 0)
    assert Tasks().run(buffer.flush("us", "0")) == (5 * PACK_TICKS, 3)
    assert [one.seq for _, one in store.ticks()] == list(range(5 * PACK_TICKS))


def test_two_flushes_at_once_write_the_same_object_and_count_it_once() -> None:
    store, tasks, results = FakeStore(), Tasks(), list[tuple[int, int]]()
    buffer = TickBuffer(NativeSql(), store, Counter())
    buffer.add(tick(1), 0)

    async def flush() -> None:
        results.append(await buffer.flush("us", "0"))

    tasks.spawn(flush())
    tasks.spawn(flush())
    tasks.settle()
    assert sorted(results) == [(0, 0), (1, 1)]
    assert (len(store.objects), buffer.buffered) == (1, 0)


def test_what_is_above_the_limit_is_dropped_oldest_first_and_counted() -> None:
    sql, store, counters = NativeSql(), FakeStore(), Counter[str]()
    buffer = TickBuffer(sql, store, counters, max_bytes=500)
    for seq in range(60):
        buffer.add(tick(seq), seq * PACK_MS)
    buffer.pack_tail()
    assert sql.rows("SELECT sum(size) FROM ticks")[0][0] <= 500
    assert counters["ticks_dropped"] == 60 - buffer.buffered > 0
    Tasks().run(buffer.flush("us", "0"))
    kept = [one.seq for _, one in store.ticks()]
    assert kept == list(range(60 - len(kept), 60))


def test_the_object_that_is_being_written_is_never_dropped() -> None:
    sql, store = NativeSql(), FakeStore()
    buffer = TickBuffer(sql, store, Counter(), max_bytes=300)
    buffer.add(tick(0), 0)
    store.fail_after = lambda: True
    with pytest.raises(StorageUnavailable):
        Tasks().run(buffer.flush("us", "0"))
    for seq in range(1, 40):
        buffer.add(tick(seq), seq * PACK_MS)
    store.fail_after = lambda: False
    Tasks().run(buffer.flush("us", "0"))
    seqs = [one.seq for _, one in store.ticks()]
    assert seqs[0] == 0
    assert len(set(seqs)) == len(seqs)


def test_storage_that_refuses_a_row_is_counted_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_TAIL", 10)
    sql, counters = NativeSql(), Counter[str]()
    buffer = TickBuffer(sql, FakeStore(), counters)

    def full(statement: str) -> None:
        raise StorageUnavailable("full")

    sql.before = full
    for seq in range(30):
        buffer.add(tick(seq), seq * PACK_MS)
    assert counters["tick_pack_failures"] > 0
    assert 0 < buffer.buffered <= 12
    assert counters["ticks_dropped"] + buffer.buffered == 30
    sql.before = lambda statement: None
    buffer.pack_if_due(10**9)
    assert not buffer.has_tail


def crash_at(step: int) -> Callable[[object], bool]:
    left = [step]

    def tell(_: object = None) -> bool:
        left[0] -= 1
        if left[0] == 0:
            raise Crash
        return False

    return tell


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.integers(1, 25), st.sampled_from(["crash", "before", "after"])),
        min_size=1,
        max_size=6,
    )
)
def test_every_packed_tick_reaches_r2_exactly_once_whatever_fails_where(rounds: list[tuple[int, int, str]]) -> None:
    sql, store = NativeSql(), FakeStore()
    packed: list[int] = []
    seq = 0
    buffer = TickBuffer(sql, store, Counter())
    for count, step, failure in rounds:
        for _ in range(count):
            seq += 1
            buffer.add(tick(seq), 0)
        buffer.pack_tail()
        packed = list(range(1, seq + 1))
        trouble = crash_at(step)
        if failure == "crash":
            sql.before = sql.after = trouble  # type: ignore[assignment]
            store.fail_before = store.fail_after = trouble  # type: ignore[assignment]
        elif failure == "before":
            store.fail_before = lambda: True
        else:
            store.fail_after = lambda: True
        with contextlib.suppress(Crash, StorageUnavailable):
            Tasks().run(buffer.flush("us", "0"))
        sql.before = sql.after = lambda statement: None
        store.fail_before = store.fail_after = lambda: False
        if failure == "crash":
            buffer = TickBuffer(sql, store, Counter())
    Tasks().run(buffer.flush("us", "0"))
    assert [one.seq for _, one in store.ticks()] == packed
    assert [n for n, _ in store.ticks()] == packed
    assert buffer.buffered == 0
