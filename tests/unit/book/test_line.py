from __future__ import annotations

import pytest

from shared.book.line import CALL_MS
from shared.errors import VenueUnavailable
from tests.unit.book.support import FakeDesk, World, depth, level

DESKS = ["one", "two", "three", "four", "five"]


@pytest.fixture
def world() -> World:
    made = World()
    made.watch(desks=DESKS)
    return made


def desk(world: World, name: str = "one") -> FakeDesk:
    return world.desks.desks[name]


def listed(world: World, *levels: dict[str, str], name: str = "one") -> None:
    """The desk lists the levels, and has said so."""
    desk(world, name).levels = list(levels)
    world.say(depth("AAPL", 1, "100"))
    world.live_ms(6000)
    desk(world, name).calls.clear()


def test_a_heartbeat_carries_the_newest_quote_of_each_changed_symbol_once_a_second(world: World) -> None:
    world.say(depth("AAPL", 1, "100"))
    for seq in range(2, 6):
        world.say(depth("AAPL", seq, str(90 + seq)))
    world.say(depth("IBM", 1))
    assert len(desk(world).of("heartbeat")) == 1
    world.live_ms(1000)
    quotes = desk(world).of("heartbeat")[-1]["quotes"]
    assert [(quote["instrument"], quote["bid"], quote["seq"]) for quote in quotes] == [
        ("us:AAPL", "95", 5),
        ("us:IBM", "100", 1),
    ]
    world.live_ms(3000)
    assert len(desk(world).of("heartbeat")) == 2


def test_every_five_seconds_all_quotes_are_sent_confirmed_by_the_venue(world: World) -> None:
    world.say(depth("AAPL", 1))
    world.live_ms(60_000)
    beats = desk(world).of("heartbeat")
    assert 11 <= len(beats) <= 14
    assert beats[-1]["quotes"][0]["received_ms"] >= world.clock.now_ms() - 6000


def test_a_feed_that_is_down_does_not_look_alive(world: World) -> None:
    world.say(depth("AAPL", 1))
    world.refuse_connections = True
    world.sockets[0].on_close("gone")
    world.pass_ms(6000)
    desk(world).calls.clear()
    world.pass_ms(30_000)
    assert desk(world).calls == []


@pytest.mark.parametrize("step", [lambda world: world.pass_ms(3000), lambda world: None])
def test_a_crossed_level_is_reported_at_once_and_once(world: World, step: object) -> None:
    listed(world, level("95"), level("120", "target"))
    desk(world).on_trigger = lambda: desk(world).levels.clear()
    world.say(depth("AAPL", 2, "94"))
    assert [call[0] for call in desk(world).calls][:1] == ["trigger"]
    trigger = desk(world).of("trigger")[0]
    assert (trigger["level"], trigger["quote"]["bid"]) == (level("95"), "94")
    step(world)  # type: ignore[operator]
    world.say(depth("AAPL", 3, "93"))
    world.live_ms(10_000)
    assert len(desk(world).of("trigger")) == 1
    assert desk(world, "two").of("trigger") == []


def test_a_failed_trigger_fires_again_though_the_price_came_back(world: World) -> None:
    listed(world, level("95"))
    desk(world).error = VenueUnavailable("away")
    world.say(depth("AAPL", 2, "94"))
    world.say(depth("AAPL", 3, "100"))
    assert len(desk(world).of("trigger")) == 1
    world.live_ms(4000)
    assert 2 <= len(desk(world).of("trigger")) <= 3
    desk(world).error = None
    desk(world).on_trigger = lambda: desk(world).levels.clear()
    world.live_ms(20_000)
    triggers = desk(world).of("trigger")
    assert {trigger["quote"]["seq"] for trigger in triggers} == {2}
    assert len(triggers) <= 4
    assert desk(world).of("heartbeat")


def test_a_level_that_is_crossed_when_it_is_first_listed_fires_without_a_new_quote(world: World) -> None:
    world.say(depth("AAPL", 1, "100"))
    desk(world).levels = [level("101")]
    world.live_ms(6000)
    assert len(desk(world).of("trigger")) == 1


def test_a_desk_that_keeps_listing_a_level_is_not_flooded(world: World) -> None:
    listed(world, level("95"))
    for seq in range(2, 52):
        world.say(depth("AAPL", seq, f"94.{seq}"))
        world.clock.advance(100)
    assert 4 <= len(desk(world).of("trigger")) <= 6


def test_levels_of_other_venues_and_symbols_are_left_alone(world: World) -> None:
    fx = {"instrument": "fx:AAPL", "kind": "stop", "side": "sell", "price": "200"}
    listed(world, fx, level("200", symbol="GOOG"))
    world.live_ms(10_000)
    assert desk(world).of("trigger") == []


@pytest.mark.parametrize("levels", [None, "x", [{"instrument": "us:AAPL"}], [{**level("1"), "price": -1}]])
def test_an_answer_that_makes_no_sense_counts_as_a_failure_and_keeps_the_levels(world: World, levels: object) -> None:
    listed(world, level("95"))
    desk(world).levels = levels  # type: ignore[assignment]
    if levels is None:
        desk(world).error = RuntimeError("a bug over there")
    world.live_ms(6000)
    assert world.call("books")["counters"]["desk_failures"] >= 1
    world.live_ms(5000)
    world.say(depth("AAPL", 2, "94"))
    world.live_ms(6000)
    assert desk(world).of("trigger")


@pytest.mark.parametrize("trouble", ["fails", "hangs"])
def test_one_desk_in_trouble_stops_neither_the_feed_nor_the_other_four(world: World, trouble: str) -> None:
    if trouble == "hangs":
        desk(world, "three").hangs = True
    else:
        desk(world, "three").error = RuntimeError("a bug")
    for seq in range(1, 31):
        world.say(depth("AAPL", seq, str(50 + seq)))
        world.live_ms(1000)
    assert world.item("AAPL")["seq"] == 30
    for name in set(DESKS) - {"three"}:
        assert len(desk(world, name).of("heartbeat")) >= 29
    assert len(desk(world, "three").of("heartbeat")) <= 15
    desk(world, "three").error, desk(world, "three").hangs = None, False
    world.live_ms(7000)
    assert desk(world, "three").of("heartbeat")[-1]["quotes"][0]["bid"] == "80"


def test_calls_to_one_desk_never_overlap(world: World) -> None:
    listed(world, level("95"), level("94.5"), level("94"))
    for seq in range(2, 40):
        world.sockets[-1].on_text(depth("AAPL", seq, str(93 + seq % 3)))
        world.tasks.settle(1)
        world.clock.advance(400)
    world.tasks.settle()
    assert desk(world).most_under_way == 1
    assert desk(world).of("trigger")


def test_a_call_that_never_comes_back_is_given_up_after_a_minute(world: World) -> None:
    listed(world, level("95"))
    desk(world).hangs = True
    world.say(depth("AAPL", 2, "94"))
    world.live_ms(CALL_MS - 5000)
    assert len(desk(world).calls) == 1
    world.live_ms(10_000)
    assert len(desk(world).of("trigger")) == 2


def test_desks_come_and_go_with_the_watch_and_keep_what_they_listed(world: World) -> None:
    listed(world, level("95"))
    world.watch(desks=["one", "six"])
    world.say(depth("AAPL", 2, "94"))
    assert len(desk(world).of("trigger")) == 1
    world.live_ms(2000)
    assert desk(world, "six").of("heartbeat")
    count = len(desk(world, "two").calls)
    world.live_ms(6000)
    assert len(desk(world, "two").calls) == count
    world.watch(desks=["one"], location_hint="weur")
    assert world.desks.hints[-1] == "weur"
