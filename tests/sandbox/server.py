"""The sandbox over HTTP and WebSocket on 127.0.0.1: carries requests to the exchange, and does to them what the script says."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from shared.errors import Invalid
from tests.sandbox.checks import Refusal
from tests.sandbox.control import control
from tests.sandbox.exchange import Exchange
from tests.sandbox.faults import GARBAGE, Plan, plan
from tests.sandbox.message import Reply, Request
from tests.sandbox.setup import Setup
from tests.sandbox.stream import CLOSE

log = logging.getLogger("sandbox")

HOST = "127.0.0.1"
BEAT_S = 0.25
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


class Server:
    """One exchange on one port. `control_key` opens `/control/`; `POST /control/reset` with a `Setup` begins anew, keys kept."""

    def __init__(self, exchange: Exchange, control_key: str) -> None:
        self._exchange = exchange
        self._control_key = control_key
        self._sockets: set[web.WebSocketResponse] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def app(self) -> web.Application:
        app = web.Application(client_max_size=1 << 20)
        app.router.add_route("*", "/control/{word}", self._control)
        app.router.add_get("/v1/updates", self._updates)
        app.router.add_route("*", "/{tail:.*}", self._trade)
        app.on_startup.append(self._begin)
        app.on_shutdown.append(self._end)
        return app

    async def _begin(self, _app: web.Application) -> None:
        self._spawn(self._beat())

    async def _end(self, _app: web.Application) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        for socket in tuple(self._sockets):
            await socket.close()

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            self._exchange.tick()
            self._exchange.stream.beat(self._exchange.time.wall_ms())

    async def _control(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("X-Control-Key") != self._control_key:
            return web.json_response({"error": "bad_control_key"}, status=401)
        asked = await _read(request)
        if asked.path == "/control/reset":
            return await self._reset(asked)
        return _written(control(self._exchange, asked))

    async def _reset(self, asked: Request) -> web.StreamResponse:
        try:
            setup = Setup.parse(asked.body)
        except Invalid as error:
            return _written(Reply(400, {"error": "bad_request", "message": error.detail}))
        for socket in tuple(self._sockets):
            await socket.close()
        self._exchange = self._exchange.anew(setup)
        return _written(Reply(200, {}))

    async def _trade(self, request: web.Request) -> web.StreamResponse:
        asked = await _read(request)
        exchange = self._exchange
        rule = exchange.faults.take(exchange.endpoint(asked))
        number = exchange.received(asked, rule)
        fate = plan(rule)
        if fate.late_ms is not None:
            asyncio.get_running_loop().call_later(fate.late_ms / 1000, exchange.handle, asked, rule, number)
            return await _ended(fate, None, request)
        reply = exchange.handle(asked, rule, number) if fate.handled else None
        wait_ms = fate.delay_ms + exchange.setup.latency_ms
        if wait_ms:
            await asyncio.sleep(wait_ms / 1000)
        return await _ended(fate, reply, request)

    async def _updates(self, request: web.Request) -> web.StreamResponse:
        asked = await _read(request)
        number = self._exchange.received(asked, None)
        try:
            self._exchange.authorized(asked)
        except Refusal:
            return _written(self._exchange.handle(asked, None, number))
        socket = web.WebSocketResponse(timeout=1.0, compress=False)
        if not socket.can_prepare(request):
            return _written(self._exchange.handle(asked, None, number))
        await socket.prepare(request)
        queue: asyncio.Queue[str] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def listen(text: str, late_ms: int) -> None:
            if late_ms:
                loop.call_later(late_ms / 1000, queue.put_nowait, text)
            else:
                queue.put_nowait(text)

        self._sockets.add(socket)
        self._exchange.stream.join(listen)
        sender = asyncio.ensure_future(_sent(socket, queue))
        try:
            async for _ in socket:
                pass
        finally:
            sender.cancel()
            self._sockets.discard(socket)
            self._exchange.stream.leave(listen)
        return socket


async def _sent(socket: web.WebSocketResponse, queue: asyncio.Queue[str]) -> None:
    while True:
        text = await queue.get()
        if text == CLOSE:
            await socket.close(code=1012, message=b"restart")
            return
        await socket.send_str(text)


async def _read(request: web.Request) -> Request:
    headers = {name.lower(): value for name, value in request.headers.items()}
    path, _, query = request.raw_path.partition("?")
    return Request(request.method, path, query, headers, await request.read())


def _written(reply: Reply) -> web.Response:
    return web.json_response(reply.body, status=reply.status, headers=dict(reply.headers))


async def _ended(fate: Plan, reply: Reply | None, request: web.Request) -> web.StreamResponse:
    match fate.ending:
        case "hang":
            await asyncio.Event().wait()  # until the caller goes away or the server stops: both cancel the handler
        case "reset":
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)
        case "status":
            wait = {} if fate.retry_after_s is None else {"Retry-After": str(fate.retry_after_s)}
            return _written(Reply(fate.status, {"error": fate.code, "message": "as it was asked to"}, wait))
        case "garbage":
            return web.Response(body=GARBAGE, content_type="application/json")
        case "truncated" if reply is not None:
            body = json.dumps(reply.body).encode()
            return web.Response(body=body[: len(body) // 2], status=reply.status, content_type="application/json")
        case _:
            pass
    if reply is None:
        raise AssertionError("a reply needs a request that was handled")
    return _written(reply)
