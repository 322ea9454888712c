"""Stops and targets: which bars and quotes reach them, what is in the way of the exit, and what an addition does to them."""

from __future__ import annotations

import pytest

from shared.desk.timers import backoff_ms
from tests.unit.desk.bench import DAY, T0, Bench, candle, proposal, quote
from tests.unit.desk.faulty import FaultyVenue


def levels_of(bench: Bench) -> list[tuple[str, str]]:
    found = bench.call("heartbeat", quotes=[])["levels"]
    return [(each["kind"], each["price"]) for each in found]


def filled_days(bench: Bench) -> list[float]:
    rows = bench.sql.rows("SELECT json_extract(body, '$.fill.ts_ms') FROM events WHERE kind = 'order_filled'")
    return [(ts_ms - T0) / DAY for (ts_ms,) in rows]


def test_a_stop_crossed_by_any_bar_of_one_delivery_is_followed() -> None:
    bench = Bench()
    bench.held("AAA", 0, stop_price="95")
    bench.bars(candle("AAA", 2, "100", low="50"), candle("AAA", 3, "100"), candle("AAA", 4, "100"))
    assert bench.kinds().count("level_triggered") == 1
    assert filled_days(bench) == [1, 3]


def test_one_delivery_of_many_bars_ends_like_many_deliveries_of_one() -> None:
    story = [
        candle("AAA", 1, "100"),
        candle("BBB", 1, "100"),
        candle("AAA", 2, "100", low="10", close="20"),
        candle("BBB", 2, "50"),
        candle("AAA", 3, "60"),
    ]
    ends = []
    for groups in ([story], [[*story[2:], *story[:2]]], [[bar] for bar in story]):
        bench = Bench()
        bench.bars(candle("AAA", 0, "100"), candle("BBB", 0, "100"))
        bench.propose(proposal("AAA", 0, "100"), proposal("BBB", 0, "100"))
        for group in groups:
            bench.bars(*group)
        ends.append((bench.call("positions")["items"], bench.call("view")["cash"]))
    assert ends[0] == ends[1] == ends[2]
    assert bench.state.position("us:AAA").is_flat


@pytest.mark.parametrize(("first", "second"), [("stop_price", "target_price"), ("target_price", "stop_price")])
def test_an_addition_with_one_level_keeps_the_other(first: str, second: str) -> None:
    prices = {"stop_price": "95", "target_price": "150"}
    bench = Bench()
    bench.held("AAA", 0, **{first: prices[first]})
    (before,) = levels_of(bench)
    bench.place("AAA", "buy", "1", **{second: prices[second]})
    bench.bars(candle("AAA", 2, "100"))
    assert levels_of(bench) == [("stop", "95"), ("target", "150")]
    assert before in levels_of(bench)


def test_a_new_position_has_nothing_of_the_one_before() -> None:
    bench = Bench()
    bench.held("AAA", 0, stop_price="95")
    bench.place("AAA", "sell", "10", reduce_only=True)
    bench.bars(candle("AAA", 2, "100"))
    bench.held("AAA", 3, target_price="150")
    assert levels_of(bench) == [("target", "150")]


@pytest.mark.parametrize(("qty", "kind"), [("10", "limit"), ("4", "limit"), ("4", "market")])
def test_whatever_is_being_sold_the_stop_gets_all_of_it_out_at_the_next_bar(qty: str, kind: str) -> None:
    bench = Bench()
    bench.held("AAA", 0, stop_price="95")
    limit = {"limit_price": "300"} if kind == "limit" else {"reduce_only": True}
    bench.place("AAA", "sell", qty, kind=kind, **limit)
    assert levels_of(bench) == [("stop", "95")]
    answer = bench.call("heartbeat", quotes=[quote("AAA", "90", "90.1", T0 + 2 * DAY)])
    assert answer["levels"] == []
    bench.bars(candle("AAA", 2, "120"))
    assert bench.call("positions")["items"] == []
    assert bench.kinds().count("level_triggered") == 1


def test_a_resting_sell_is_taken_away_by_the_bar_that_crosses_the_stop() -> None:
    bench = Bench()
    bench.held("AAA", 0, stop_price="95")
    resting = bench.place("AAA", "sell", "10", kind="limit", limit_price="300")["client_id"]
    bench.bars(candle("AAA", 2, "90"))
    order = bench.order(resting)
    assert (order["status"], order["reason"]) == ("cancelled", "exit")
    bench.bars(candle("AAA", 3, "120"))
    assert bench.call("positions")["items"] == []


def test_a_trigger_waits_for_a_cancel_that_has_no_answer_and_the_next_one_follows() -> None:
    bench = Bench(venue=FaultyVenue)
    bench.held("AAA", 0, stop_price="95")
    bench.place("AAA", "sell", "10", kind="limit", limit_price="300")
    (level,) = bench.call("heartbeat", quotes=[])["levels"]
    seen = quote("AAA", "90", "90.1", T0 + 2 * DAY)
    bench.venue.script.extend(["before", "before"])
    for _ in range(2):
        assert bench.call("trigger", level=level, quote=seen)["outcome"] == "exit_pending"
    assert "level_triggered" not in bench.kinds()
    bench.clock.advance(1000)
    bench.fire()
    answer = bench.call("trigger", level=level, quote=seen)
    assert bench.order(answer["client_id"])["qty"] == "10"


def test_a_resting_sell_does_not_block_the_strategys_exit() -> None:
    bench = Bench()
    bench.held("AAA", 0)
    bench.place("AAA", "sell", "10", kind="limit", limit_price="300")
    leave = proposal("AAA", 1, "100", action="exit", side="sell", stop_distance=None)
    (result,) = bench.propose(leave)
    assert result["outcome"] == "intended"
    assert bench.order(result["client_id"])["qty"] == "10"
    assert "proposal_refused" not in bench.kinds()
    (again,) = bench.propose(leave)
    assert (again["outcome"], again["client_id"]) == ("duplicate", result["client_id"])


def test_the_strategys_exit_waits_for_a_cancel_that_has_no_answer() -> None:
    bench = Bench(venue=FaultyVenue)
    bench.held("AAA", 0)
    bench.place("AAA", "sell", "10", kind="limit", limit_price="300")
    leave = proposal("AAA", 1, "100", action="exit", side="sell", stop_distance=None)
    bench.venue.script.extend(["before"] * 2)
    (result,) = bench.propose(leave)
    assert (result["outcome"], result["code"]) == ("refused", "exit_pending")
    bench.clock.advance(1000)
    bench.fire()
    assert bench.propose(leave)[0]["outcome"] == "intended"


def test_exits_that_the_venue_rejects_are_tried_again_with_backoff() -> None:
    bench = Bench(venue=FaultyVenue)
    bench.held("AAA", 0, stop_price="95")
    bench.venue.script.extend(["no"] * 6)
    (level,) = bench.call("heartbeat", quotes=[])["levels"]
    start = len(bench.venue.places)
    for second in range(60):
        seen = quote("AAA", "90", "90.1", T0 + 2 * DAY, received_ms=bench.clock.now_ms())
        bench.call("heartbeat", quotes=[seen])
        if second == 0:
            assert bench.call("trigger", level=level, quote=seen)["outcome"] == "exit_rejected"
        bench.clock.advance(1000)
    # at 0, 1, 3, 7, 15 and 31 seconds
    assert len(bench.venue.places) - start == 6
    assert bench.state.rejected_exits["us:AAA"].count == 6
    assert backoff_ms(5) == 32_000
    bench.clock.advance(4000)
    seen = quote("AAA", "90", "90.1", T0 + 2 * DAY, received_ms=bench.clock.now_ms())
    bench.call("heartbeat", quotes=[seen])
    bench.bars(candle("AAA", 2, "90"))
    assert bench.state.rejected_exits == {}
    assert bench.call("positions")["items"] == []
