"""The front door: `/livez` at once, everything else through the application, which is built at the first request."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import js
from pyodide.ffi import to_js
from workers import WorkerEntrypoint, asgi

from router.app import create_app, misconfigured
from router.ports import Ports
from shared import log
from shared.clock import SystemClock
from shared.config import RouterSettings
from shared.edge.count import counting
from shared.edge.d1 import D1
from shared.edge.env import text_vars
from shared.edge.heap import vitals
from shared.edge.kv import KV
from shared.edge.queue import Queue
from shared.edge.r2 import R2
from shared.edge.ratelimit import RateLimit
from shared.edge.rpc import Objects, Worker
from shared.errors import Invalid

_LIVE = '{"status":"ok"}'
_LIVE_INIT: Any = None
_app: Any = None
_max_body_bytes = 65_536


class Default(WorkerEntrypoint):  # type: ignore[misc]
    """What the platform calls."""

    async def fetch(self, request: Any) -> Any:
        """Answers one HTTP request."""
        asked = request.js_object
        if asked.method == "GET" and _path(asked.url) == "/livez":
            return _live()
        app = _application(self.env)
        # without the bridge's lifespan, which would run at every request: this application has none
        response, _ = await asgi.process_request(app, _Asked(asked, _max_body_bytes), None, None)
        return response

    async def vitals(self) -> str:
        """RPC: memory and operations of this isolate, for `make bench`; no binding of ours leads here."""
        return vitals()


def _path(url: str) -> str:
    return "/" + url.partition("?")[0].partition("://")[2].partition("/")[2]


def _live() -> Any:
    global _LIVE_INIT
    if _LIVE_INIT is None:
        headers = {"content-type": "application/json", "cache-control": "no-store", "x-content-type-options": "nosniff"}
        _LIVE_INIT = to_js({"headers": headers}, dict_converter=js.Object.fromEntries)
    return js.Response.new(_LIVE, _LIVE_INIT)


def _application(env: Any) -> Any:
    """The app and its settings, once per isolate; settings that are refused answer every request with a problem."""
    global _app, _max_body_bytes
    if _app is None:
        _app, _max_body_bytes = _build(env)
    return _app


def _build(env: Any) -> tuple[Any, int]:
    """The application over the environment's bindings, and the most bytes that a body may have."""
    try:
        settings = RouterSettings.load(text_vars(env))
    except Invalid as error:
        log.setup("ERROR")
        log.get("entry").error("settings_refused", extra={"detail": error.detail})
        return misconfigured, 0
    log.setup(settings.LOG_LEVEL)
    ports = Ports(
        settings=settings,
        db=D1(env.DB),
        archive=R2(env.ARCHIVE),
        hot=KV(env.HOT),
        jobs=Queue(env.JOBS),
        desks=Objects(env.DESK, settings.LOCATION_HINT, "desk"),
        books=Objects(env.BOOK, settings.LOCATION_HINT, "book"),
        brain=Worker(env.BRAIN, "brain"),
        limiter=RateLimit(env.LIMITER),
        clock=SystemClock(),
        counting=counting,
    )
    return create_app(ports), settings.MAX_BODY_BYTES


class _Asked:
    """What the bridge reads of a request; the body is cut one byte after the limit, for the bridge holds all of it."""

    def __init__(self, asked: Any, max_bytes: int) -> None:
        self.method = str(asked.method)
        self.url = str(asked.url)
        self.headers = [(str(pair[0]), str(pair[1])) for pair in asked.headers]
        self.body = _cut(asked.body, max_bytes) if asked.body else None


class _Chunk:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def to_bytes(self) -> bytes:
        return self._body


async def _cut(body: Any, max_bytes: int) -> AsyncIterator[_Chunk]:
    left = max_bytes + 1
    async for part in body:
        chunk = part.to_bytes()[:left]
        left -= len(chunk)
        yield _Chunk(chunk)
        if not left:
            return
