"""The replay server over real sockets: clock, instruments, candles, depth, restarts."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import pytest

from tools.replay import CandleFault, Market, ReplayServer, ServerError
from tools.replay.bar import Bar
from tools.replay.instrument import Instrument
from tools.replay.market import recorded_market
from tools.replay.series import RecordedSeries

pytestmark = pytest.mark.native

HOUR = 3_600_000
T = TypeVar("T")


def market(venue: str = "us", bars: int = 300) -> Market:
    """A from the start, B listed an hour into play, and fifty more; 3 hours are history."""
    instruments, series = [], {}
    for symbol, listed in [("A", 0), ("B", 4), *((f"S{number}", 0) for number in range(50))]:
        rows = [
            Bar(HOUR * n, "10.00", "11.00", "9.00", "10.50" if n % 2 else "9.50", str(1000 * n))
            for n in range(listed, bars)
        ]
        series[symbol, "1h"] = RecordedSeries(HOUR, rows)
        instruments.append(Instrument(symbol, symbol, "USD", "0.01", "1", "1", "1", "1", HOUR * listed, ("1h",)))
    return recorded_market(venue, instruments, series, 3 * HOUR)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ReplayServer]:
    server = ReplayServer([market(), market("fx", 5)], tmp_path / "clock.json", wall_ms=lambda: 42)
    yield server
    server.stop()


def client(server: ReplayServer, use: Callable[[aiohttp.ClientSession], Awaitable[T]], *, start: bool = True) -> T:
    """Run `use` with a session on the server."""
    base_url = server.start() if start else None

    async def session() -> T:
        async with aiohttp.ClientSession(base_url, timeout=aiohttp.ClientTimeout(total=10)) as open_session:
            return await use(open_session)

    return asyncio.run(session())


def get(server: ReplayServer, *paths: str) -> list[tuple[int, Any]]:
    """(status, JSON) of each path, asked one after another."""

    async def use(session: aiohttp.ClientSession) -> list[tuple[int, Any]]:
        answers = []
        for path in paths:
            async with session.get(path) as response:
                assert response.content_type == "application/json"
                answers.append((response.status, await response.json()))
        return answers

    return client(server, use)


async def depths(feed: aiohttp.ClientWebSocketResponse, count: int) -> list[dict[str, Any]]:
    """The next `count` depth messages."""
    found: list[dict[str, Any]] = []
    while len(found) < count:
        one = await feed.receive_json()
        if one["type"] == "depth":
            found.append(one)
    return found


def test_clock_and_instruments(server: ReplayServer) -> None:
    clock, instruments = get(server, "/us/clock", "/us/instruments")
    assert clock == (200, {"venue": "us", "market_ms": 3 * HOUR, "bar": 0, "bars": 297, "ended": False})
    assert instruments[1]["items"][1] == {
        "symbol": "B",
        "base": "B",
        "quote": "USD",
        "tick": "0.01",
        "lot": "1",
        "min_qty": "1",
        "min_notional": "1",
        "multiplier": "1",
        "listed_ms": 4 * HOUR,
        "intervals": ["1h"],
    }


def test_only_closed_bars_are_told(server: ReplayServer) -> None:
    (_, before), (_, cut), (_, none) = get(
        server,
        "/us/candles?symbols=A,B,A&interval=1h&start_ms=0",
        f"/us/candles?symbols=A&interval=1h&start_ms=1&end_ms={2 * HOUR}&limit=1",
        "/us/candles?symbols=A&interval=1h&start_ms=99999999999",
    )
    assert before["market_ms"] == 3 * HOUR
    assert [row[0] for row in before["items"]["A"]] == [0, HOUR, 2 * HOUR]
    assert before["items"]["A"][1] == [HOUR, "10.00", "11.00", "9.00", "10.50", "1000"]
    assert before["items"]["B"] == []
    assert [row[0] for row in cut["items"]["A"]] == [HOUR]
    assert none["items"] == {"A": []}


def test_a_page_is_at_most_a_hundred_bars(server: ReplayServer) -> None:
    server.start()
    for _ in range(150):
        server.step("us")
    server.stop()
    [(_, page)] = get(server, "/us/candles?symbols=A&interval=1h&start_ms=0")
    assert len(page["items"]["A"]) == 100


GOOD = "/us/candles?symbols=A&interval=1h&start_ms=0"


@pytest.mark.parametrize(
    ("path", "status", "code", "named"),
    [
        ("/xx/clock", 404, "unknown-venue", "xx"),
        ("/nothing", 404, "http", "/nothing"),
        ("/us/candles?symbols=A,ZZZ&interval=1h&start_ms=0", 404, "unknown-symbol", "ZZZ"),
        ("/us/candles?interval=1h&start_ms=0", 400, "bad-parameter", "symbols"),
        (
            "/us/candles?interval=1h&start_ms=0&symbols=A," + ",".join(f"S{n}" for n in range(50)),
            400,
            "bad-parameter",
            "51 of them",
        ),
        ("/us/candles?symbols=A&interval=2h&start_ms=0", 400, "bad-parameter", "2h"),
        ("/us/candles?symbols=A&interval=1m&start_ms=0", 400, "bad-parameter", "A has: 1h"),
        ("/us/candles?symbols=A&interval=1h", 400, "bad-parameter", "start_ms"),
        ("/us/candles?symbols=A&interval=1h&start_ms=-1", 400, "bad-parameter", "-1"),
        ("/us/candles?symbols=A&interval=1h&start_ms=1e400", 400, "bad-parameter", "1e400"),
        (GOOD + "&limit=0", 400, "bad-parameter", "limit"),
        (GOOD + "&limit=101", 400, "bad-parameter", "101"),
        (GOOD + "&end_ms=", 400, "bad-parameter", "end_ms"),
        (GOOD + "&x=1", 400, "unknown-parameter", "x"),
        ("/us/candles?symbols='%20OR%201=1&interval=1h&start_ms=0", 404, "unknown-symbol", "' OR 1=1"),
        ("/us/depth", 426, "not-a-websocket", "Upgrade"),
        ("/us/depth?symbols=ZZZ", 404, "unknown-symbol", "ZZZ"),
    ],
)
def test_a_bad_request_is_named_in_json(server: ReplayServer, path: str, status: int, code: str, named: str) -> None:
    [(found, body)] = get(server, path)
    assert (found, body["error"]) == (status, code)
    assert named in body["message"]


def test_depth_is_told_at_once_and_then_along_each_bar(server: ReplayServer) -> None:
    async def use(session: aiohttp.ClientSession) -> list[dict[str, Any]]:
        async with session.ws_connect("/us/depth?symbols=A,B") as feed:
            first = await depths(feed, 1)
            assert await asyncio.to_thread(server.step, "us") == 4 * HOUR
            return first + await depths(feed, 4)

    messages = client(server, use)
    assert [one["seq"] for one in messages] == [12, 13, 14, 15, 16]
    assert {one["symbol"] for one in messages} == {"A"}
    assert [one["ts_ms"] for one in messages] == [3 * HOUR + HOUR * n // 4 for n in range(5)]
    assert [one["asks"][0][0] for one in messages] == ["9.51", "10.01", "9.01", "11.01", "10.51"]
    assert messages[1]["bids"][0] == ["9.99", "3"]
    assert all(len(one["bids"]) == len(one["asks"]) == 5 for one in messages)
    assert all(Decimal(one["bids"][0][0]) < Decimal(one["asks"][0][0]) for one in messages)


def test_a_feed_without_symbols_has_them_all_and_a_listing_joins_it(server: ReplayServer) -> None:
    async def use(session: aiohttp.ClientSession) -> list[dict[str, Any]]:
        async with session.ws_connect("/us/depth") as feed:
            assert len({one["symbol"] for one in await depths(feed, 51)}) == 51
            for _ in range(5):
                await asyncio.to_thread(server.step, "us")
            return await depths(feed, 51 * 4 * 5 + 4 * 4)

    messages = client(server, use)
    assert [one["seq"] for one in messages if one["symbol"] == "B"] == list(range(1, 17))
    assert [one["seq"] for one in messages if one["symbol"] == "S7"] == list(range(13, 33))
    times = [one["ts_ms"] for one in messages]
    assert times == sorted(times)


def test_a_heartbeat_comes_every_second(server: ReplayServer) -> None:
    async def use(session: aiohttp.ClientSession) -> dict[str, Any]:
        async with session.ws_connect("/us/depth?symbols=B") as feed:
            beat: dict[str, Any] = await feed.receive_json()
            return beat

    assert client(server, use) == {"type": "heartbeat", "ts_ms": 3 * HOUR, "wall_ms": 42}


def test_seq_and_clock_go_on_after_a_restart(server: ReplayServer) -> None:
    server.start()
    server.step("us")
    assert (server.step("fx"), server.step("fx"), server.step("fx")) == (4 * HOUR, 5 * HOUR, 5 * HOUR)
    server.stop()

    async def use(session: aiohttp.ClientSession) -> list[dict[str, Any]]:
        async with session.ws_connect("/us/depth?symbols=A") as feed:
            return await depths(feed, 1)

    assert client(server, use)[0]["seq"] == 16
    assert (server.clock("us").bar, server.clock("fx").ended) == (1, True)


def test_sockets_can_be_dropped(server: ReplayServer) -> None:
    async def use(session: aiohttp.ClientSession) -> int | None:
        async with session.ws_connect("/us/depth?symbols=A") as feed:
            await depths(feed, 1)
            await asyncio.gather(asyncio.to_thread(server.drop_feeds), feed.receive())
            return feed.close_code

    assert client(server, use) == 1012


def test_a_silent_feed_shows_as_a_gap(server: ReplayServer) -> None:
    async def use(session: aiohttp.ClientSession) -> list[int]:
        async with session.ws_connect("/us/depth?symbols=A") as feed:
            first = await depths(feed, 1)
            server.faults.silence_feed()
            await asyncio.to_thread(server.step, "us")
            server.faults.restore_feed()
            await asyncio.to_thread(server.step, "us")
            return [one["seq"] for one in first + await depths(feed, 1)]

    assert client(server, use) == [12, 17]


def test_a_socket_that_does_not_read_is_dropped_and_holds_up_nobody(
    server: ReplayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.replay.feed.SEND_TIMEOUT_S", 0.2)

    async def use(session: aiohttp.ClientSession) -> int:
        async with session.ws_connect("/us/depth", timeout=aiohttp.ClientWSTimeout(ws_close=0.1)) as feed:
            assert feed._conn is not None  # the only way to keep a client from reading
            assert feed._conn.transport is not None
            feed._conn.transport.pause_reading()
            for _ in range(290):
                await asyncio.to_thread(server.step, "us")
            return len(server._venues["us"].feed._subscribers)

    assert client(server, use) == 0


def fault(server: ReplayServer, kind: CandleFault) -> tuple[int, str | None, bytes, Any]:
    """(status, Retry-After, body) of the faulty answer, and the good page that follows it."""
    server.faults.candles(kind, retry_after_s=7)

    async def use(session: aiohttp.ClientSession) -> tuple[int, str | None, bytes, Any]:
        async with session.get(GOOD) as bad, session.get(GOOD) as good:
            return bad.status, bad.headers.get("Retry-After"), await bad.read(), await good.json()

    return client(server, use)


@pytest.mark.parametrize(
    ("kind", "status", "after"), [(CandleFault.ERROR_500, 500, None), (CandleFault.TOO_MANY, 429, "7")]
)
def test_a_fault_of_status(server: ReplayServer, kind: CandleFault, status: int, after: str | None) -> None:
    found, retry_after, _, good = fault(server, kind)
    assert (found, retry_after, len(good["items"]["A"])) == (status, after, 3)


@pytest.mark.parametrize("kind", [CandleFault.GARBAGE, CandleFault.TRUNCATED, CandleFault.EMPTY])
def test_a_fault_of_bytes(server: ReplayServer, kind: CandleFault) -> None:
    status, _, body, good = fault(server, kind)
    assert (status, len(good["items"]["A"])) == (200, 3)
    with pytest.raises(ValueError):
        json.loads(body)


@pytest.mark.parametrize(
    ("kind", "hours"),
    [
        (CandleFault.DUPLICATES, [0, 0, 1, 1, 2, 2]),
        (CandleFault.OUT_OF_ORDER, [2, 1, 0]),
        (CandleFault.NO_ROWS, []),
    ],
)
def test_a_fault_of_rows(server: ReplayServer, kind: CandleFault, hours: list[int]) -> None:
    status, _, body, _ = fault(server, kind)
    assert status == 200
    assert [row[0] // HOUR for row in json.loads(body)["items"]["A"]] == hours


def test_a_hanging_answer_ends_with_the_caller_and_does_not_hold_up_the_stop(server: ReplayServer) -> None:
    server.faults.candles(CandleFault.HANG, times=2)

    async def use(session: aiohttp.ClientSession) -> int:
        with pytest.raises(TimeoutError):
            await session.get(GOOD, timeout=aiohttp.ClientTimeout(total=0.1))
        server.faults.clear()
        async with session.get(GOOD) as good:
            return good.status

    assert client(server, use) == 200


def test_what_cannot_start_says_why(server: ReplayServer, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServerError, match=f"127.0.0.1:{port}: cannot be served"):
            server.start(port)
    with pytest.raises(ServerError, match="does not run"):
        server.step("us")
    server.start()
    with pytest.raises(ServerError, match="runs already"):
        server.start()
    with pytest.raises(ServerError, match="venue='xx'"):
        server.step("xx")
    with pytest.raises(ServerError, match="each once"):
        ReplayServer([market(), market()], None)
