"""The object's own alarm, with every other worker stopped: it measures the silence, and remembers it over an eviction."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import Refused, VenueUnavailable
from shared.venues.paper import PaperVenue
from shared.venues.venue import Offers
from tests.unit.desk.bench import DAY, NOW, T0, Bench, candle, opening, quote, run
from tests.unit.desk.native_sql import NativeSql


class Switched(PaperVenue):
    """A paper venue with a switch of its own."""

    told: list[int]
    down = False
    unwilling = False

    def __init__(self, sql: NativeSql) -> None:
        super().__init__(sql)
        self.told = []

    @property
    def offers(self) -> Offers:
        return Offers(dead_man=True)

    async def keep_alive(self, within_s: int) -> None:
        if self.down:
            raise VenueUnavailable("time-out")
        if self.unwilling:
            raise Refused("not for this key", code="forbidden")
        self.told.append(within_s)


def minute_desk(**protections: Any) -> Bench:
    """A desk of minute bars, so that its data may not be silent for long."""
    bench = Bench(opened=False)
    run(bench.desk.open(opening(interval_ms=60_000, protections=protections)))
    return bench


def alone(bench: Bench, ms: int, beat: str = "") -> None:
    """Time goes by and only the alarm fires, whenever it is due."""
    until_ms = bench.clock.now_ms() + ms
    while (at_ms := bench.alarm.at_ms or until_ms) < until_ms:
        bench.clock.advance(max(0, at_ms - bench.clock.now_ms()))
        bench.fire()
        if beat == "cron":
            bench.call("tick")
    bench.clock.advance(until_ms - bench.clock.now_ms())
    bench.fire()


def codes(bench: Bench) -> set[str]:
    return set(bench.state.reductions)


def test_with_everything_else_stopped_the_desk_reduces_and_then_halts() -> None:
    bench = Bench()
    alone(bench, 170_000)
    assert bench.state.status == "active"
    alone(bench, 110_000)
    assert codes(bench) == {"deadman_cron"}
    bench.bars(candle("AAA", 0, "100"))
    with pytest.raises(Refused) as caught:
        bench.place("AAA", "buy", "1")
    assert caught.value.error_code == "reducing"
    alone(bench, 420_000)
    assert (bench.state.status, bench.state.halt_code) == ("halted", "deadman_cron")


def test_open_orders_are_cancelled_at_the_venue_by_the_alarm_alone() -> None:
    bench = Bench()
    bench.bars(candle("AAA", 0, "100"))
    entry = bench.place("AAA", "buy", "1", kind="limit", limit_price="90")["client_id"]
    alone(bench, 800_000)
    assert bench.order(entry)["status"] == "cancelled"


def test_a_tick_keeps_it_awake_and_lifts_the_reduction() -> None:
    bench = Bench()
    alone(bench, 900_000, beat="cron")
    assert bench.state.status == "active"
    alone(bench, 300_000)
    assert codes(bench) == {"deadman_cron"}
    assert bench.call("tick")["status"] == "active"
    assert bench.kinds()[-1] == "reduction_lifted"


def test_an_evicted_object_remembers_when_it_last_heard_of_the_cron() -> None:
    bench = Bench()
    bench.call("tick")
    alone(bench, 100_000)
    bench.reborn()
    alone(bench, 100_000)
    bench.reborn()
    alone(bench, 100_000)
    assert codes(bench) == {"deadman_cron"}


def test_when_everything_stood_still_the_desk_reduces_at_most_and_halts_only_if_nobody_comes() -> None:
    bench = Bench()
    bench.call("tick")
    bench.clock.advance(DAY)
    bench.reborn()
    bench.fire()
    assert (bench.state.status, codes(bench)) == ("reducing", {"deadman_cron"})
    alone(bench, 300_000)
    assert bench.state.status == "reducing"
    alone(bench, 300_000)
    assert bench.state.status == "halted"


@pytest.mark.parametrize(("late_ms", "status"), [(180_000, "halted"), (180_001, "reducing")])
def test_a_look_counts_as_late_when_two_others_should_have_come_before(late_ms: int, status: str) -> None:
    bench = Bench()
    # every 90 s there is a look: the last one comes now
    alone(bench, 450_000)
    bench.clock.advance(late_ms)
    bench.fire()
    assert bench.state.status == status


def test_silent_data_reduces_then_halts_and_a_quote_lifts_it() -> None:
    bench = minute_desk()
    alone(bench, 400_000, beat="cron")
    assert codes(bench) == {"deadman_data"}
    bench.call("heartbeat", quotes=[quote("AAA", "99", "101", T0, bench.clock.now_ms())])
    assert bench.state.status == "active"
    bench.call("heartbeat", quotes=[])
    alone(bench, 400_000, beat="cron")
    assert codes(bench) == {"deadman_data"}
    alone(bench, 1_800_000, beat="cron")
    assert bench.state.halt_code == "deadman_data"


def test_bars_are_data_and_an_empty_heartbeat_is_not() -> None:
    bench = minute_desk()
    for _ in range(8):
        alone(bench, 60_000, beat="cron")
        bench.call("heartbeat", quotes=[])
    assert codes(bench) == {"deadman_data"}
    bench.bars({**candle("AAA", 0, "100"), "interval": "1m"})
    assert bench.state.status == "active"


def test_a_closed_market_may_be_silent() -> None:
    bench = minute_desk()
    bench.call("tick", quiet=True)
    bench.reborn()
    for _ in range(40):
        alone(bench, 60_000)
        bench.call("tick", quiet=True)
    assert bench.state.status == "active"
    bench.reborn()
    # the cron comes on and does not say it anew: it is remembered
    alone(bench, 400_000, beat="cron")
    assert bench.state.status == "active"
    bench.call("tick", quiet=False)
    alone(bench, 400_000, beat="cron")
    assert codes(bench) == {"deadman_data"}


def test_beats_are_written_every_ten_seconds_at_most() -> None:
    bench = Bench()
    written: list[str] = []
    spied = bench.sql.rows

    def rows(sql: str, *params: Any) -> list[tuple[Any, ...]]:
        if "meta" in sql and params[:1] == ("beats",) and sql.startswith("INSERT"):
            written.append(sql)
        return spied(sql, *params)

    bench.sql.rows = rows  # type: ignore[method-assign]
    for _ in range(21):
        bench.call("heartbeat", quotes=[quote("AAA", "99", "101", T0, NOW)])
        bench.clock.advance(1000)
    assert len(written) == 3


def test_it_can_be_switched_off() -> None:
    bench = minute_desk(dead_man=dict.fromkeys(("cron_reduce_s", "cron_halt_s", "data_reduce_s", "data_halt_s"), 0))
    alone(bench, 10 * 3_600_000)
    assert bench.state.status == "active"


def test_switching_it_off_lifts_what_stands_with_the_next_beat() -> None:
    bench = Bench()
    alone(bench, 300_000)
    assert codes(bench) == {"deadman_cron"}
    run(bench.desk.open(opening(protections={"dead_man": {"cron_reduce_s": 0, "cron_halt_s": 0}})))
    bench.fire()
    alone(bench, 100_000)
    assert bench.state.status == "active"


def test_a_venue_with_a_switch_of_its_own_is_told_while_orders_are_open() -> None:
    bench = Bench(venue=Switched)
    bench.bars(candle("AAA", 0, "100"))
    bench.call("tick")
    assert bench.venue.told == []
    entry = bench.place("AAA", "buy", "1", kind="limit", limit_price="90")["client_id"]
    bench.call("tick")
    alone(bench, 100_000)
    assert bench.venue.told == [300, 300]
    bench.venue.down = True
    bench.call("tick")
    bench.venue.down, bench.venue.unwilling = False, True
    bench.call("tick")
    bench.venue.unwilling = False
    bench.call("cancel", client_id=entry, by="me", idempotency_key="c")
    bench.call("tick")
    bench.call("tick")
    assert bench.venue.told == [300, 300, 0]


def test_the_alarm_reviews_the_protections_too() -> None:
    bench = Bench(opened=False)
    run(bench.desk.open(opening(protections={"stale_data": {"calls_for": "reducing", "after_s": 60}})))
    bench.held("AAA", 1)
    alone(bench, 100_000)
    assert "stale_data" in codes(bench)
