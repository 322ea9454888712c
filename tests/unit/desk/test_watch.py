"""Prices that come in: what is refused, which levels are answered, and what following a crossed one leads to."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from shared.desk import following
from shared.errors import Invalid
from shared.model import Candle
from tests.unit.desk.bench import DAY, NOW, T0, Bench, candle, quote
from tests.unit.desk.faulty import FaultyVenue
from tests.unit.desk.remote import bodies

AFTER = T0 + 2 * DAY
"""The market time of a bench whose position was just bought."""


@pytest.fixture
def bench() -> Bench:
    made = Bench(venue=FaultyVenue)
    made.bars(candle("BBB", 0, "100"))
    made.held("AAA", 0, stop_price="95", target_price="120")
    return made


def level(bench: Bench, kind: str = "stop") -> dict[str, Any]:
    found: list[dict[str, Any]] = bench.call("heartbeat", quotes=[])["levels"]
    return next(each for each in found if each["kind"] == kind)


def at(price: str, ms: int = 1, **changes: Any) -> dict[str, Any]:
    """One whose bid it is: what could be sold at."""
    return quote("AAA", price, str(Decimal(price) + 1), AFTER + ms, **changes)


def test_bars_of_another_length_are_refused(bench: Bench) -> None:
    with pytest.raises(Invalid) as caught:
        bench.bars({**candle("AAA", 3, "100"), "interval": "1h", "open_time_ms": T0})
    assert caught.value.context["field"] == "candles.interval"
    assert caught.value.detail == f"candles.interval: '1h' is not of {DAY} ms"


def test_bars_tell_the_new_fills_and_the_markets_time(bench: Bench) -> None:
    bench.place("AAA", "buy", "1")
    told = bench.bars(candle("ZZZ", 9, "100"), candle("AAA", 2, "100"))
    assert told == {"fills": 1, "market_ms": T0 + 3 * DAY}
    assert bench.bars(candle("AAA", 2, "100")) == {"fills": 0, "market_ms": T0 + 3 * DAY}
    assert bench.bars() == {"fills": 0, "market_ms": T0 + 3 * DAY}
    assert "us:ZZZ" not in bench.desk.engine.market.marks


def test_levels_are_told_as_they_are_watched(bench: Bench) -> None:
    side = {"instrument": "us:AAA", "side": "sell"}
    assert bench.call("heartbeat", quotes=[])["levels"] == [
        {**side, "kind": "stop", "price": "95"},
        {**side, "kind": "target", "price": "120"},
    ]


def test_a_heartbeat_of_what_is_not_listed_changes_nothing(bench: Bench) -> None:
    bench.call("heartbeat", quotes=[quote("ZZZ", "1", "2", AFTER + 1)])
    assert "us:ZZZ" not in bench.desk.engine.market.marks


@pytest.mark.parametrize(("price", "kinds"), [
    ("95", {"stop"}), ("95.01", set()), ("120", {"target"}), ("119.99", set()), ("1", {"stop"}),
])  # fmt: skip
def test_a_heartbeat_that_crossed_a_level_is_followed(bench: Bench, price: str, kinds: set[str]) -> None:
    told = bench.call("heartbeat", quotes=[at(price)])
    found = bodies(bench, "level_triggered")
    assert {each["level"]["kind"] for each in found} == kinds
    assert bool(told["levels"]) is not bool(kinds)
    if kinds:
        assert (found[0]["price"], found[0]["market_ms"]) == (price, AFTER + 1)


def test_a_trigger_tells_the_exit_that_it_led_to(bench: Bench) -> None:
    told = bench.call("trigger", level=level(bench), quote=at("94"))
    (order,) = bench.call("orders")["items"]
    assert told == {"outcome": "intended", "client_id": order["client_id"], "levels": []}


@pytest.mark.parametrize(
    ("change", "sent", "outcome"),
    [
        ({"price": "94"}, at("90"), "stale_level"),
        ({}, at("96"), "not_crossed"),
        ({}, at("90", received_ms=NOW - 60_001), "stale_data"),
        ({}, at("90", received_ms=NOW - 60_000), "intended"),
        ({}, quote("AAA", "90", "91", 2**53 - 1), "stale_data"),
    ],
)
def test_a_trigger_that_is_not_followed_says_why_and_what_to_watch(
    bench: Bench, change: dict[str, str], sent: dict[str, Any], outcome: str
) -> None:
    before = bench.call("heartbeat", quotes=[])["levels"]
    told = bench.call("trigger", level={**level(bench), **change}, quote=sent)
    assert told["outcome"] == outcome
    if outcome != "intended":
        assert told == {"outcome": outcome, "client_id": None, "levels": before}


def test_a_trigger_needs_a_quote_of_its_own_instrument(bench: Bench) -> None:
    with pytest.raises(Invalid) as caught:
        bench.call("trigger", level=level(bench), quote=quote("BBB", "1", "2", AFTER + 1))
    assert caught.value.context["field"] == "quote.instrument"
    assert caught.value.detail == "quote.instrument: 'us:BBB' is not us:AAA"


def test_a_trigger_whose_way_is_not_clear_is_pending_and_asked_once_more_only(bench: Bench) -> None:
    bench.place("AAA", "sell", "10", kind="limit", limit_price="150", reduce_only=True)
    stop = level(bench)
    bench.venue.script.extend(["before"] * 20)
    told = bench.call("trigger", level=stop, quote=at("94"))
    assert (told["outcome"], told["client_id"]) == ("exit_pending", None)
    assert len(bench.venue.script) >= 17
    bench.venue.script.clear()
    bench.clock.advance(5000)
    bench.fire()
    assert bench.call("trigger", level=stop, quote=at("94", 2))["outcome"] == "intended"


def test_the_first_of_two_levels_that_a_bar_crossed_is_the_stop(bench: Bench) -> None:
    bars = [Candle.parse(json.dumps(candle("AAA", 2, "100", high="130", low="90")))]
    found = following.triggers(bench.state, bars, NOW)
    assert [(each.level.kind.value, str(each.price)) for each in found] == [("stop", "90"), ("target", "130")]
    assert {(each.market_ms, each.received_ms) for each in found} == {(T0 + 3 * DAY, NOW)}
    bench.bars(candle("AAA", 2, "100", high="130", low="90"))
    (triggered,) = bodies(bench, "level_triggered")
    assert triggered["level"]["kind"] == "stop"


@pytest.mark.parametrize(("low", "high", "kinds"), [
    ("95", "101", ["stop"]), ("95.01", "119.99", []), ("99", "120", ["target"]),
])  # fmt: skip
def test_a_bar_crosses_what_lies_within_it(bench: Bench, low: str, high: str, kinds: list[str]) -> None:
    bars = [Candle.parse(json.dumps(candle(name, 2, "100", low=low, high=high))) for name in ("BBB", "AAA")]
    assert [each.level.kind.value for each in following.triggers(bench.state, bars, NOW)] == kinds
    assert following.triggers(bench.state, bars[:1], NOW) == []


def test_bars_are_stored_when_all_that_they_led_to_is_done(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: Any) -> None:
        raise RuntimeError("crash")

    monkeypatch.setattr(following, "follow", crash)
    with pytest.raises(RuntimeError):
        bench.bars(candle("AAA", 2, "100", low="90"))
    monkeypatch.undo()
    # as after a crash: the bar is looked at again when it comes again
    bench.reborn()
    bench.bars(candle("AAA", 2, "100", low="90"))
    assert bench.kinds().count("level_triggered") == 1


def test_orders_are_asked_about_should_taking_the_bars_break_off(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    rests = bench.place("BBB", "buy", "1", kind="limit", limit_price="90")["client_id"]
    suspects = bench.desk.engine.effects.suspects
    bench.bars(candle("AAA", 2, "100"))
    assert rests not in suspects

    def crash(*_: Any) -> None:
        raise RuntimeError("crash")

    monkeypatch.setattr(bench.venue, "on_bars", crash)
    with pytest.raises(RuntimeError):
        bench.bars(candle("AAA", 3, "100"))
    assert rests in bench.desk.engine.effects.suspects
