"""The replay server: several venues on one port of loopback, on a thread and an event loop of its own."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web

from tools.replay.api import Api, Venue
from tools.replay.clock import ClockFile, ClockReading, MarketClock
from tools.replay.errors import ServerError
from tools.replay.faults import Faults
from tools.replay.market import Market

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
HEARTBEAT_S = 1.0
ANSWER_S = 30.0

T = TypeVar("T")


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


class ReplayServer:
    """Plays markets; every method may be called from any thread.

    The clock goes on only by `step`, and its state is saved at each, so that the next start goes on from there.
    """

    def __init__(
        self, markets: Sequence[Market], state_file: Path | None, *, wall_ms: Callable[[], int] = _wall_ms
    ) -> None:
        """With `state_file` None nothing is kept. Raises ServerError for two markets of one venue, or none at all."""
        names = [market.venue for market in markets]
        if not names or len(set(names)) != len(names):
            raise ServerError(f"venues={names}: at least one, each once; leave the others out")
        self.faults = Faults()
        self._markets = markets
        self._file = ClockFile(state_file)
        self._wall_ms = wall_ms
        self._venues: dict[str, Venue] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._runner: web.AppRunner | None = None
        self._beats: asyncio.Task[None] | None = None

    def start(self, port: int = 0) -> str:
        """Serve on `port` of 127.0.0.1 (0: any free one) and return the base URL, without a slash at its end.

        Raises StateError when the saved clock is unreadable, ServerError when the port is taken or it runs already.
        """
        if self._thread:
            raise ServerError("the replay server runs already; stop it first")
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name="replay", daemon=True)
        thread.start()
        self._loop, self._thread = loop, thread
        try:
            return self._call(self._open(port))
        except OSError as error:
            raise ServerError(f"{HOST}:{port}: cannot be served ({error}); choose a free port") from error
        finally:
            if not self._runner:
                self._end()

    def step(self, venue: str) -> int:
        """Go on by one bar close and return market_ms, once the depth of its bars was handed to all sockets.

        At the end of the market nothing happens. Raises ServerError for an unknown venue or a server not running.
        """
        return self._call(self._step(self._known(venue)))

    def clock(self, venue: str) -> ClockReading:
        """The venue's clock; raises ServerError for an unknown venue or a server not running."""
        return self._known(venue).clock.read()

    def drop_feeds(self) -> None:
        """Close every depth socket, as a venue that restarts does."""
        self._call(self._drop())

    def stop(self) -> None:
        """Close the sockets and the port and wait for the thread; nothing happens when it does not run."""
        if self._thread:
            self._call(self._close())
            self._end()

    def _end(self) -> None:
        loop, thread = self._loop, self._thread
        self._loop = self._thread = None
        if loop and thread:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(ANSWER_S)
            loop.close()

    async def _open(self, port: int) -> str:
        self._load()
        # A hanging answer is cancelled with its caller, and must not hold up the end.
        app = Api(self._venues, self.faults).app()
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.2, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, HOST, port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner, self._beats = runner, asyncio.create_task(self._beat())
        return f"http://{HOST}:{runner.addresses[0][1]}"

    async def _close(self) -> None:
        runner, beats = self._runner, self._beats
        self._runner = self._beats = None
        if beats:
            beats.cancel()
        await self._drop()
        if runner:
            await runner.cleanup()

    def _load(self) -> None:
        clocks = [MarketClock(market.venue, market.play_from_ms, market.closes) for market in self._markets]
        for venue in self._file.load(clocks):
            log.warning("venue %s: its data is not what the saved clock was for; it plays from the beginning", venue)
        self._venues.clear()
        for market, clock in zip(self._markets, clocks, strict=True):
            self._venues[market.venue] = Venue(market, clock, self.faults, self._wall_ms)

    async def _step(self, venue: Venue) -> int:
        async with venue.lock:
            if venue.clock.ended:
                return venue.clock.market_ms
            market_ms = venue.clock.step()
            self._file.save(venue.clock)
            await venue.feed.play(market_ms)
            return market_ms

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            await asyncio.gather(*(venue.feed.heartbeat(venue.clock.market_ms) for venue in self._venues.values()))

    async def _drop(self) -> None:
        await asyncio.gather(*(venue.feed.drop() for venue in self._venues.values()))

    def _known(self, name: str) -> Venue:
        if not self._thread:
            raise ServerError("the replay server does not run; start it first")
        if name not in self._venues:
            raise ServerError(f"venue={name!r}: is not played; this server plays {sorted(self._venues)}")
        return self._venues[name]

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        if not self._loop:
            work.close()
            raise ServerError("the replay server does not run; start it first")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(ANSWER_S)
