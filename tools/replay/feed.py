"""The depth feed of one venue: its sockets, and what is sent to each."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from aiohttp import web

from tools.replay.depth import message, path
from tools.replay.faults import Faults
from tools.replay.market import Market

log = logging.getLogger(__name__)

SEND_TIMEOUT_S = 5.0


@dataclass(frozen=True, eq=False)
class Subscriber:
    """A socket and the symbols it asked for."""

    socket: web.WebSocketResponse
    transport: asyncio.Transport | None
    symbols: frozenset[str]


class Feed:
    """Sends the depth of one market; lives on the server's loop."""

    def __init__(self, market: Market, faults: Faults, wall_ms: Callable[[], int]) -> None:
        self._market = market
        self._faults = faults
        self._wall_ms = wall_ms
        self._subscribers: set[Subscriber] = set()

    async def join(self, subscriber: Subscriber, market_ms: int) -> None:
        """Send the present depth of each of its symbols that has a closed bar, then all that follows."""
        self._subscribers.add(subscriber)
        await self._send(subscriber, self._present(subscriber.symbols, market_ms))

    def leave(self, subscriber: Subscriber) -> None:
        """Send it nothing more."""
        self._subscribers.discard(subscriber)

    async def play(self, market_ms: int) -> None:
        """Send the path of every bar that closes at `market_ms`; returns when each socket has it or was dropped."""
        if not self._subscribers:
            return
        wanted = frozenset[str]().union(*(one.symbols for one in self._subscribers))
        texts = list(self._path(wanted, market_ms))
        await asyncio.gather(*(self._send(one, _for(one, texts)) for one in self._subscribers))

    async def heartbeat(self, market_ms: int) -> None:
        """Tell every socket that the feed lives."""
        beat = json.dumps({"type": "heartbeat", "ts_ms": market_ms, "wall_ms": self._wall_ms()})
        await asyncio.gather(*(self._send(one, [beat]) for one in self._subscribers))

    async def drop(self) -> None:
        """Close every socket, as a venue that restarts does."""
        subscribers, self._subscribers = self._subscribers, set()
        await asyncio.gather(*(self._close(one) for one in subscribers))

    def _present(self, symbols: frozenset[str], market_ms: int) -> list[str]:
        texts = []
        for symbol in sorted(symbols):
            series = self._market.finest(symbol)
            latest = series.latest(market_ms)
            if latest:
                point = path(latest.bar, series.interval_ms)[-1]
                texts.append(json.dumps(message(self._market.instruments[symbol], latest.bar, latest.closed, point)))
        return texts

    def _path(self, symbols: Iterable[str], market_ms: int) -> Iterable[tuple[str, str]]:
        """(symbol, message) of all bars that close now, in the order of time."""
        points = []
        for symbol in symbols:
            series = self._market.finest(symbol)
            latest = series.latest(market_ms)
            if latest and latest.bar.open_time_ms + series.interval_ms == market_ms:
                points += [(point.ts_ms, symbol, latest, point) for point in path(latest.bar, series.interval_ms)]
        for _, symbol, latest, point in sorted(points, key=lambda one: one[:2]):
            yield symbol, json.dumps(message(self._market.instruments[symbol], latest.bar, latest.closed, point))

    async def _send(self, subscriber: Subscriber, texts: Iterable[str]) -> None:
        if self._faults.feed_silent or subscriber.socket.closed:
            return
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                for text in texts:
                    await subscriber.socket.send_str(text)
        except (ConnectionError, TimeoutError) as error:
            self._abort(subscriber, error)

    async def _close(self, subscriber: Subscriber) -> None:
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await subscriber.socket.close(code=1012, message=b"restart")
        except TimeoutError as error:
            self._abort(subscriber, error)

    def _abort(self, subscriber: Subscriber, error: Exception) -> None:
        log.warning("venue %s: a depth socket took no message (%r); it is dropped", self._market.venue, error)
        self.leave(subscriber)
        if subscriber.transport:
            subscriber.transport.abort()


def _for(subscriber: Subscriber, texts: Iterable[tuple[str, str]]) -> Iterable[str]:
    return (text for symbol, text in texts if symbol in subscriber.symbols)
