"""The way to the venue, and what is done now and then without a decision: chores and the alarm."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from shared.clock import FixedClock
from shared.desk import chores, commands
from shared.desk.alarms import Alarms
from shared.desk.line import Line
from shared.desk.timers import GUARD_MS, Timers
from shared.errors import Refused, VenueUnavailable
from shared.venues.venue import Offers
from tests.unit.desk.bench import NOW, Bench, candle, run
from tests.unit.desk.native_sql import NativeAlarm
from tests.unit.desk.protections.core import Core
from tests.unit.desk.remote import Remote, down, no
from tests.unit.desk.test_orders import order
from tests.unit.desk.test_schema import NativeSql, migrate

CALLS: dict[str, tuple[Any, ...]] = {
    "place": (order(),),
    "cancel": ("a" * 32, "far-1"),
    "order": ("a" * 32, "far-1"),
    "account": (7,),
    "credentials": (),
    "keep_alive": (60,),
}


class Echo:
    """Answers what it was called with."""

    offers = Offers(oco=True)

    def __getattr__(self, name: str) -> Any:
        async def told(*args: Any) -> tuple[Any, ...]:
            return (name, *args)

        return told


@pytest.mark.parametrize("method", CALLS)
def test_every_call_is_passed_on_as_it_is(method: str) -> None:
    line = Line(FixedClock(NOW))
    line.take(Echo())  # type: ignore[arg-type]
    line.silent_ms = 5
    assert run(getattr(line, method)(*CALLS[method])) == (method, *CALLS[method])
    assert line.silent_ms == 0
    assert line.offers is Echo.offers


@pytest.mark.parametrize("method", CALLS)
def test_without_a_venue_every_call_goes_unanswered(method: str) -> None:
    line = Line(FixedClock(NOW))
    with pytest.raises(VenueUnavailable) as caught:
        run(getattr(line, method)(*CALLS[method]))
    assert caught.value.error_code == "venue_not_set_up"
    assert caught.value.detail == line.detail == "the venue of this desk is not set up here"
    assert (line.silent_ms, line.offers) == (NOW, Offers(client_ids=False))


def test_a_silence_is_told_since_its_first_call_with_its_newest_word() -> None:
    clock, remote, core = FixedClock(NOW), Remote(), Core()
    line = Line(clock)
    line.take(remote)  # type: ignore[arg-type]
    assert line.news(None) is None
    assert line.news(core.known) is None
    remote.trouble.extend([*down(), VenueUnavailable("still nothing"), None, *down(), no()])
    for wanted in ("no answer", "still nothing"):
        with pytest.raises(VenueUnavailable):
            run(line.credentials())
        clock.advance(1000)
        assert line.news(core.known) == commands.VenueSilent(NOW, wanted)
    assert line.news(None) is None
    run(line.credentials())
    assert line.silent_ms == 0
    assert line.news(core.known.but(venue_silent_ms=NOW)) == commands.VenueAnswered()
    assert line.news(core.known) is None
    with pytest.raises(VenueUnavailable):
        run(line.credentials())
    assert line.silent_ms == NOW + 2000
    with pytest.raises(Refused):
        run(line.credentials())
    assert line.silent_ms == 0


def test_paper_takes_the_calls_and_the_bars() -> None:
    line, paper = Line(FixedClock(NOW)), Echo()
    assert line.on_bars([]) == []
    paper.on_bars = lambda candles: [candles]  # type: ignore[attr-defined]
    line.take(None, paper)  # type: ignore[arg-type]
    assert (line.venue, line.paper) == (paper, paper)
    assert line.on_bars([1]) == [[1]]  # type: ignore[list-item, comparison-overlap]
    line.take(paper)  # type: ignore[arg-type]
    assert line.paper is None
    assert line.on_bars([1]) == []  # type: ignore[list-item]


# --- chores ---


def test_an_offer_to_resume_runs_out_and_its_timer_with_it() -> None:
    bench = Bench()
    bench.call("halt", by="me", reason="x")
    told = bench.call("resume_request", by="me", reason="y")
    bench.clock.advance(1000)
    run(bench.desk.engine.chores.expire_resume())
    assert bench.state.resume is not None
    assert bench.sql.rows("SELECT due_ms FROM timers WHERE name = 'resume'") == [(told["expires_ms"],)]
    bench.clock.advance(299_000)
    bench.fire()
    assert bench.state.resume is None
    assert bench.sql.rows("SELECT due_ms FROM timers WHERE name = 'resume'") == []


def test_answers_that_ran_out_are_pruned_once_a_day() -> None:
    assert (chores.TIMER, chores.EVERY_MS) == ("prune", 86_400_000)
    bench = Bench()
    bench.bars(candle("AAA", 0, "100"))
    bench.place("AAA", "buy", "1", key="old")
    bench.clock.advance(7 * 86_400_000)
    bench.call("halt", by="me", reason="x", idempotency_key="new")
    run(bench.desk.engine.chores.prune())
    assert bench.sql.rows("SELECT key FROM idempotency") == [("new",)]
    ((due_ms,),) = bench.sql.rows("SELECT due_ms FROM timers WHERE name = 'prune'")
    assert due_ms == bench.clock.now_ms() + 86_400_000


# --- the alarm ---


class Rig:
    def __init__(self) -> None:
        sql = NativeSql(":memory:")
        migrate(sql)
        self.alarm, self.clock = NativeAlarm(), FixedClock(NOW)
        self.timers = Timers(sql, self.alarm)
        self.ran: list[str] = []
        self.alarms = Alarms(self.timers, self.clock, lambda: self.ran.append("wake"))

    def timer(self, name: str, due_ms: int, wrong: bool = False) -> None:
        async def go() -> None:
            self.ran.append(name)
            if wrong:
                raise RuntimeError(name)
            self.timers.clear(name)

        self.alarms.runs[name] = go
        self.timers.put(name, due_ms)

    def fire(self) -> list[str]:
        self.ran.clear()
        asyncio.run(self.alarms.fire())
        return self.ran


def test_the_alarm_runs_what_is_due_and_stands_at_what_is_next() -> None:
    rig = Rig()
    assert rig.fire() == ["wake"]
    assert rig.alarm.at_ms is None
    rig.timer("due", NOW)
    rig.timer("overdue", NOW - 5)
    rig.timer("later", NOW + 1)
    assert rig.fire() == ["wake", "overdue", "due"]
    assert (rig.alarm.at_ms, rig.alarms.faults) == (NOW + 1, {})


def test_a_timer_that_breaks_stops_no_other_and_is_tried_again_later() -> None:
    rig = Rig()
    rig.timer("bad", NOW - 1, wrong=True)
    rig.timer("good", NOW)
    for number, wait_ms in ((1, 1000), (2, 2000)):
        assert rig.fire()[:2] == ["wake", "bad"]
        assert rig.alarms.faults == {"timer_bad": number}
        assert rig.timers.next_ms == rig.clock.now_ms() + wait_ms == rig.alarm.at_ms
        rig.clock.advance(wait_ms)
    assert not rig.timers.has("good")


def test_a_timer_that_means_nothing_any_more_is_cleared() -> None:
    rig = Rig()
    rig.timers.put("of another release", NOW)
    assert rig.fire() == ["wake"]
    assert not rig.timers.has("of another release")
    assert rig.alarms.faults == {}


def test_the_alarm_stands_guard_while_timers_run() -> None:
    rig, seen = Rig(), []

    async def look() -> None:
        seen.append(rig.alarm.at_ms)
        rig.timers.clear("look")

    rig.alarms.runs["look"] = look
    rig.timers.put("look", NOW)
    rig.fire()
    assert seen == [NOW + GUARD_MS]


@pytest.mark.parametrize("error", [VenueUnavailable("x"), RuntimeError("x")])
def test_a_desk_that_cannot_wake_runs_nothing(error: Exception) -> None:
    rig = Rig()
    rig.timer("due", NOW)

    def wake() -> None:
        raise error

    rig.alarms = Alarms(rig.timers, rig.clock, wake)
    rig.fire()
    assert (rig.ran, rig.alarms.faults) == ([], {"wake": 1})
