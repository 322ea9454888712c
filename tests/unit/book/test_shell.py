from __future__ import annotations

from typing import Any

import pytest

from shared.book.board import STALE_MS
from shared.book.shell import BUSY_ALARM_MS, CALM_ALARM_MS
from shared.errors import Conflict, Invalid, NotFound, StorageUnavailable
from tests.unit.book.support import START_MS, World, beat, depth


@pytest.fixture
def world() -> World:
    made = World()
    made.watch()
    return made


def test_watch_connects_once_and_arms_the_alarm(world: World) -> None:
    assert world.watch() == {"connected": True, "symbols": 2}
    assert [socket.url for socket in world.sockets] == ["ws://replay/us/depth?symbols=AAPL,IBM"]
    assert world.alarm.at_ms == START_MS + CALM_ALARM_MS


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://x"},
        {"url": "ws://x?symbols=A"},
        {"symbols": ["a b"]},
        {"symbols": ["A"] * 2},
        {"symbols": [f"S{n}" for n in range(201)]},
        {"desks": ["X"]},
        {"venue": 5},
        {"more": 1},
    ],
)
def test_a_wrong_watch_is_refused(wrong: dict[str, Any]) -> None:
    world = World()
    body = {"venue": "us", "url": "ws://x", "symbols": ["A"], "desks": [], "location_hint": "", **wrong}
    with pytest.raises(Invalid):
        world.call("watch", **body)
    assert not world.sockets


def test_another_venue_is_refused(world: World) -> None:
    with pytest.raises(Conflict):
        world.watch(venue="fx")


def test_a_book_is_answered_as_it_was_sent(world: World) -> None:
    world.say(depth("AAPL", 1, "100.50", "101"))
    world.clock.advance(300)
    assert world.call("book", symbol="AAPL", depth=5) == {
        "instrument": "us:AAPL",
        "bids": [["100.5", "5"]],
        "asks": [["101", "7"]],
        "seq": 1,
        "ts_ms": 1_070_323_200_001,
        "received_ms": START_MS,
        "age_ms": 300,
        "stale": False,
    }


def test_a_symbol_that_has_not_come_yet_is_stale_and_empty(world: World) -> None:
    item = {"instrument": "us:IBM", "bid": None, "ask": None, "seq": None, "ts_ms": None, "received_ms": None}
    assert world.item("IBM") == {**item, "age_ms": None, "stale": True}


def test_questions_that_are_wrong_or_about_others(world: World) -> None:
    with pytest.raises(NotFound):
        world.call("book", symbol="GOOG", depth=5)
    for body in (
        {},
        {"symbol": "AAPL", "depth": 0},
        {"symbol": "'; DROP TABLE ticks"},
        {"symbol": "AAPL", "depth": "5"},
    ):
        with pytest.raises(Invalid):
            world.call("book", **body)
    with pytest.raises(NotFound):
        World().call("book", symbol="AAPL")


def test_a_quiet_market_is_not_stale_while_the_feed_lives(world: World) -> None:
    world.say(depth())
    world.live_ms(60_000)
    item = world.item("AAPL")
    assert not item["stale"]
    assert item["age_ms"] == 0
    assert item["received_ms"] == START_MS


def test_a_feed_that_stops_is_stale_after_five_seconds(world: World) -> None:
    world.say(depth())
    world.clock.advance(STALE_MS)
    assert not world.item("AAPL")["stale"]
    world.clock.advance(1)
    assert world.item("AAPL")["stale"]


def test_malformed_and_unknown_messages_are_counted_and_never_fatal(world: World) -> None:
    world.say(depth("AAPL", 1))
    for text in ("{", "[]", depth("GOOG"), depth("AAPL", 2, "0"), depth("IBM", 1, bids=[["x", "1"]])):
        world.say(text)
    assert world.item("AAPL")["stale"]
    assert world.call("book", symbol="AAPL", depth=5)["bids"] == []
    world.live_ms(4000)
    assert world.item("AAPL")["age_ms"] == 4000
    counters = world.call("books")["counters"]
    assert (counters["malformed"], counters["unknown_symbol"], counters["refused"]) == (3, 1, 1)
    world.say(depth("AAPL", 3))
    assert not world.item("AAPL")["stale"]


def test_a_gap_is_counted_and_duplicates_are_ignored(world: World) -> None:
    for seq in (1, 5, 5, 4, 6):
        world.say(depth("AAPL", seq, bid=str(90 + seq)))
    counters = world.call("books")["counters"]
    assert (counters["gaps"], counters["ignored"]) == (1, 2)
    assert world.item("AAPL")["bid"] == "96"


def test_a_message_that_trips_over_something_does_not_end_the_feed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(world.book, "_drive", lambda now_ms: 1 / 0)
        world.say(beat())
    world.say(depth())
    assert world.call("books")["counters"]["message_failures"] == 1
    assert not world.item("AAPL")["stale"]


def test_it_connects_again_with_backoff_and_takes_a_sequence_that_starts_anew(world: World) -> None:
    world.say(depth("AAPL", 50, "100"))
    world.refuse_connections = True
    world.sockets[0].on_close("1006")
    assert not world.call("books")["connected"]
    world.pass_ms(120_000)
    failures = world.call("books")["counters"]["connect_failures"]
    assert 5 <= failures <= 15
    world.refuse_connections = False
    world.until_connected()
    world.say(beat())
    assert world.item("AAPL")["stale"], "a heartbeat vouches for nothing that the new connection has not said"
    world.say(depth("AAPL", 1, "99"))
    assert (world.item("AAPL")["bid"], world.item("AAPL")["stale"]) == ("99", False)


def test_what_an_old_socket_still_says_is_not_heard(world: World) -> None:
    world.sockets[0].on_close("gone")
    world.watch()
    world.sockets[0].on_text(depth("AAPL", 9))
    world.sockets[0].on_close("gone again")
    assert len(world.sockets) == 2
    assert world.call("books")["connected"]
    assert world.item("AAPL")["seq"] is None


def test_a_silent_socket_is_closed_and_replaced(world: World) -> None:
    world.say(depth())
    world.sockets[0].close_raises = True
    world.pass_ms(40_000)
    assert world.sockets[0].closed
    assert len(world.sockets) >= 2


def test_messages_that_cannot_be_read_do_not_keep_a_socket_alive(world: World) -> None:
    for _ in range(20):
        world.pass_ms(1000)
        world.say("rubbish")
        if len(world.sockets) > 1:
            break
    assert world.sockets[0].closed


def test_a_connection_that_never_comes_is_given_up_and_closed_when_it_does(world: World) -> None:
    world.sockets[0].on_close("gone")
    world.connect_hangs = True
    world.pass_ms(60_000)
    assert len(world.sockets) == 1
    world.connect_hangs = False
    world.until_connected()
    assert [socket.closed for socket in world.sockets[1:]].count(False) == 1


def test_messages_that_come_before_the_connection_is_reported_count() -> None:
    world = World()
    world.greeting = [depth("AAPL", 1)]
    world.watch()
    assert not world.item("AAPL")["stale"]


def test_other_symbols_mean_another_connection_and_none_means_none(world: World) -> None:
    world.say(depth())
    world.watch(symbols=["IBM", "GOOG"])
    assert world.sockets[0].closed
    assert world.sockets[1].url.endswith("?symbols=IBM,GOOG")
    assert world.watch(symbols=[]) == {"connected": False, "symbols": 0}
    assert world.sockets[1].closed
    world.pass_ms(120_000)
    assert len(world.sockets) == 2
    assert world.alarm.at_ms is None
    assert [one.seq for _, one in world.store.ticks()] == [1]


@pytest.mark.parametrize("by", ["alarm", "books"])
def test_an_evicted_object_picks_up_its_feed_by_itself(world: World, by: str) -> None:
    world.say(depth())
    world.pass_ms(5000)
    world.evict()
    if by == "alarm":
        world.pass_ms(CALM_ALARM_MS)
    else:
        world.alarm.at_ms = None
        world.call("books")
        world.tasks.settle()
    assert len(world.sockets) == 1
    assert world.alarm.at_ms is not None
    world.say(depth())
    assert world.call("books")["connected"]
    assert len(world.desks.desks["main"].of("heartbeat")) >= 2


def test_the_alarm_arms_first_and_never_raises(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    armed: list[int] = []
    monkeypatch.setattr(world.alarm, "arm", armed.append)
    monkeypatch.setattr(world.book, "_drive", lambda now_ms: 1 / 0)
    world.tasks.run(world.book.alarm())
    assert armed == [START_MS + CALM_ALARM_MS]
    monkeypatch.setattr(world.alarm, "arm", lambda at_ms: 1 / 0)
    world.tasks.run(world.book.alarm())
    assert world.book.counters["alarm_failures"] == 2


def test_the_alarm_is_quick_while_something_waits(world: World) -> None:
    world.desks.desks["main"].error = StorageUnavailable("no")
    world.say(depth())
    world.pass_ms(CALM_ALARM_MS)
    assert world.alarm.at_ms is not None
    assert world.alarm.at_ms - world.clock.now_ms() <= BUSY_ALARM_MS


def test_an_object_that_watches_nothing_does_nothing() -> None:
    world = World()
    world.tasks.run(world.book.alarm())
    assert world.alarm.at_ms is None
    assert world.call("flush") == {"ticks": 0, "objects": 0}
    assert world.call("books")["items"] == []


def test_ticks_go_to_r2_every_minute_only_where_the_top_changed(world: World) -> None:
    for seq, bid in enumerate(["1", "1", "2", "1"], 1):
        world.say(depth("AAPL", seq, bid))
    assert world.call("books")["ticks_buffered"] == 3
    world.live_ms(61_000)
    assert [(one.seq, one.bid) for _, one in world.store.ticks()] == [(1, "1"), (3, "2"), (4, "1")]
    assert world.call("books")["ticks_buffered"] == 0
    assert world.store.puts == 1


def test_many_ticks_are_flushed_before_the_minute(world: World) -> None:
    for seq in range(1, 5002):
        world.sockets[-1].on_text(depth("AAPL", seq, str(10 + seq % 2)))
    world.tasks.settle()
    assert len(world.store.ticks()) >= 5000


def test_r2_failing_keeps_every_tick_and_tries_again(world: World) -> None:
    world.store.fail_before = lambda: True
    for seq in range(1, 4):
        world.say(depth("AAPL", seq, str(seq)))
    world.live_ms(90_000)
    with pytest.raises(StorageUnavailable):
        world.call("flush")
    assert world.call("books")["ticks_buffered"] == 3
    assert world.call("books")["counters"]["flush_failures"] >= 2
    world.store.fail_before = lambda: False
    world.live_ms(11_000)
    assert [one.seq for _, one in world.store.ticks()] == [1, 2, 3]


def test_flush_answers_what_it_wrote_and_survives_eviction(world: World) -> None:
    world.say(depth())
    world.pass_ms(5000)
    world.evict()
    assert world.call("flush") == {"ticks": 1, "objects": 1}
    assert next(iter(world.store.objects)).startswith("ticks/v1/us/0/2003-12-02/")
