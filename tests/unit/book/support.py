"""A world for one Book object: a clock that is told, a scheduler without a loop, and fakes of all that it reaches."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence
from typing import Any, TypeVar

from shared.book.shell import Book, Ports
from shared.book.ticks import Tick, unpack
from shared.clock import FixedClock
from shared.errors import StorageUnavailable, VenueUnavailable
from tests.unit.book.native_sql import NativeSql

T = TypeVar("T")
START_MS = 1_700_000_000_000


class Pause:
    """Lets everything else have a turn."""

    def __await__(self) -> Generator[None, None, None]:
        yield


class Tasks:
    """Coroutines in turns; one that never ends simply stays."""

    def __init__(self) -> None:
        self._running: list[Coroutine[Any, Any, None]] = []

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._running.append(work)

    def settle(self, turns: int = 50) -> None:
        for _ in range(turns):
            for work in list(self._running):
                try:
                    work.send(None)
                except StopIteration:
                    self._running.remove(work)

    def run(self, work: Coroutine[Any, Any, T], turns: int = 500) -> T:
        for _ in range(turns):
            try:
                work.send(None)
            except StopIteration as done:
                return done.value  # type: ignore[no-any-return]
            self.settle(1)
        raise AssertionError("it never ended")

    def forget(self) -> None:
        """What eviction does to tasks."""
        for work in self._running:
            work.close()
        self._running.clear()


class FakeStore:
    """R2 that can fail before or after it has stored."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.fail_before: Callable[[], bool] = lambda: False
        self.fail_after: Callable[[], bool] = lambda: False
        self.puts = 0

    def ticks(self) -> list[tuple[int, Tick]]:
        return [one for key in sorted(self.objects) for one in unpack(gzip.decompress(self.objects[key]))]

    async def put(self, key: str, body: bytes) -> None:
        self.puts += 1
        await Pause()
        if self.fail_before():
            raise StorageUnavailable("R2 is away")
        self.objects[key] = body
        await Pause()
        if self.fail_after():
            raise StorageUnavailable("R2 is away")

    async def get(self, key: str) -> bytes | None:
        return self.objects.get(key)

    async def delete(self, keys: Sequence[str]) -> None:
        raise NotImplementedError

    async def list(self, prefix: str) -> list[str]:
        return sorted(key for key in self.objects if key.startswith(prefix))


class FakeAlarm:
    def __init__(self) -> None:
        self.at_ms: int | None = None

    def arm(self, at_ms: int) -> None:
        self.at_ms = at_ms


class FakeDesk:
    def __init__(self) -> None:
        self.levels: list[dict[str, Any]] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.error: Exception | None = None
        self.hangs = False
        self.under_way = 0
        self.most_under_way = 0
        self.on_trigger: Callable[[], None] = lambda: None

    async def call(self, method: str, body: Mapping[str, Any]) -> dict[str, Any]:
        self.calls.append((method, json.loads(json.dumps(body))))
        self.under_way += 1
        self.most_under_way = max(self.under_way, self.most_under_way)
        await Pause()
        while self.hangs:
            await Pause()
        self.under_way -= 1
        if self.error:
            raise self.error
        if method == "trigger":
            self.on_trigger()
            return {"outcome": "intended", "client_id": "x", "levels": list(self.levels)}
        return {"levels": list(self.levels)}

    def of(self, method: str) -> list[dict[str, Any]]:
        return [body for name, body in self.calls if name == method]


class FakeDesks:
    def __init__(self) -> None:
        self.desks: dict[str, FakeDesk] = {}
        self.hints: list[str] = []

    def __call__(self, hint: str) -> FakeDesks:
        self.hints.append(hint)
        return self

    def named(self, name: str) -> FakeDesk:
        return self.desks.setdefault(name, FakeDesk())


class FakeSocket:
    def __init__(self, url: str, on_text: Callable[[str], None], on_close: Callable[[str], None]) -> None:
        self.url, self.on_text, self.on_close = url, on_text, on_close
        self.closed = False
        self.close_raises = False

    def close(self) -> None:
        self.closed = True
        if self.close_raises:
            raise RuntimeError("already closed")


class World:
    """Everything around the object, which can be evicted and made anew over the same storage."""

    def __init__(self, name: str = "us:0") -> None:
        self.name = name
        self.clock = FixedClock(START_MS)
        self.tasks = Tasks()
        self.sql = NativeSql()
        self.store = FakeStore()
        self.alarm = FakeAlarm()
        self.desks = FakeDesks()
        self.sockets: list[FakeSocket] = []
        self.refuse_connections = False
        self.connect_hangs = False
        self.greeting: list[str] = []
        self.book = self.make()

    async def connect(self, url: str, on_text: Callable[[str], None], on_close: Callable[[str], None]) -> FakeSocket:
        await Pause()
        while self.connect_hangs:
            await Pause()
        if self.refuse_connections:
            raise VenueUnavailable("refused")
        socket = FakeSocket(url, on_text, on_close)
        self.sockets.append(socket)
        for text in self.greeting:
            on_text(text)
        return socket

    def make(self) -> Book:
        ports = Ports(self.sql, self.alarm, self.store, self.desks, self.clock, self.connect, self.tasks.spawn)
        return Book(self.name, ports)

    def evict(self) -> None:
        self.tasks.forget()
        self.sockets.clear()
        self.book = self.make()

    def call(self, method: str, **body: Any) -> dict[str, Any]:
        value: dict[str, Any] = self.tasks.run(getattr(self.book, method)(body))
        self.tasks.settle()
        json.dumps(value)
        return value

    def watch(
        self, symbols: Sequence[str] = ("AAPL", "IBM"), desks: Sequence[str] = ("main",), **more: Any
    ) -> dict[str, Any]:
        body = {"venue": "us", "url": "ws://replay/us/depth", "location_hint": "", **more}
        return self.call("watch", symbols=list(symbols), desks=list(desks), **body)

    def say(self, text: str) -> None:
        self.sockets[-1].on_text(text)
        self.tasks.settle()

    def pass_ms(self, ms: int) -> None:
        """Time passes, and the alarm fires whenever it is due."""
        end = self.clock.now_ms() + ms
        while self.alarm.at_ms is not None and self.alarm.at_ms <= end:
            self.clock.advance(max(0, self.alarm.at_ms - self.clock.now_ms()))
            self.alarm.at_ms = None
            self.tasks.run(self.book.alarm())
            self.tasks.settle()
        self.clock.advance(end - self.clock.now_ms())

    def until_connected(self) -> None:
        for _ in range(40):
            self.pass_ms(1000)
            if self.call("books")["connected"]:
                return
        raise AssertionError("it never connected")

    def live_ms(self, ms: int) -> None:
        """As `pass_ms`, with a heartbeat of the venue every second."""
        for _ in range(ms // 1000):
            self.pass_ms(1000)
            self.say(beat())

    def item(self, symbol: str) -> dict[str, Any]:
        items = self.call("books")["items"]
        return next(item for item in items if item["instrument"] == f"us:{symbol}")


def depth(symbol: str = "AAPL", seq: int = 1, bid: str = "100", ask: str = "100.02", **more: Any) -> str:
    body = {"type": "depth", "symbol": symbol, "seq": seq, "ts_ms": 1_070_323_200_000 + seq}
    return json.dumps({**body, "bids": [[bid, "5"]], "asks": [[ask, "7"]], **more})


def beat() -> str:
    return json.dumps({"type": "heartbeat", "ts_ms": 1_070_323_200_000, "wall_ms": START_MS})


def level(price: str, kind: str = "stop", side: str = "sell", symbol: str = "AAPL") -> dict[str, Any]:
    return {"instrument": f"us:{symbol}", "kind": kind, "side": side, "price": price}
