"""Named timers in a table, and the one alarm that serves them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.desk.schema import migrate
from shared.desk.timers import GUARD_MS, Timers, backoff_ms
from tests.unit.desk.native_sql import NativeAlarm, NativeSql


def fresh() -> tuple[Timers, NativeSql, NativeAlarm]:
    sql, alarm = NativeSql(":memory:"), NativeAlarm()
    migrate(sql)
    timers = Timers(sql, alarm)
    timers.load()
    return timers, sql, alarm


def rows(sql: NativeSql) -> list[tuple[object, ...]]:
    return [tuple(row) for row in sql.rows("SELECT name, due_ms, attempt FROM timers ORDER BY name")]


@pytest.mark.parametrize(
    ("attempt", "ms"), [(0, 1000), (1, 2000), (2, 4000), (5, 32_000), (6, 60_000), (10, 60_000), (10**9, 60_000)]
)
def test_it_waits_a_second_then_twice_as_long_up_to_a_minute(attempt: int, ms: int) -> None:
    assert backoff_ms(attempt) == ms


def test_each_failure_puts_it_off_further_from_now() -> None:
    timers, sql, _ = fresh()
    timers.retry("send", 100)
    assert rows(sql) == [("send", 1100, 1)]
    timers.retry("send", 1100)
    assert rows(sql) == [("send", 3100, 2)]
    timers.put("send", 5)
    timers.retry("send", 10_000)
    assert rows(sql) == [("send", 11_000, 1)]


def test_a_timer_is_due_at_its_time_the_longest_overdue_first() -> None:
    timers, _, _ = fresh()
    for name, due_ms in (("b", 5), ("a", 5), ("late", 9), ("first", 1)):
        timers.put(name, due_ms)
    assert timers.due(0) == []
    assert timers.due(5) == ["first", "a", "b"]
    assert timers.due(8) == ["first", "a", "b"]
    assert timers.next_ms == 1


def test_the_table_is_the_truth_after_a_transaction_that_was_rolled_back() -> None:
    timers, sql, _ = fresh()
    timers.put("keep", 7, 2)
    sql.rows("DELETE FROM timers")
    assert timers.has("keep")
    timers.load()
    assert not timers.has("keep")
    assert timers.next_ms is None


def test_another_object_reads_what_was_put() -> None:
    timers, sql, alarm = fresh()
    timers.put("keep", 7, 2)
    other = Timers(sql, alarm)
    assert not other.has("keep")
    other.load()
    assert other.has("keep")
    other.retry("keep", 0)
    assert rows(sql) == [("keep", 4000, 3)]


def test_what_does_not_change_is_not_written() -> None:
    timers, sql, _ = fresh()
    timers.put("a", 7)
    sql.rows("DELETE FROM timers")
    timers.put("a", 7)
    assert rows(sql) == []
    timers.put("a", 7, 1)
    assert rows(sql) == [("a", 7, 1)]


def test_clearing_takes_away_one() -> None:
    timers, sql, _ = fresh()
    timers.put("a", 7)
    timers.put("b", 8)
    timers.clear("a")
    timers.clear("never")
    assert rows(sql) == [("b", 8, 0)]
    assert (timers.has("a"), timers.has("b")) == (False, True)


def test_the_alarm_stands_at_the_earliest_and_is_moved_only_when_it_has_to_be() -> None:
    timers, _, alarm = fresh()
    timers.arm()
    timers.arm(anew=True)
    assert alarm.arms == 0
    timers.put("a", 9)
    timers.arm()
    timers.arm()
    assert (alarm.at_ms, alarm.arms) == (9, 1)
    timers.put("b", 10)
    timers.arm()
    assert alarm.arms == 1
    timers.arm(anew=True)
    assert (alarm.at_ms, alarm.arms) == (9, 2)
    timers.put("b", 3)
    timers.arm()
    assert (alarm.at_ms, alarm.arms) == (3, 3)


def test_a_firing_alarm_guards_itself_for_a_minute() -> None:
    timers, _, alarm = fresh()
    timers.put("a", 9)
    timers.guard(100)
    assert alarm.at_ms == 100 + GUARD_MS == 60_100
    timers.arm()
    assert alarm.at_ms == 9
    timers.put("a", 70_100)
    timers.guard(10_100)
    timers.arm()
    assert (alarm.at_ms, alarm.arms) == (70_100, 3)


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 20)), st.integers(0, 20))
def test_due_is_exactly_what_has_come(due: dict[str, int], now_ms: int) -> None:
    timers, _, _ = fresh()
    for name, due_ms in due.items():
        timers.put(name, due_ms)
    assert timers.due(now_ms) == sorted((name for name in due if due[name] <= now_ms), key=lambda n: (due[n], n))
    assert timers.next_ms == min(due.values(), default=None)
