"""The contract of a trading venue, on the sandbox as a process, over real HTTP; and its stream over a real WebSocket."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator

import pytest

pytestmark = pytest.mark.native
if sys.platform == "emscripten":
    pytest.skip("needs sockets and processes", allow_module_level=True)

import aiohttp  # noqa: E402

from shared.clock import SystemClock  # noqa: E402
from shared.model import OrderStatus  # noqa: E402
from shared.venues.sandbox import SandboxVenue  # noqa: E402
from shared.venues.sandbox_feed import News, SandboxFeed  # noqa: E402
from tests.sandbox.harness import Sandbox, SandboxError, sandbox  # noqa: E402
from tests.unit.venues.contract.account import Accounts  # noqa: E402
from tests.unit.venues.contract.http_world import HttpWorld, until  # noqa: E402
from tests.unit.venues.contract.line import Lines  # noqa: E402
from tests.unit.venues.contract.orders import Orders  # noqa: E402
from tests.unit.venues.contract.terms import Terms  # noqa: E402


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with sandbox() as venue:
        yield venue


class TestSandbox(Orders, Terms, Accounts, Lines):
    @pytest.fixture
    def world(self, running: Sandbox) -> Iterator[HttpWorld]:
        world = HttpWorld(running)
        yield world
        world.close()


def stream(world: HttpWorld, act: list[str], *rules: dict[str, object], until_seq: int) -> list[News]:
    """What the stream told while prices went through `act`, until everything up to a number is known."""
    feed = SandboxFeed("us")

    async def listen() -> list[News]:
        venue = world.venue
        assert isinstance(venue, SandboxVenue)
        told = []
        async with aiohttp.ClientSession() as session, session.ws_connect(venue.updates_url()) as socket:
            told.append(feed.read((await socket.receive()).data))
            world.sandbox.faults(*rules)
            await asyncio.to_thread(world.move, *act)
            async with asyncio.timeout(10):
                async for message in socket:
                    told.append(feed.read(message.data))
                    if feed.seq is not None and feed.seq >= until_seq and len(told) > 2:
                        return told
        return told

    heard: list[News] = world.run(listen())
    return heard


@pytest.fixture
def world(running: Sandbox) -> Iterator[HttpWorld]:
    made = HttpWorld(running)
    yield made
    made.close()


def reports(told: list[News]) -> list[OrderStatus]:
    return [news.report.status for news in told if news.report is not None]


@pytest.mark.parametrize(("latency", "slow"), [(150, 0), (0, 150), (100, 100)])
def test_the_line_takes_its_time(running: Sandbox, latency: int, slow: int) -> None:
    world = HttpWorld(running, latency_ms=latency)
    try:
        world.fault("place", "slow", delay_ms=slow)
        began = time.perf_counter()
        world.placed(limit="90")
        assert time.perf_counter() - began >= (latency + slow) / 1000
    finally:
        world.close()


def test_the_stream_tells_every_fill(world: HttpWorld) -> None:
    order = world.placed(limit="95")
    told = stream(world, ["94"], until_seq=2)
    assert told[0].gap, "what came before the stream has to be asked"
    assert reports(told) == [OrderStatus.FILLED]
    assert not any(news.gap or news.problem for news in told[1:])
    assert [news.report for news in told if news.report] == [world.ask(order)]


@pytest.mark.parametrize(
    ("kind", "gap"), [("duplicate", False), ("lose", True), ("reorder", True), ("delay", True), ("close", True)]
)
def test_a_faulty_stream_is_harmless_or_says_that_it_has_a_gap(world: HttpWorld, kind: str, gap: bool) -> None:
    orders = [world.placed(limit="95"), world.placed(limit="90")]
    rule = {"endpoint": "updates", "kind": kind, "delay_ms": 500}
    told = stream(world, ["94", "89"], rule, until_seq=4)
    ended = told[-1].gap or any(news.gap for news in told[1:]) or len(reports(told)) < 2
    assert ended is gap
    if not gap:
        assert [news.report for news in told if news.report] == [world.ask(order) for order in orders]


def test_the_stream_takes_no_stranger(world: HttpWorld) -> None:
    stranger = SandboxVenue(world._client, world.sandbox.url, world.sandbox.key, "another", SystemClock(), "us")

    async def knock() -> int:
        async with aiohttp.ClientSession() as session:
            try:
                await session.ws_connect(stranger.updates_url())
            except aiohttp.WSServerHandshakeError as error:
                return error.status
        return 0

    assert world.run(knock()) == 401


def test_the_journal_holds_what_was_received_though_it_was_never_handled(world: HttpWorld) -> None:
    order = world.order(limit="90")
    world.fault("place", "timeout_before")
    with pytest.raises(Exception, match="no answer"):
        world.place(order)
    (request,) = world.sandbox.journal("request", endpoint="place")
    assert order.client_id in request["body"]
    assert request["fault"] == "timeout_before"
    assert not world.sandbox.journal("answer", to=request["n"])
    assert not world.sandbox.journal("placed")
    text = str(world.sandbox.journal())
    assert world.sandbox.secret not in text
    assert world.sandbox.key not in text


def test_the_control_is_closed_to_others_and_says_what_it_cannot_do(running: Sandbox) -> None:
    with pytest.raises(SandboxError, match="no_such_word"):
        running.tell("dance")
    with pytest.raises(SandboxError, match="bad_request"):
        running.tell("move", symbol="AAA", prices=["-1"])
    with pytest.raises(SandboxError, match="unknown_instrument"):
        running.tell("move", symbol="ZZZ", prices=["1"])
    with pytest.raises(SandboxError, match="before"):
        running.time(market_ms=1)


def test_a_dead_man_loses_his_orders_without_anybody_asking(world: HttpWorld) -> None:
    world.placed(limit="90")
    world.run(world.venue.keep_alive(1))
    world.sandbox.time(push_ms=2000)
    until(lambda: world.sandbox.journal("dead_man"))
    (order,) = world.sandbox.account()["orders"]
    assert (order["status"], order["reason"]) == ("cancelled", "dead_man")


def test_the_sandbox_ends_with_whoever_started_it() -> None:
    with sandbox(setup={"seed": 3}) as venue:
        process = venue._process
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(10) == 0
