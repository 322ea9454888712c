"""What the dead man's switch remembers, and what it tells a venue that has one too."""

from __future__ import annotations

from typing import Any

from tests.unit.desk.bench import NOW, T0, Bench, candle, quote, run
from tests.unit.desk.test_deadman import Switched


def beats(bench: Bench) -> dict[str, Any]:
    return dict(bench.desk.engine.deadman._beats)


def test_a_switch_remembers_each_beat_at_its_time() -> None:
    bench = Bench()
    begun = beats(bench)
    assert begun == {"cron": NOW, "data": NOW, "looked": NOW}
    bench.clock.advance(20_000)
    bench.call("tick")
    assert beats(bench) == {"cron": NOW + 20_000, "data": NOW, "looked": NOW}
    bench.clock.advance(20_000)
    bench.call("heartbeat", quotes=[quote("AAA", "99", "101", T0, NOW)])
    told = {"cron": NOW + 20_000, "data": NOW + 40_000, "looked": NOW}
    assert beats(bench) == told
    bench.reborn().call("view")
    assert beats(bench) == told


def test_what_lies_in_the_future_was_heard_now() -> None:
    bench = Bench()
    bench.clock.advance(20_000)
    bench.call("tick")
    bench.clock.advance(-15_000)
    bench.reborn().call("view")
    assert beats(bench)["cron"] == NOW + 5_000


def test_a_venues_own_switch_is_told_how_long_and_then_that_it_is_over() -> None:
    bench = Bench(venue=Switched, protections={"dead_man": {"venue_s": 120}})
    bench.bars(candle("AAA", 0, "100"))
    entry = bench.place("AAA", "buy", "1", kind="limit", limit_price="90")["client_id"]
    run(bench.desk.engine.deadman.keep_alive())
    run(bench.desk.engine.deadman.keep_alive())
    assert bench.venue.told == [120, 120]
    bench.call("cancel", client_id=entry, by="me", idempotency_key="c")
    bench.venue.down = True
    run(bench.desk.engine.deadman.keep_alive())
    bench.venue.down = False
    for _ in range(2):
        run(bench.desk.engine.deadman.keep_alive())
    assert bench.venue.told == [120, 120, 0]


def test_the_alarm_of_the_switch_has_its_own_name() -> None:
    bench = Bench()
    (row,) = bench.sql.rows("SELECT due_ms, attempt FROM timers WHERE name = 'deadman'")
    assert tuple(row) == (NOW + 90_000, 0)
