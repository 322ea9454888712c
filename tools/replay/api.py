"""The HTTP and WebSocket face of the replay venues: one aiohttp application."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from aiohttp import web

from tools.replay.bar import Bar
from tools.replay.clock import MarketClock
from tools.replay.faults import CandleFault, Fault, Faults
from tools.replay.feed import Feed, Subscriber
from tools.replay.market import Market
from tools.replay.query import CandleQuery, QueryError, read_symbols

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

GARBAGE = bytes(range(128, 256)) + b"<html>{]"


class Venue:
    """One market, its clock and its feed; `lock` keeps a socket that joins from falling between two bars."""

    def __init__(self, market: Market, clock: MarketClock, faults: Faults, wall_ms: Callable[[], int]) -> None:
        self.market = market
        self.clock = clock
        self.feed = Feed(market, faults, wall_ms)
        self.lock = asyncio.Lock()


class Api:
    """The routes; each handler answers JSON."""

    def __init__(self, venues: Mapping[str, Venue], faults: Faults) -> None:
        self._venues = venues
        self._faults = faults

    def app(self) -> web.Application:
        """The application with its four routes."""
        app = web.Application(middlewares=[errors_as_json])
        app.add_routes(
            [
                web.get("/{venue}/clock", self.clock),
                web.get("/{venue}/instruments", self.instruments),
                web.get("/{venue}/candles", self.candles),
                web.get("/{venue}/depth", self.depth),
            ]
        )
        return app

    async def clock(self, request: web.Request) -> web.Response:
        """Market time, and how far the market has been played."""
        return web.json_response(self._venue(request).clock.read().to_json())

    async def instruments(self, request: web.Request) -> web.Response:
        """All instruments of the venue, also those that list later than now."""
        listed = self._venue(request).market.instruments.values()
        return web.json_response({"items": [instrument.to_json() for instrument in listed]})

    async def candles(self, request: web.Request) -> web.Response:
        """Closed bars; a fault that was asked for takes the place of a good answer."""
        venue = self._venue(request)
        query = CandleQuery.read(request.query, venue.market)
        market_ms = venue.clock.market_ms
        items = {
            symbol: venue.market.closed((symbol, query.interval), market_ms, query.start_ms, query.end_ms, query.limit)
            for symbol in query.symbols
        }
        fault = self._faults.take()
        if fault:
            return await faulty(fault, market_ms, items)
        return page(market_ms, items)

    async def depth(self, request: web.Request) -> web.StreamResponse:
        """The depth feed of some symbols, or of all; what a client sends is passed over."""
        venue = self._venue(request)
        symbols = read_symbols(request.query.get("symbols", ""), venue.market) or venue.market.instruments
        socket = web.WebSocketResponse(timeout=1.0, compress=False)
        if not socket.can_prepare(request):
            raise QueryError(426, "not-a-websocket", f"{request.path} is a WebSocket; connect with an Upgrade header")
        await socket.prepare(request)
        subscriber = Subscriber(socket, request.transport, frozenset(symbols))
        try:
            async with venue.lock:
                await venue.feed.join(subscriber, venue.clock.market_ms)
            async for _ in socket:
                pass
        finally:
            venue.feed.leave(subscriber)
        return socket

    def _venue(self, request: web.Request) -> Venue:
        name = request.match_info["venue"]
        if name not in self._venues:
            raise QueryError(404, "unknown-venue", f"{name[:40]}: is not played; these are: {sorted(self._venues)}")
        return self._venues[name]


def page(market_ms: int, items: Mapping[str, Sequence[Bar]]) -> web.Response:
    """A good page of candles."""
    return web.json_response({"market_ms": market_ms, "items": items})


async def faulty(fault: Fault, market_ms: int, items: Mapping[str, Sequence[Bar]]) -> web.Response:
    """The page of candles as `fault` spoils it."""
    match fault.kind:
        case CandleFault.ERROR_500:
            return problem(500, "internal", "the venue broke, as it was asked to")
        case CandleFault.TOO_MANY:
            response = problem(429, "too-many-requests", f"wait {fault.retry_after_s} s")
            response.headers["Retry-After"] = str(fault.retry_after_s)
            return response
        case CandleFault.GARBAGE:
            return web.Response(body=GARBAGE, content_type="application/json")
        case CandleFault.TRUNCATED:
            body = json.dumps({"market_ms": market_ms, "items": items}).encode()
            return web.Response(body=body[: len(body) // 2], content_type="application/json")
        case CandleFault.DUPLICATES:
            return page(market_ms, {symbol: [bar for bar in bars for _ in "12"] for symbol, bars in items.items()})
        case CandleFault.OUT_OF_ORDER:
            return page(market_ms, {symbol: list(reversed(bars)) for symbol, bars in items.items()})
        case CandleFault.NO_ROWS:
            return page(market_ms, {symbol: [] for symbol in items})
        case CandleFault.EMPTY:
            return web.Response(body=b"", content_type="application/json")
        case CandleFault.HANG:
            await asyncio.Event().wait()  # until the caller goes away or the server stops: both cancel the handler
            raise AssertionError("a hanging answer cannot end")


def problem(status: int, code: str, message: str) -> web.Response:
    """An error as JSON: `{"error": code, "message": text}`."""
    return web.json_response({"error": code, "message": message}, status=status)


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The outermost edge of a request: every error is answered as JSON, and one of ours is logged with its trace."""
    try:
        return await handler(request)
    except QueryError as error:
        return problem(error.status, error.code, str(error))
    except web.HTTPException as error:
        return problem(error.status, "http", f"{request.method} {request.path}: {error.reason}")
    except Exception:
        log.exception("%s %s failed", request.method, request.path_qs)
        return problem(500, "internal", "the replay server failed; its log has the trace")
