"""The live book against the real venue socket: depth, staleness, triggers, ticks."""

from __future__ import annotations

import gzip
import json
from decimal import ROUND_CEILING, Decimal
from typing import Any

import httpx

from tests.flow.recompute import Row, recorded
from tests.runtime.accounts import rpc, wall_ms
from tests.system import System, until
from tools.failure import ToolError
from tools.replay import Market

TICK = Decimal("0.01")
POINTS = 4
"""Depth messages a bar."""


def book_of(system: System, symbol: str) -> dict[str, Any]:
    found: dict[str, Any] = system.get(f"/v1/books/us/{symbol}")
    return found


def bars_of(system: System, markets: list[Market], symbol: str) -> list[Row]:
    market = next(market for market in markets if market.venue == "us")
    return recorded(market, "1d", system.replay.clock("us").market_ms)[symbol]


def test_depth_flows_with_exact_prices_and_without_a_gap(system: System, markets: list[Market]) -> None:
    for _ in range(3):
        system.tick()
        for symbol in ("AAPL", "IBM", "SPX"):
            bars = bars_of(system, markets, symbol)
            close = bars[-1][4]
            half = max(Decimal(1), (close / TICK / 10_000).to_integral_value(ROUND_CEILING)) * TICK
            book = arrived(system, symbol, POINTS * len(bars))
            assert [Decimal(price) for price, _ in book["bids"]] == [close - n * half for n in range(1, 6)]
            assert [Decimal(price) for price, _ in book["asks"]] == [close + n * half for n in range(1, 6)]
            assert (book["ts_ms"], book["stale"]) == (system.replay.clock("us").market_ms, False)
    counters = rpc(system, "book", "us:0", "books", {})["counters"]
    assert [counters.get(name, 0) for name in ("malformed", "gaps", "refused", "unknown_symbol")] == [0, 0, 0, 0]


def arrived(system: System, symbol: str, seq: int) -> dict[str, Any]:
    """The book of a symbol once it has seen message `seq`, which nothing may come after."""
    until(lambda: book_of(system, symbol)["seq"] >= seq)
    book = book_of(system, symbol)
    assert book["seq"] == seq
    return book


def test_a_symbol_without_a_bar_has_no_book(system: System) -> None:
    with system.client() as client:
        answer = client.get("/v1/books/us/FB")  # lists in 2012
        assert answer.status_code in (200, 404)
        assert answer.status_code == 404 or (answer.json()["stale"] and not answer.json()["bids"])
        assert client.get("/v1/books/us/NOBODY").json()["code"] == "unknown_instrument"


def test_a_silent_feed_is_stale_and_a_feed_that_speaks_again_is_not(system: System) -> None:
    system.replay.faults.silence_feed()
    until(lambda: book_of(system, "AAPL")["stale"])
    assert book_of(system, "AAPL")["age_ms"] > 5000
    assert all(item["stale"] for item in system.items("/v1/books", venue="us"))
    system.replay.step("us")  # missed: a gap in the sequence
    system.replay.faults.restore_feed()
    system.tick()
    until(lambda: not book_of(system, "AAPL")["stale"])


def test_a_dropped_feed_comes_back_by_itself(system: System) -> None:
    before = rpc(system, "book", "us:0", "books", {})["counters"]["connects"]
    system.replay.drop_feeds()
    until(lambda: rpc(system, "book", "us:0", "books", {})["counters"]["connects"] > before)
    system.tick()
    until(lambda: book_of(system, "IBM")["ts_ms"] == system.replay.clock("us").market_ms)


def newest_price_ms(system: System, desk: str) -> int:
    """Wall time at which the desk last heard of a price."""
    view = rpc(system, "desk", desk, "view", {})
    return int(view["as_of_ms"] - view["marks_age_ms"])


def connections(system: System) -> int:
    return sum('"feed_connected"' in log.message and "/us/depth" in log.message for log in system.stack.logs())


def evict_book(system: System) -> None:
    """An open socket pins the object in memory, so the venue goes away meanwhile, and comes back where it was.

    Each attempt to connect pins it too: it goes in a pause between two, which the backoff makes longer each time.
    """
    port = int(str(system.stack.vars["cron"]["REPLAY_URL"]).rpartition(":")[2])
    system.replay.stop()
    try:
        until(lambda: is_evicted(system), within_s=180)
    finally:
        system.replay.start(port)


def is_evicted(system: System) -> bool:
    """False while the runtime says, after half a minute, that something still holds the object."""
    try:
        system.stack.evict("book", "Book", "us:0", close_websockets=True)
    except ToolError as error:
        if "active references" in str(error):
            return False
        raise
    return True


def plan(system: System, markets: list[Market]) -> tuple[str, Decimal, int]:
    """A symbol, a stop and how many bars to play first: bought then, the stop lies between the lows of bars 2 and 3."""
    market = next(market for market in markets if market.venue == "us")
    now_ms = system.replay.clock("us").market_ms
    every = recorded(market, "1d", now_ms + 60 * 86_400_000)
    for ahead in range(40):
        for symbol in ("AAPL", "IBM", "MSFT"):
            bars = [bar for bar in every[symbol] if bar[0] >= now_ms - 86_400_000][ahead : ahead + 3]
            caused, filled, crossed = bars
            stop = filled[3] - TICK
            if stop < caused[4] - TICK and crossed[3] <= stop - 2 * TICK:
                return symbol, stop, ahead
    raise AssertionError("no such stretch ahead")


def test_a_crossed_stop_makes_the_book_trigger_one_exit_that_fills_on_a_later_bar(
    system: System, markets: list[Market]
) -> None:
    symbol, stop, ahead = plan(system, markets)
    system.tick(ahead)
    ticket = {"instrument": f"us:{symbol}", "side": "buy", "kind": "market", "qty": "10", "stop_price": str(stop)}
    bought = system.post("/v1/desks/hand/orders", ticket, f"book-{ahead}-{symbol}")
    assert bought.status_code == httpx.codes.CREATED, bought.text
    system.tick()
    held = [each for each in system.items("/v1/desks/hand/positions") if each["instrument"] == f"us:{symbol}"]
    assert Decimal(held[0]["stop_price"]) == stop
    # the book learns of the level from the answer to its next heartbeat, at most five seconds later
    heard_ms = wall_ms()
    until(lambda: newest_price_ms(system, "hand") > heard_ms + 1000)
    system.replay.step("us")  # the bar that crosses: the desk is not told of it, only the book is
    crossed_ms = system.replay.clock("us").market_ms
    [order] = until(lambda: system.get("/v1/desks/hand/orders", state="open")["items"])
    assert (order["cause"], order["side"], order["reduce_only"], order["qty"]) == ("stop", "sell", True, "10")
    assert crossed_ms - 86_400_000 < order["market_ms"] <= crossed_ms
    system.player.fire()  # now the desk gets that bar: it caused the order, and must not fill it
    assert system.get(f"/v1/desks/hand/orders/{order['client_id']}")["order"]["filled_qty"] == "0"
    system.tick()
    until(lambda: not system.get("/v1/desks/hand/orders", state="open")["items"])
    system.drained("hand")
    fills = [fill for fill in system.items("/v1/desks/hand/fills") if fill["client_id"] == order["client_id"]]
    assert [(fill["qty"], fill["ts_ms"] >= crossed_ms) for fill in fills] == [("10", True)]
    stops = [each for each in system.items("/v1/desks/hand/orders") if each["cause"] == "stop"]
    assert [each["client_id"] for each in stops] == [order["client_id"]]


def ticks(system: System) -> list[list[Any]]:
    """Every tick of the shard in R2, in the order of the objects."""
    found = []
    for key in sorted(system.stack.r2_keys("ticks/v1/us/0/"), key=lambda key: key.rpartition("/")[2]):
        body = system.stack.r2_get(key)
        assert body is not None
        found += [json.loads(line) for line in gzip.decompress(body).splitlines()]
    return found


def test_an_evicted_book_reconnects_by_itself_beats_on_and_loses_no_tick_that_was_packed(
    system: System, markets: list[Market]
) -> None:
    system.tick()
    rpc(system, "book", "us:0", "flush", {})
    system.tick()
    before = connections(system)
    evict_book(system)
    evicted_ms = wall_ms()
    until(lambda: connections(system) > before)  # nobody has called it
    until(lambda: newest_price_ms(system, "hand") > evicted_ms)
    system.replay.step("us")
    market_ms = system.replay.clock("us").market_ms
    for symbol in ("AAPL", "IBM", "MSFT", "SPX"):  # whoever comes last has come: nothing is on its way any more
        arrived(system, symbol, POINTS * len(bars_of(system, markets, symbol)))
    system.player.fire()
    rpc(system, "book", "us:0", "flush", {})
    found = ticks(system)
    numbers = [tick[0] for tick in found]
    assert numbers == list(range(1, 1 + len(numbers)))
    assert max(tick[3] for tick in found) == market_ms
    assert rpc(system, "book", "us:0", "books", {})["ticks_buffered"] == 0
    for _, symbol, seq, ts_ms, received_ms, bid, bid_qty, ask, ask_qty in found:
        assert symbol in ("AAPL", "GOOG", "IBM", "IXIC", "MSFT", "SPX")
        assert Decimal(bid) < Decimal(ask)
        assert min(Decimal(bid_qty), Decimal(ask_qty), seq, received_ms) > 0
        assert ts_ms <= market_ms


def test_a_flush_told_twice_writes_every_tick_once(system: System) -> None:
    for _ in range(3):
        system.tick()
        rpc(system, "book", "us:0", "flush", {})
        rpc(system, "book", "us:0", "flush", {})
    numbers = [tick[0] for tick in ticks(system)]
    assert numbers == list(range(1, 1 + len(numbers)))
